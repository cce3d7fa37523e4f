"""The program on labelled photos, counted: through `python -m model.whole_photos`, which starts it."""

from pathlib import Path

import pytest

from model.detection.whole_photo_figures import PhotoAnswer, counted_answers
from model.whole_photos import main
from tests.app.tiny import COLOURS, TINY_TAXONOMY, colour_picture, write_tiny_model


def test_shares_are_of_all_photos_but_wrong_ones_of_those_given() -> None:
    answers = [
        PhotoAnswer(True, True, True, 0),
        PhotoAnswer(True, False, True, 0),
        PhotoAnswer(True, False, False, 1),
        PhotoAnswer(False, False, False, 2),
    ]
    figures = counted_answers(answers)
    assert figures.photos == 4
    assert figures.type_right.value == 0.75
    assert figures.class_right.value == 0.25
    assert figures.class_given.value == 0.5
    assert figures.given_wrong.value == 0.5
    assert figures.type_right.low <= 0.75 <= figures.type_right.high


def test_photos_of_one_group_are_drawn_together() -> None:
    alone = counted_answers([PhotoAnswer(number < 8, True, True, number) for number in range(16)])
    together = counted_answers([PhotoAnswer(number < 8, True, True, number // 8) for number in range(16)])
    assert alone.type_right.low > 0.2
    assert (together.type_right.low, together.type_right.high) == (0.0, 1.0)


def test_known_and_other_classes_are_counted_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_tiny_model(tmp_path / "tiny.onnx")
    for number, (fine, colour) in enumerate(COLOURS.items()):
        coarse = TINY_TAXONOMY.coarse[TINY_TAXONOMY.parents[TINY_TAXONOMY.fine_index[fine]]]
        folder = tmp_path / "photos" / coarse / fine
        folder.mkdir(parents=True)
        colour_picture(colour, seed=number).save(folder / "a.jpg", "JPEG", quality=92)
    other = tmp_path / "photos" / "sedan" / "nobody's car"
    other.mkdir()
    colour_picture(next(iter(COLOURS.values())), seed=9).save(other / "a.jpg", "JPEG", quality=92)
    assert main([f"folder:{tmp_path / 'photos'}", "--model", str(model), "--gallery", "none"]) == 0
    table = capsys.readouterr().out
    assert "| known classes | other classes |" in table
    assert f"| photos | {len(COLOURS)} | 1 |" in table
    assert "| class right, best guess | 100.0 (100.0-100.0) | 0.0 (0.0-0.0) |" in table


def test_a_model_that_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "photos" / "car" / "A"
    folder.mkdir(parents=True)
    colour_picture(next(iter(COLOURS.values())), seed=1).save(folder / "a.jpg")
    assert main([f"folder:{tmp_path / 'photos'}", "--model", str(tmp_path / "none.onnx")]) == 2
    assert "does not exist" in capsys.readouterr().err
