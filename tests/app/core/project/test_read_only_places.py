"""Projects and galleries on a medium that cannot be written, read by somebody who is not the administrator."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.core.gallery.gallery import Gallery
from app.core.project.project import Project
from model.contract.bundle import read_info
from tests.app.core.project.test_project import found, old_project, outcome
from tests.app.synthetic import DIM, clustered, entries

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="permissions of folders mean something else there"),
    pytest.mark.skipif(
        os.name != "nt" and os.geteuid() == 0 and shutil.which("setpriv") is None,
        reason="the administrator may write everywhere, and setpriv, which makes somebody else of him, is missing",
    ),
]

COMMAND = "import sys; from app.cli import main; sys.exit(main())"
SEARCH = """
import sys
from pathlib import Path
from app.core.gallery.gallery import Gallery
with Gallery.open(Path(sys.argv[1]), read_only=True) as gallery:
    print(len(gallery))
"""


@pytest.fixture
def medium() -> Iterator[Path]:
    """A folder that others can enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="marque-medium-") as name:
        Path(name).chmod(0o755)
        (Path(name) / "disc").mkdir()
        (Path(name) / "home").mkdir()
        (Path(name) / "home").chmod(0o777)
        yield Path(name)
        (Path(name) / "disc").chmod(0o755)


def made(medium: Path, tiny_model: Path) -> Path:
    info = read_info(tiny_model)
    with Project.create(medium / "work.marque") as project:
        project.models.keep(info)
        project.images.add(project.sources.add(Path("/photos")), [found(1)])
        project.predictions.store(info.fingerprint, [outcome(1)])
    return medium / "work.marque"


def burn(medium: Path, *files: Path) -> None:
    """Put files onto the medium."""
    for file in files:
        shutil.copy(file, medium / "disc")
    for file in (medium / "disc").iterdir():
        file.chmod(0o444)
    (medium / "disc").chmod(0o555)


def run(medium: Path, code: str, *words: str) -> subprocess.CompletedProcess[str]:
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    before = sorted((medium / "disc").iterdir())
    ended = subprocess.run(
        [*nobody, sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"MARQUE_HOME": str(medium / "home"), "TMPDIR": str(medium / "home")},
    )
    assert sorted((medium / "disc").iterdir()) == before
    assert not list((medium / "home").glob(".marque-*"))
    return ended


def export(medium: Path) -> subprocess.CompletedProcess[str]:
    out = str(medium / "home" / "out.csv")
    return run(medium, COMMAND, "export", str(medium / "disc" / "work.marque"), "--format", "csv", "--out", out)


def test_a_project_is_exported_from_a_read_only_place(medium: Path, tiny_model: Path) -> None:
    burn(medium, made(medium, tiny_model))
    ended = export(medium)
    assert ended.returncode == 0 and "temporary copy" not in ended.stderr
    assert "001.jpg" in (medium / "home" / "out.csv").read_text()


def test_a_project_with_a_log_beside_it_is_read_from_a_copy(medium: Path, tiny_model: Path) -> None:
    place = made(medium, tiny_model)
    with closing(sqlite3.connect(place)) as writer:
        writer.execute("UPDATE image SET path = ?", (b"/photos/from the log.jpg",))
        writer.commit()
        burn(medium, place, place.with_name("work.marque-wal"))
    ended = export(medium)
    assert ended.returncode == 0 and "was read from a temporary copy" in ended.stderr
    assert "from the log.jpg" in (medium / "home" / "out.csv").read_text()


def test_a_project_in_an_older_format_is_read_from_a_copy(medium: Path, tiny_model: Path) -> None:
    place = old_project(medium / "work.marque", 1)
    with closing(sqlite3.connect(place)) as writer, closing(sqlite3.connect(made(medium / "home", tiny_model))) as new:
        writer.execute("INSERT INTO model SELECT ?, ?, ?", new.execute("SELECT * FROM model").fetchone())
        writer.commit()
    burn(medium, place)
    ended = export(medium)
    assert ended.returncode == 0 and "was read from a temporary copy" in ended.stderr
    assert "/photos/a.jpg" in (medium / "home" / "out.csv").read_text()


def test_what_would_change_it_says_that_it_is_read_only(medium: Path, tiny_model: Path) -> None:
    burn(medium, made(medium, tiny_model))
    place = str(medium / "disc" / "work.marque")
    for command in (["undo", place], ["file", place, "--into", str(medium / "home")]):
        ended = run(medium, COMMAND, *command)
        assert ended.returncode == 2 and "read-only" in ended.stderr and "Traceback" not in ended.stderr, ended.stderr


def test_a_gallery_with_a_log_beside_it_is_searched(medium: Path) -> None:
    place = medium / "a.gallery"
    with Gallery.create(place, "fp", DIM) as gallery:
        gallery.add(clustered(6), entries(range(6)))
        burn(medium, place, place.with_name("a.gallery-wal"))
    ended = run(medium, SEARCH, str(medium / "disc" / "a.gallery"))
    assert (ended.returncode, ended.stdout) == (0, "6\n"), ended.stderr


UNLISTED = """
import sys
from pathlib import Path
from app.core.metadata.sidecars import Sidecars
from app.core.metadata.xmp_sidecar import SidecarError, write_sidecar
from model.system.errors import FileError
photo = Path(sys.argv[1])
for act in (lambda: Sidecars().of(photo), lambda: write_sidecar(photo, ("Vehicle", "sedan"))):
    try:
        act()
    except (FileError, SidecarError) as error:
        print(type(error).__name__, error.message)
"""


def test_a_folder_that_cannot_be_listed_is_not_taken_for_one_without_sidecars(medium: Path) -> None:
    (medium / "disc" / "a.jpg").write_bytes(b"a photo")
    (medium / "disc" / "a.xmp").write_bytes(b"its sidecar")
    (medium / "disc").chmod(0o711)
    done = run(medium, UNLISTED, str(medium / "disc" / "a.jpg"))
    assert done.stdout.splitlines() == [
        f"FileError {medium / 'disc'}: permission denied",
        f"SidecarError {medium / 'disc'}: permission denied",
    ], done.stderr
