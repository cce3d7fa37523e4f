"""The file of a run's test photos: written and read again, damaged, foreign, contradicting itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.contract.posterior import Posterior
from model.contract.samples import Sample
from model.contract.taxonomy import NO_FINE, Taxonomy
from model.contract.tested_photos import Tested, TestedError, read_tested

TREE = Taxonomy(coarse=("boat", "car"), fine=("ferry", "tug", "coupe"), parents=(0, 0, 1))


def some_photos(count: int = 5, tree: Taxonomy = TREE) -> tuple[Tested, Posterior]:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(count, 8)).astype(np.float32)
    fines = ("ferry", None, "kayak")  # known, not labelled, not learned
    samples = [Sample(Path(f"/photos/ü{i}\udcff.jpg"), "boat", fines[i % 3], "s", str(i), "") for i in range(count)]
    types, classes = rng.random((count, len(tree.coarse))), rng.random((count, len(tree.fine)))
    posterior = Posterior(
        types / types.sum(axis=1, keepdims=True), classes / np.maximum(classes.sum(axis=1)[:, None], 1)
    )
    return Tested.of(7, samples, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), tree, posterior), posterior


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    kept, posterior = some_photos()
    kept.write(tmp_path / "test.npz")
    found = read_tested(tmp_path / "test.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["test.npz"]
    assert (found.step, found.taxonomy, len(found)) == (7, TREE, 5)
    assert found.paths == kept.paths and found.paths[1] == "/photos/ü1\udcff.jpg"
    assert found.coarse == ("boat",) * 5 and found.fine == ("ferry", "", "kayak", "ferry", "")
    assert found.coarse_answer.tolist() == posterior.coarse.argmax(axis=1).tolist()
    np.testing.assert_allclose(found.fine_confidence, posterior.fine.max(axis=1), rtol=1e-6)
    np.testing.assert_allclose(found.embeddings, kept.embeddings, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(found.embeddings, axis=1), 1, atol=1e-6)


def test_a_network_without_classes_gives_no_classes(tmp_path: Path) -> None:
    kept, _ = some_photos(tree=Taxonomy(coarse=("boat", "car"), fine=(), parents=()))
    kept.write(tmp_path / "test.npz")
    found = read_tested(tmp_path / "test.npz")
    assert found.fine_answer.tolist() == [NO_FINE] * 5 and not found.fine_confidence.any()


def test_a_damaged_file_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "test.npz"
    some_photos(60)[0].write(file)
    whole = file.read_bytes()
    for cut in range(0, len(whole), 193):
        file.write_bytes(whole[:cut])
        with pytest.raises(TestedError, match=r"test\.npz"):
            read_tested(file)
    rng = np.random.default_rng(1)
    for place in rng.integers(0, len(whole), 150).tolist():
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        try:
            assert len(read_tested(file)) == 60  # a byte that nothing depends on
        except TestedError as error:
            assert "test.npz" in str(error)


def test_a_foreign_file_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "test.npz"
    with file.open("wb") as out:
        np.save(out, np.zeros(3))
    with pytest.raises(TestedError, match="not the test photos of a training"):
        read_tested(file)
    np.savez(file, embedding=np.zeros((2, 3)))
    with pytest.raises(TestedError, match="not the test photos of a training"):
        read_tested(file)
    np.savez(file, format=np.array({"a": 1}, object))
    with pytest.raises(TestedError, match="damaged"):
        read_tested(file)
    np.savez(file, format=np.array(2))
    with pytest.raises(TestedError, match="later version"):
        read_tested(file)
    with pytest.raises(FileNotFoundError):
        read_tested(tmp_path / "nowhere.npz")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"paths": ("/a.jpg",)}, "paths must be 5 texts"),
        ({"embeddings": np.full((5, 8), np.nan)}, "finite"),
        ({"embeddings": np.zeros((0, 8))}, "embeddings"),
        ({"coarse_answer": np.array([0, 1, 2, 0, 0], np.int32)}, "not among the 2"),
        ({"fine_answer": np.full(5, NO_FINE, np.int32)}, "not among the 3"),
        ({"fine_confidence": np.full(5, np.nan, np.float32)}, "between 0 and 1"),
        ({"coarse_confidence": np.zeros(4, np.float32)}, "5 photos"),
    ],
)
def test_a_file_that_contradicts_itself_is_reported(
    tmp_path: Path, change: dict[str, tuple[str]] | dict[str, np.ndarray], said: str
) -> None:
    replace(some_photos()[0], **change).write(tmp_path / "test.npz")
    with pytest.raises(TestedError, match=said):
        read_tested(tmp_path / "test.npz")
