"""The three floors: imports only go down."""

import subprocess
import sys
import tomllib

from importlinter.cli import EXIT_STATUS_ERROR, EXIT_STATUS_SUCCESS, lint_imports

from tests.checkout import ROOT


def test_imports_only_go_down(capsys):
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_a_floor_that_reaches_up_is_noticed(tmp_path):
    """The contracts as they stand, over a house where app.core imports Qt."""
    for folder in ("app/core", "app/ui", "app/cli", "model/data/readers"):
        (tmp_path / folder).mkdir(parents=True)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for contract in settings["tool"]["importlinter"]["contracts"]:
        for module in contract.get("source_modules", []):
            place = tmp_path / module.replace(".", "/")
            if not place.is_dir():
                place.with_suffix(".py").write_text("")
    for package in (tmp_path / "app", tmp_path / "model"):
        for folder in (package, *(path for path in package.rglob("*") if path.is_dir())):
            (folder / "__init__.py").write_text("")
    (tmp_path / "app/core/wrong.py").write_text("import PySide6\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", "import importlinter.cli as cli; raise SystemExit(cli.lint_imports(no_cache=True))"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        check=False,
    )
    assert done.returncode == EXIT_STATUS_ERROR
    assert "app.core.wrong" in done.stdout
