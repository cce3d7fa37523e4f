"""Window, commands and trainer find the same photos in a folder, whatever is in it."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from app.cli import main
from app.core.batch.folder_watch import FolderWatcher
from app.core.batch.project_run import Scan
from app.core.gallery.gallery import Gallery
from app.core.project.project import Project
from model.contract.samples import DataError
from model.data.readers import read_data
from model.system.photo_files import scan

_FOLDERS = [
    "car",
    "Ship",
    "A",
    "b",
    ".thumbnails",
    "@eaDir",
    "$RECYCLE.BIN",
    "__MACOSX",
    " lost",
    "lost+found",
    "x.jpg",
]
_FILES = ["1.jpg", "2.JFIF", "10.png", ".3.jpg", "._1.jpg", "a.txt", "b.CR2", " 4.jpg", "5\n.webp", "c.mp4", "6.jpe"]

Folder = tuple[str, ...]
Folders = tuple[set[tuple[Folder, str]], list[tuple[Folder, str, Folder]]]

_folder = st.lists(st.sampled_from(_FOLDERS), max_size=4).map(tuple)
_trees = st.tuples(
    st.sets(st.tuples(_folder, st.sampled_from(_FILES)), max_size=20),
    st.lists(st.tuples(_folder, st.sampled_from(["link", "link.jpg", "link2.png"]), _folder), max_size=4),
)


def small_picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 6), (200, 10, 10)).save(file, "PNG")
    return file.getvalue()


PICTURE = small_picture()


def grow(top: Path, tree: Folders) -> None:
    files, links = tree
    for folder, name in files:
        top.joinpath(*folder).mkdir(parents=True, exist_ok=True)
        if not top.joinpath(*folder, name).is_dir():
            top.joinpath(*folder, name).write_bytes(PICTURE)
    for folder, name, target in links:
        place = top.joinpath(*folder)
        place.mkdir(parents=True, exist_ok=True)
        if not (place / name).is_symlink():
            (place / name).symlink_to(top.joinpath(*target))


def trained_on(top: Path) -> set[Path]:
    try:
        return {sample.path for sample in read_data([f"folder:{top}"], skip_bad=True, any_type=True).samples}
    except DataError:
        return set()


@settings(max_examples=40, deadline=None)
@given(_trees)
@example(({(("Ship", "car"), "1.jpg"), (("car", "car"), "1.jpg")}, []))  # a class of two types
def test_all_ways_into_marque_find_the_same_photos(tree: Folders) -> None:
    top = Path(tempfile.mkdtemp()).resolve() / "photos"
    try:
        top.mkdir()
        grow(top, tree)
        found = set(scan([top]))
        watcher = FolderWatcher(top, settle=0)
        assert watcher.look(0) == []
        assert {Path(file.path) for file in watcher.look(1)} == found
        with Project.create(top.parent / "work.marque") as project:
            project.sources.add(top)
            run = Scan(project, lambda: False)
            run.start()
            run.wait()
            assert {Path(image.path) for image in project.images.all()} == found
        assert trained_on(top) == {path for path in found if path.parent != top}
    finally:
        shutil.rmtree(top.parent)


def test_enrol_identify_and_training_agree(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    top = tmp_path / "photos"
    wanted = ["car/A/1.jpg", "car/B/1.jfif", "car/C/1.jpg", "car/C/2.JFIF"]
    for number, name in enumerate([*wanted, "car/A/.thumbnails/1.jpg", "car/A/@eaDir/2.jpg", "car/A/3.CR2"]):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 16), (200, 10 * number, 10)).save(top / name, "JPEG")
    assert sorted(path.relative_to(top).as_posix() for path in trained_on(top)) == wanted

    table, gallery = tmp_path / "out.csv", tmp_path / "own.gallery"
    assert main(["identify", str(top), "--model", str(tiny_model), "--gallery", "none", "--out", str(table)]) == 0
    assert "1 RAW photo skipped" in capsys.readouterr().err
    assert (
        sorted(str(Path(line.split(",")[0]).relative_to(top)) for line in table.read_text("utf-8-sig").splitlines()[1:])
        == wanted
    )
    assert main(["enrol", str(top), "--model", str(tiny_model), "--gallery", str(gallery)]) == 0
    assert "1 RAW photo skipped" in capsys.readouterr().err
    with Gallery.open(gallery, read_only=True) as opened:
        assert len(opened) == len(wanted)
