import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.contract.photo import FitPolicy, fit, read_rgb
from model.contract.samples import DataError
from model.data import demo
from model.data.demo import demo_folder, draw_demo
from model.data.readers import read_data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_folder(tmp_path_factory.mktemp("home") / "sets" / "demo")


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_has_two_levels_and_photos_without_a_fine_class(folder: Path) -> None:
    data = read_data([f"demo:{folder}"])
    assert not data.skipped
    assert {sample.source for sample in data.samples} == {"demo"}
    children = {}
    for sample in data.samples:
        children.setdefault(sample.coarse, Counter())[sample.fine] += 1
    assert len(children) == 5
    for counts in children.values():
        assert counts.pop(None) == demo.UNKNOWN_PER_COARSE
        assert list(counts.values()) == [demo.PHOTOS_PER_FINE] * 3


def test_pictures_differ_in_size_and_content(folder: Path) -> None:
    pictures = [read_rgb(sample.path) for sample in read_data([f"demo:{folder}"]).samples]
    assert all(128 <= side <= 200 for picture in pictures for side in picture.size)
    assert len({picture.size for picture in pictures}) > 100
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


def test_equal_seeds_draw_equal_pixels(folder: Path, tmp_path: Path) -> None:
    for name, seed in (("again", demo.SEED), ("other", demo.SEED + 1)):
        (tmp_path / name).mkdir()
        draw_demo(tmp_path / name, seed)
    assert contents(tmp_path / "again") == contents(folder)
    assert contents(tmp_path / "other").keys() == contents(folder).keys()
    assert contents(tmp_path / "other") != contents(folder)


def test_models_of_a_type_differ_where_the_average_picture_does(folder: Path) -> None:
    """A photo's edges are nearer to the mean of its own model than chance; that a network learns more is its matter."""
    samples = [s for s in read_data([f"demo:{folder}"]).samples if s.fine]
    rows = []
    for sample in samples:
        grey = fit(read_rgb(sample.path), 48, FitPolicy.SQUASH).mean(-1)
        strength = np.abs(np.fft.fft2(np.hypot(*np.gradient(grey))))[:12, :12]  # edges, wherever they stand
        rows.append((strength / np.linalg.norm(strength)).ravel())
    vectors = np.array(rows)
    labels = np.array([s.fine for s in samples])
    odd = np.array([int(s.path.stem) % 2 == 1 for s in samples])
    names = sorted(set(labels))
    means = np.array([vectors[~odd & (labels == name)].mean(0) for name in names])
    nearest = np.array(names)[((vectors[odd][:, None] - means) ** 2).sum(-1).argmin(1)]
    assert (nearest == labels[odd]).mean() > 3 / len(names)


def test_it_is_drawn_once_and_left_alone_after(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    monkeypatch.setattr(demo, "draw_demo", lambda *_: pytest.fail("drawn again"))
    assert demo_folder(folder) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "PHOTOS_PER_FINE", 1)
    monkeypatch.setattr(demo, "UNKNOWN_PER_COARSE", 1)


def test_without_a_folder_it_goes_to_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)
    monkeypatch.setattr(demo, "user_cache_path", lambda name: tmp_path / "cache" / name)
    assert len(read_data(["demo:"]).samples) == 20
    assert [path.name for path in (tmp_path / "cache" / "marque").iterdir()] == ["demo-v1"]


def test_an_empty_folder_is_filled_and_others_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)
    (tmp_path / "empty").mkdir()
    assert len(read_data([f"demo:{tmp_path / 'empty'}"]).samples) == 20
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    for name in ("mine", "mine/notes.txt"):
        with pytest.raises(DataError, match="holds something else; name an empty or a new folder"):
            demo_folder(tmp_path / name)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    with pytest.raises(DataError, match="cannot be written"):
        demo_folder(tmp_path / "mine" / "notes.txt" / "demo")


def test_a_drawing_that_is_cut_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(picture: Image.Image, file: Path) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(demo, "_save", full_disk)
    with pytest.raises(DataError, match="No space left"):
        demo_folder(tmp_path / "demo")
    assert list(tmp_path.iterdir()) == []


def test_another_process_that_was_faster_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)
    draw = demo.draw_demo

    def draw_while_another_does(folder: Path, seed: int) -> None:
        draw(folder, seed)
        (tmp_path / "demo").mkdir()
        draw(tmp_path / "demo", seed)

    monkeypatch.setattr(demo, "draw_demo", draw_while_another_does)
    assert demo_folder(tmp_path / "demo") == tmp_path / "demo"
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    assert Image.open(tmp_path / "demo" / "sailboat" / "sloop" / "000.jpg").size[0] >= 150
