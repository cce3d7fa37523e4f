"""A model or gallery that goes away while photos are identified by it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.system.files_in_use import FilesInUse

_MARQUE = "import sys; from app.cli import main; sys.exit(main())"


@pytest.mark.parametrize("replaced", [False, True])
def test_identify_says_that_its_model_and_gallery_have_gone(
    tmp_path: Path, photos: Path, tiny_model: Path, tiny_gallery: Path, replaced: bool
) -> None:
    model, many = tmp_path / "own.onnx", tmp_path / "many"
    shutil.copy(tiny_model, model)
    many.mkdir()
    for number in range(300):
        shutil.copy(photos / "sedan" / "Rossa 2010" / "1.jpg", many / f"{number}.jpg")
    command = [
        sys.executable,
        "-c",
        _MARQUE,
        "identify",
        str(many),
        "--model",
        str(model),
        "--gallery",
        str(tiny_gallery),
    ]
    with subprocess.Popen(
        [*command, "--batch", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None and running.stderr is not None
        assert running.stdout.readline()
        for file in (model, tiny_gallery):
            if replaced:
                shutil.copy(file, tmp_path / "another")
                (tmp_path / "another").replace(file)
            else:
                file.unlink()
        rest, problems = running.stdout.read(), running.stderr.read()
    word = "replaced by another file" if replaced else "deleted or moved"
    assert running.returncode == 1 and len(rest.splitlines()) == 299
    assert f"{model}: the model was {word}" in problems and f"{tiny_gallery}: the gallery was {word}" in problems
    assert "the answers come from the model as it was when the run began" in problems


def test_files_that_stay_need_no_word(tmp_path: Path, tiny_model: Path) -> None:
    assert FilesInUse({"model": tiny_model, "gallery": tmp_path / "missing"}).changed() == []
