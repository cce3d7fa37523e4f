from __future__ import annotations

import csv
import itertools
import os
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.core.export.label_table import COLUMNS, KIND, LabelCsv, TableError
from app.core.gallery.gallery import Gallery, Neighbour, Reference, ReferenceEntry
from app.core.recognition.decision import Decision, Level, Status
from app.core.recognition.engine import Engine, EngineError
from app.core.recognition.evidence import Evidence, TypeCandidate
from app.core.recognition.identifier import Identification, Identifier
from app.core.recognition.images import load
from app.core.recognition.pipeline import identify_paths, map_in_order
from model.system.outputs import Output, OutputError
from tests.app.tiny import COLOURS, DIM, colour_picture, write_tiny_types_model


@pytest.fixture
def identifier(tiny_engine: Engine, tiny_gallery: Path) -> Iterator[Identifier]:
    with Gallery.open(tiny_gallery, read_only=True) as gallery:
        yield Identifier(tiny_engine, gallery)


def test_photos_are_identified_with_their_neighbours(identifier: Identifier, photos: Path) -> None:
    files = sorted(photos.rglob("*.jpg"))
    found = identifier.identify([load(file) for file in files])
    for file, one in zip(files, found, strict=True):
        assert one.decision is not None
        assert (one.decision.status, one.decision.label) == (Status.IDENTIFIED, file.parent.name)
        assert one.decision.coarse == file.parent.parent.name
        assert len(one.neighbours) == 5
        assert file.relative_to(photos).as_posix() in [n.reference.path for n in one.neighbours[:3]]
        assert one.neighbours[0].similarity == pytest.approx(1, abs=1e-3)
        assert [n.reference.fine for n in one.neighbours[:3]] == [file.parent.name] * 3
        assert (one.path, one.error) == (None, None)


def test_colours_between_and_far_from_the_classes_are_not_named(identifier: Identifier) -> None:
    orange, dark = identifier.identify([colour_picture((225, 120, 30)), colour_picture((5, 5, 5))])
    assert orange.decision is not None
    assert dark.decision is not None
    assert (orange.decision.status, orange.decision.label) == (Status.COARSE_ONLY, "sedan")
    assert "share" in orange.decision.reason
    assert dark.decision.status is Status.UNKNOWN
    assert dark.decision.label == ""


def test_neither_photos_nor_a_gallery_are_required(tiny_engine: Engine) -> None:
    identifier = Identifier(tiny_engine, None)
    assert identifier.identify([]) == []
    (one,) = identifier.identify([colour_picture(COLOURS["Rossa 2010"])])
    assert one.neighbours == ()
    assert one.decision is not None
    assert one.decision.label == "Rossa 2010"


@pytest.mark.parametrize("fine", [None, "Rossa 2010"])
def test_a_model_without_classes_answers_beside_its_gallery(tmp_path: Path, fine: str | None) -> None:
    engine = Engine(write_tiny_types_model(tmp_path / "types.onnx"), "cpu")
    red, blue = colour_picture(COLOURS["Rossa 2010"]), colour_picture(COLOURS["Azzurra class"])
    with Gallery.create(tmp_path / "types.gallery", engine.info.fingerprint, DIM) as gallery:
        identifier = Identifier(engine, gallery)
        assert [types(one) for one in identifier.identify([red, blue])] == [["sedan", "ship"], ["ship", "sedan"]]
        embeddings = engine.run(np.stack([engine.prepare(red)])).embeddings
        gallery.add(embeddings, [ReferenceEntry("sedan", fine, "photos", "1.jpg", "digest 1")])
        assert gallery.centre_similarities(embeddings, ()).shape == (1, 0)
        one, other = identifier.identify([red, blue])
    assert types(one) == ["sedan", "ship"]
    assert [near.reference.fine for near in one.neighbours] == [fine]
    if fine is None:  # types alone: nothing is known of classes, and the heads have the word
        assert types(other) == ["ship", "sedan"]
        assert one.evidence is not None
        assert (one.evidence.classes, one.evidence.types[0].has_classes) == ((), False)
    else:
        assert one.decision is not None
        assert (one.decision.status, one.decision.label) == (Status.IDENTIFIED, fine)


def test_a_gallery_of_types_alone_leaves_the_classes_to_the_network(tiny_engine: Engine, tmp_path: Path) -> None:
    pictures = [colour_picture(colour) for colour in COLOURS.values()]
    with Gallery.create(tmp_path / "types.gallery", tiny_engine.info.fingerprint, DIM) as gallery:
        embeddings = tiny_engine.run(np.stack([tiny_engine.prepare(pictures[0])])).embeddings
        gallery.add(embeddings, [ReferenceEntry("sedan", None, "photos", "1.jpg", "digest 1")])
        found = Identifier(tiny_engine, gallery).identify(pictures)
    assert [one.decision.label for one in found if one.decision is not None] == list(COLOURS)
    assert all([near.reference.coarse for near in one.neighbours] == ["sedan"] for one in found)


