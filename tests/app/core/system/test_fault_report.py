"""What `marque doctor --report` prints may be sent to strangers."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.cli import main
from app.core.system import paths
from app.core.system.fault_report import report_lines
from model.console.fault_log import logged

# Without halves of characters: neither a settings file nor the place of code can hold one
WORDS = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=40)


def name(text: str) -> str:
    return f"zq{text}qz"


@given(home=WORDS, folder=WORDS, photo=WORDS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_name_of_a_folder_or_photo_is_in_it(marque_home: Path, home: str, folder: str, photo: str) -> None:
    place = f"/home/{name(home)}/{name(folder)}/{name(photo)}.jpg"
    chosen = {"identification_model": place, "recent_projects": [place], "theme": "dark", name(folder): place}
    (paths.user_config_dir() / "settings.json").write_text(json.dumps(chosen), encoding="utf-8")
    log = logging.getLogger("app")
    with logged():
        log.warning("%s: cannot be read", place)
        try:
            try:
                raise ValueError(f'{place}\n  File "{place}", line 1, in {name(photo)}\nzq{photo}Error: {place}')
            except ValueError:
                exec(compile("raise KeyError", place, "exec"), {})
        except KeyError:
            log.exception("%s", place)
    text = "\n".join(report_lines([("python", "3")]))
    assert "zq" not in text and "qz" not in text and "/home" not in text
    assert "setting theme: dark" in text and "setting recent_projects: 1 entries" in text
    assert "ValueError, KeyError" in text and "elsewhere:1" in text
    (paths.user_data_dir() / "marque.log").unlink()


def test_the_command_prints_it(tiny_model: Path, marque_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with logged():
        try:
            Path(marque_home / "zq photo").read_bytes()
        except OSError:
            logging.getLogger("app").exception("a defect with zq photo")
    assert main(["doctor", "--report", "--model", str(tiny_model)]) == 0
    text = capsys.readouterr().out
    assert "marque: " in text and "fingerprint" in text and "FileNotFoundError" in text
    assert "zq" not in text and str(marque_home) not in text and str(tiny_model.parent) not in text
    assert main(["doctor", "--report", "--model", str(tiny_model), "--json"]) == 0
    assert {json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()} == {"report"}
