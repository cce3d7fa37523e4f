from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.cli import main
from app.core.project import scanned_folders
from app.core.project.project import Project
from app.core.project.records import FoundFile
from app.core.system.paths import user_data_dir


@pytest.fixture
def identified(tiny_model: Path, photos: Path, tmp_path: Path) -> Path:
    """A project that was made on this computer."""
    place = tmp_path / "work.marque"
    words = ["identify", str(photos), "--model", str(tiny_model), "--gallery", "none", "--project", str(place)]
    assert main(words) == 0
    return place


def from_elsewhere() -> None:
    """The project comes to another computer."""
    shutil.rmtree(user_data_dir() / "scanned")


COMMANDS = {
    "sidecars": ["export", "--format", "xmp"],
    "copies": ["export", "--format", "xmp-copies", "--out", "copies"],
    "copied": ["file", "--into", "sorted"],
    "moved": ["file", "--move", "--into", "sorted"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_folders_that_were_not_scanned_here_are_shown_and_asked_about(
    command: list[str],
    identified: Path,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    from_elsewhere()
    before = sorted(tmp_path.rglob("*"))
    name, *options = command
    words = [name, str(identified), *options]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert str(photos / "ship" / "Azzurra class") in said and "--trust" in said
    assert f"this also happens when Marque's data folder was lost or moved ({user_data_dir()})\n" in said
    assert sorted(tmp_path.rglob("*")) == before
    assert main([*words, "--trust"]) == 0
    capsys.readouterr()
    assert main(["export", str(identified), "--format", "xmp"]) == 0  # it asks once
    assert "--trust" not in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_project_of_this_computer_is_not_asked_about(
    command: list[str], identified: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Project.open(identified) as project:
        project.save_as(tmp_path / "copy.marque")
    name, *options = command
    assert main([name, "copy.marque", *options]) == 0


def test_a_table_needs_no_trust(identified: Path, tmp_path: Path) -> None:
    from_elsewhere()
    assert main(["export", str(identified), "--format", "csv", "--out", str(tmp_path / "out.csv")]) == 0


def test_only_what_the_person_named_is_known(tmp_path: Path) -> None:
    with Project.create(tmp_path / "work.marque") as project:
        source = project.sources.add(Path("/photos"))
        paths = ("/photos/a.jpg", "/photos/b/c.jpg", "/photos/../etc/d.jpg", "/photosynthesis/e.jpg", "/one/f.jpg")
        project.images.add(source, [FoundFile(Path(path), 1, 1) for path in paths])
        assert len(scanned_folders.unknown(project)) == 5
        scanned_folders.remember(project, [Path("/photos"), Path("/one/f.jpg")])
        assert scanned_folders.unknown(project) == [Path("/photos/../etc"), Path("/photosynthesis")]
        scanned_folders.trust(project)
        assert scanned_folders.unknown(project) == [Path("/photos/../etc")]