def types(found: Identification) -> list[str]:
    """The types of an answer, most probable first."""
    assert found.evidence is not None
    return [one.name for one in found.evidence.types]


def test_a_gallery_of_another_model_is_refused(tiny_engine: Engine, tmp_path: Path) -> None:
    with Gallery.create(tmp_path / "other.gallery", "f00d", 4) as gallery, pytest.raises(ValueError, match="f00d"):
        Identifier(tiny_engine, gallery)


def bad_files(folder: Path) -> list[Path]:
    folder.mkdir()
    (folder / "text.jpg").write_text("no picture")
    (folder / "empty.jpg").write_bytes(b"")
    colour_picture((9, 9, 9), size=(300, 300)).save(folder / "cut.jpg")
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:900])
    return [folder / "text.jpg", folder / "empty.jpg", folder / "cut.jpg", folder / "gone.jpg", folder]


@pytest.mark.parametrize("batch", [1, 2, 5, 64])
def test_results_keep_the_order_and_bad_files_are_results(
    identifier: Identifier, photos: Path, tmp_path: Path, batch: int
) -> None:
    good = sorted(photos.rglob("*.jpg"))
    mixed = [path for pair in itertools.zip_longest(good, bad_files(tmp_path / "bad")) for path in pair if path]
    batches = list(identify_paths(identifier, mixed, batch=batch, workers=3))
    assert [len(found) for found in batches[:-1]] == [batch] * (len(batches) - 1)
    flat = [one for found in batches for one in found]
    assert [one.path for one in flat] == mixed
    expected = {one.path: one for one in flat}
    for path, one in expected.items():
        if path in good:
            assert one.decision is not None
            assert one.decision.label == path.parent.name
        else:
            assert one.decision is None
            assert one.error
            assert str(path) not in one.error
    reasons = {path.name: one.error for path, one in expected.items() if one.error}
    assert reasons["text.jpg"] == "not a picture in a format this program reads"
    assert reasons["empty.jpg"] == "the file is empty"
    assert reasons["gone.jpg"] == "the file does not exist"


def test_a_batch_of_bad_files_gives_only_errors(identifier: Identifier, tmp_path: Path) -> None:
    found = list(identify_paths(identifier, bad_files(tmp_path / "bad"), batch=2))
    assert [len(one) for one in found] == [2, 2, 1]
    assert all(one.error for batch in found for one in batch)


def test_an_endless_input_is_read_only_as_far_as_needed(identifier: Identifier, photos: Path) -> None:
    taken = 0

    def endless() -> Iterator[Path]:
        nonlocal taken
        for path in itertools.cycle(sorted(photos.rglob("*.jpg"))):
            taken += 1
            yield path

    run = identify_paths(identifier, endless(), batch=4, workers=2)
    for i in range(1, 6):
        assert len(next(run)) == 4
        assert taken <= 4 * i + 4 + 2
    assert isinstance(run, Generator)
    run.close()


def test_a_cancelled_run_hands_over_nothing_more(identifier: Identifier, photos: Path) -> None:
    cancelled = threading.Event()
    batches = []
    for found in identify_paths(identifier, sorted(photos.rglob("*.jpg")), batch=3, cancelled=cancelled.is_set):
        batches.append(found)
        if len(batches) == 2:
            cancelled.set()
    assert len(batches) == 2


def test_a_failing_inference_ends_the_run(
    identifier: Identifier, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(batch: np.ndarray) -> None:
        raise EngineError("the inference failed (out of memory)")

    monkeypatch.setattr(identifier.engine, "run", out_of_memory)
    with pytest.raises(EngineError, match="out of memory"):
        list(identify_paths(identifier, sorted(photos.rglob("*.jpg"))))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 5), st.integers(1, 9))
def test_the_map_keeps_order_whatever_the_timing(delays: list[int], workers: int, ahead: int) -> None:
    running = peak = 0
    lock = threading.Lock()

    def work(item: tuple[int, int]) -> int:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        time.sleep(item[1] / 2000)
        with lock:
            running -= 1
        return item[0]

    assert list(map_in_order(work, list(enumerate(delays)), workers=workers, ahead=ahead)) == list(range(len(delays)))
    assert peak <= min(workers, ahead)


def test_an_abandoned_map_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    run = map_in_order(lambda item: item, itertools.count(), workers=3, ahead=5)
    assert next(run) == 0 and isinstance(run, Generator)
    run.close()
    assert threading.active_count() == before


# the table


def identification(path: Path, neighbours: int = 7) -> Identification:
    decision = Decision(Status.IDENTIFIED, "TL", Level.FINE, 0.88123, "why, with a comma", "sedan", 0.9, "TL", 0.88123)
    near = tuple(
        Neighbour(Reference(i, "sedan", None if i == 1 else f"f{i}", "s", "p"), 1 - i / 10) for i in range(neighbours)
    )
    evidence = Evidence((TypeCandidate("sedan", 0.9, True),), (), 3.0, 0.0, near)
    return Identification(path, decision, evidence, np.ones(4))


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_holds_what_was_decided(tmp_path: Path, tiny_engine: Engine) -> None:
    odd = Path(os.fsdecode(b' latin1-\xe9, "x"\n\r.jpg '))
    with LabelCsv(Output(tmp_path / "labels.csv", KIND), tiny_engine.info.signature) as table:
        table.write([identification(odd), Identification(Path("b.jpg"), error="the file is empty")])
        assert not (tmp_path / "labels.csv").exists()
        assert len(read(tmp_path / "labels.csv.part")) == 2  # safe before the run ends
        table.write([identification(Path("c.jpg"), neighbours=0)])
        assert table.finish().place == tmp_path / "labels.csv"
    first, second, third = read(tmp_path / "labels.csv")
    assert tuple(first) == COLUMNS
    assert Path(first["path"]) == odd
    assert (first["status"], first["label"], first["level"], first["confidence"]) == (
        "identified",
        "TL",
        "fine",
        "0.8812",
    )
    assert (first["coarse"], first["coarse_confidence"], first["fine"]) == ("sedan", "0.9000", "TL")
    assert first["reason"] == "why, with a comma"
    assert [first[f"neighbour_{i}"] for i in range(1, 6)] == ["f0", "sedan", "f2", "f3", "f4"]
    assert first["neighbour_5_similarity"] == "0.6000"
    assert first["model"] == f"tiny colours {tiny_engine.info.fingerprint}"
    assert (second["status"], second["reason"], second["label"], second["coarse"]) == (
        "error",
        "the file is empty",
        "",
        "",
    )
    assert third["neighbour_1"] == ""
    assert [path.name for path in tmp_path.glob("labels*")] == ["labels.csv"]


def test_an_unfinished_table_leaves_all_others_alone(tmp_path: Path, tiny_engine: Engine) -> None:
    (tmp_path / "labels.csv.part").write_text("of a run that was killed")
    for number in ("", " (2)"):
        with LabelCsv(Output(tmp_path / "labels.csv", KIND), tiny_engine.info.signature) as table:
            table.write([identification(Path("a.jpg"))])
            assert table.keep_incomplete() == tmp_path / f"labels.incomplete{number}.csv"
    assert (tmp_path / "labels.csv.part").read_text() == "of a run that was killed"
    assert sorted(path.name for path in tmp_path.glob("labels*")) == [
        *("labels.csv.part", "labels.incomplete (2).csv", "labels.incomplete.csv")
    ]


def test_a_name_of_255_bytes_takes_a_table(tmp_path: Path, tiny_engine: Engine) -> None:
    place = tmp_path / ("é" * 125 + ".csv")
    with LabelCsv(Output(place, KIND), tiny_engine.info.signature) as table:
        table.write([identification(Path("a.jpg"))])
        assert table.finish().place == place
    assert len(read(place)) == 1 and len(list(tmp_path.iterdir())) == 1


def test_an_unfinished_table_leaves_the_old_one_alone(tmp_path: Path, tiny_engine: Engine) -> None:
    with LabelCsv(Output(tmp_path / "labels.csv", KIND), tiny_engine.info.signature) as table:
        table.finish()
    (tmp_path / "labels.csv").write_text("old")
    with LabelCsv(Output(tmp_path / "labels.csv", KIND, force=True), tiny_engine.info.signature) as table:
        table.write([identification(Path("a.jpg"))])
        assert table.keep_incomplete() == tmp_path / "labels.incomplete.csv"
    assert (tmp_path / "labels.csv").read_text() == "old"
    assert len(read(tmp_path / "labels.incomplete.csv")) == 1


@pytest.mark.parametrize("place", [".", "no folder/labels.csv"])
def test_a_place_that_cannot_be_written_is_reported_at_once(tmp_path: Path, tiny_engine: Engine, place: str) -> None:
    with pytest.raises(OutputError):
        LabelCsv(Output(tmp_path / place, KIND), tiny_engine.info.signature)


def test_a_full_disk_is_reported(tiny_engine: Engine) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    with (
        LabelCsv(Output(Path("/dev/full"), KIND), tiny_engine.info.signature) as table,
        pytest.raises(TableError, match="/dev/full: the disk is full"),
    ):
        table.write([identification(Path("a.jpg"))])


def test_pictures_in_any_mode_go_through(identifier: Identifier, tmp_path: Path) -> None:
    files = []
    for mode, suffix in (("L", "png"), ("RGBA", "png"), ("CMYK", "tif"), ("P", "gif")):
        files.append(tmp_path / f"{mode}.{suffix}")
        Image.new("RGB", (40, 30), COLOURS["Rossa 2010"]).convert(mode).save(files[-1])
    (found,) = identify_paths(identifier, files)
    labels = [one.decision.label if one.decision else one.error for one in found]
    assert labels[1:] == ["Rossa 2010"] * 3
