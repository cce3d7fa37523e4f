"""A run that leaves classes out, from the split to the card."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from app.core.recognition.decision import Status
from model.calibrate import main as calibrate_main
from model.contract.bundle import Calibration, Fusion, Thresholds
from model.contract.config import Config
from model.contract.posterior import Posterior
from model.contract.samples import Sample
from model.contract.taxonomy import Taxonomy
from model.contract.tested_photos import read_tested
from model.data.splits import Split, some_classes
from model.evaluation import calibration as calibrate_module
from model.evaluation.calibration import CalibrationChoice, bound_of, calibrate
from model.evaluation.held_out_metrics import answer_figures, evaluate, mean_output, rows_by_source
from model.evaluation.unknown_classes import given
from model.method.network import NetworkOutput
from model.publishing.card import _unknowns, card
from model.publishing.export import export
from model.training.run_folder import RunFolder
from model.training.run_setup import new_run
from model.training.session import StopRequest, train
from tests.app.core.recognition.test_decision import alone, evidence
from tests.model.evaluation.test_calibration import TREE, seen

SETTINGS = {
    "network": {"backbone": "resnet18", "weights": "none", "embedding_dim": 8},
    "input": {"size": 32, "exchange": 0.5},
    "optimiser": {"epochs": 1, "batch_coarse": 2, "batch_fine": 2, "batch_images": 3},
    "machine": {"accelerator": "cpu", "precision": "32-true"},
}


def trained(folder: Path, pictures: Path, **data: object) -> RunFolder:
    config = Config.model_validate(
        {**SETTINGS, "data": {"data": [f"folder:{pictures}"], "validation": 0.25, "test": 0.25, **data}}
    )
    run = new_run(folder, config)
    assert train(run, StopRequest())
    return run


@pytest.fixture(scope="module")
def few_are_enough() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrate_module, "MIN_PHOTOS", 5)
        yield


@pytest.fixture(scope="module")
def incomplete(picture_folder: Path, tmp_path_factory: pytest.TempPathFactory, few_are_enough: None) -> RunFolder:
    run = trained(tmp_path_factory.mktemp("runs") / "incomplete", picture_folder, unseen=0.4)
    calibrate(run)
    evaluate(run)
    return run


def test_left_out_classes_are_neither_learned_nor_tested(incomplete: RunFolder) -> None:
    samples, splits = incomplete.samples()
    classes = {
        part: {one.fine for one, own in zip(samples, splits, strict=True) if own is part and one.fine} for part in Split
    }
    assert len(classes[Split.UNSEEN]) == 2 and len(classes[Split.TRAIN]) == 3
    assert not classes[Split.UNSEEN] & (classes[Split.TRAIN] | classes[Split.VALIDATION] | classes[Split.TEST])
    assert set(incomplete.taxonomy().fine) == classes[Split.TRAIN]
    assert classes[Split.UNSEEN] == some_classes(samples, 0.4, 0)


def test_what_becomes_of_them_is_measured(incomplete: RunFolder) -> None:
    found = json.loads(incomplete.metrics.read_bytes())["unknowns"]
    for name in ("strangers_auroc", "strangers_refused", "test_refused", "unseen_auroc", "unseen_without_class"):
        assert 0 <= found[name] <= 1
    answers = json.loads(incomplete.metrics.read_bytes())["answers"]["all"]
    assert found["known_with_class"] == pytest.approx(answers["fine_given"])
    assert found["few_shot_5"] is None  # two classes are too few for 20 ways
    assert 0 <= found["enrolled_1"] <= 1 - found["enrolled_1_wrong"]


def test_what_their_bound_gives_on_classes_that_it_was_not_chosen_with_is_kept(incomplete: RunFolder) -> None:
    found = json.loads(incomplete.calibration.read_bytes())["validation"]["unseen"]
    assert 0 <= found["below_bound"] <= 1 and 0 <= found["known_below_bound"] < 1


@pytest.mark.parametrize("familiarity", [None, -0.5])
@pytest.mark.parametrize("likeness", [None, 0.75])
def test_answers_are_counted_as_the_program_gives_them(likeness: float | None, familiarity: float | None) -> None:
    photos, thresholds = (
        seen(3, count=300),
        Thresholds(fine=0.6, coarse=0.7, likeness=likeness, familiarity=familiarity),
    )
    chosen = CalibrationChoice(thresholds=thresholds)
    posterior, familiar = photos.posterior(TREE, Calibration(), Fusion()), photos.familiarity(chosen.familiarity)
    statuses = []
    for row in range(300):
        types = {name: posterior.coarse[row, i] for i, name in enumerate(TREE.coarse)}
        classes = {name: posterior.fine[row, i] for i, name in enumerate(TREE.fine)}
        parents = {name: TREE.coarse[TREE.parents[i]] for i, name in enumerate(TREE.fine)}
        found = evidence(
            types, classes, likeness=photos.likeness[row], familiarity=float(familiar[row]), parents=parents
        )
        statuses.append(alone(found, thresholds).status)
    with_class, with_type = given(photos, posterior, TREE, chosen)
    assert with_class.tolist() == [status is Status.IDENTIFIED for status in statuses]
    assert with_type.tolist() == [status in (Status.IDENTIFIED, Status.COARSE_ONLY) for status in statuses]
    assert 0 < with_class.sum() < with_type.sum() < 300
    figures = answer_figures(photos, TREE, chosen)
    labelled = photos.labels.fine >= 0
    assert figures["fine_given"] == pytest.approx(with_class[labelled].mean())
    right = posterior.fine.argmax(axis=1) == photos.labels.fine
    assert figures["fine_given_right"] == pytest.approx(right[with_class & labelled].mean())
    assert figures["coarse_given"] == pytest.approx(with_type.mean())


def test_a_class_is_never_the_answer_where_the_best_type_has_none() -> None:
    """As in the program: with a low threshold a class of another type may reach it."""
    tree = Taxonomy(coarse=("car", "ship"), fine=("A",), parents=(0,))
    posterior = Posterior(np.array([[0.4, 0.6], [0.6, 0.4]]), np.array([[0.4], [0.6]]))
    chosen = CalibrationChoice(thresholds=Thresholds(fine=0.3, coarse=0.5))
    with_class, with_type = given(seen(3, count=2), posterior, tree, chosen)
    assert with_class.tolist() == [False, True] and with_type.tolist() == [True, True]


def test_answers_are_measured_with_colours_and_sides_exchanged_too(incomplete: RunFolder) -> None:
    found = json.loads(incomplete.metrics.read_bytes())
    plain = found["answers"]["all"]
    for other in ("answers_exchanged", "answers_mirrored"):
        otherwise = found[other]["all"]
        assert plain.keys() == otherwise.keys() and plain["photos"] == otherwise["photos"]
        assert plain["fine_reliability"] != otherwise["fine_reliability"]


def test_sources_that_share_types_are_also_taken_together() -> None:
    def photo(number: int, coarse: str, source: str) -> Sample:
        return Sample(Path(f"{number}.jpg"), coarse, None, source, str(number), "row")

    samples = [photo(i, *of) for i, of in enumerate([("car", "a"), ("ship", "c"), ("ship", "b"), ("boat", "c")])]
    assert rows_by_source(samples) == {"a": [0], "b": [2], "c": [1, 3], "b + c": [1, 2, 3]}
    assert list(rows_by_source(samples[1:])) == ["b", "c"]  # all together is not listed twice
    assert rows_by_source(samples[:1]) == {}


def test_the_mean_of_two_views_averages_logits_and_directions() -> None:
    one, other = (NetworkOutput(*torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(i))) for i in (1, 2))
    mean = mean_output(one, other)
    assert torch.allclose(mean.fine_logits, (one.fine_logits + other.fine_logits) / 2)
    assert torch.allclose(mean.embedding.norm(dim=1), torch.ones(2))
    assert torch.allclose(F.cosine_similarity(mean.embedding, one.embedding + other.embedding), torch.ones(2))


def test_where_the_tested_classes_were_not_learned_the_heads_answer(picture_folder: Path, tmp_path: Path) -> None:
    run = trained(tmp_path / "disjoint", picture_folder, split="class_disjoint")
    found, kept = evaluate(run), read_tested(run.tested)
    assert found["split"] == "class_disjoint" and found["few_shot"].keys() == {
        "few_shot_1",
        "few_shot_5",
        "few_shot_10",
    }
    assert "answers" not in found and "unknowns" not in found
    assert len(kept) == found["test"]["all"]["photos"] and not set(kept.fine) & set(kept.taxonomy.fine)
    assert kept.fine_answer.min() >= 0 and kept.fine_confidence.min() > 0


def test_a_card_says_that_the_bound_was_chosen_on_the_photos_that_are_counted(incomplete: RunFolder) -> None:
    metrics = json.loads(incomplete.metrics.read_bytes())
    text = _unknowns(incomplete, metrics, incomplete)
    for column in ("first", "second"):
        assert f"In the {column} column the bound for known classes was chosen between" in text
    assert "its bound for known classes is used here" in text


def test_a_card_says_no_such_thing_of_a_bound_from_elsewhere(incomplete: RunFolder, tmp_path: Path) -> None:
    other = RunFolder.open(shutil.copytree(incomplete.folder, tmp_path / "other"))
    chosen = CalibrationChoice.read(other)
    thresholds = chosen.thresholds.model_copy(update={"familiarity": 0.5})
    chosen = chosen.model_copy(update={"bound_taken_over": True, "thresholds": thresholds})
    other.calibration.write_text(json.dumps({**chosen.model_dump(mode="json"), "validation": {"photos": 9}}))
    text = _unknowns(other, json.loads(other.metrics.read_bytes()), incomplete)
    assert "In the first column" not in text and "In the second column" in text
    assert "its bound for known classes is another one than here" in text


def test_a_card_says_what_came_before_the_last_stage(incomplete: RunFolder, tmp_path: Path) -> None:
    metrics = json.loads(incomplete.metrics.read_bytes())
    second = RunFolder.open(shutil.copytree(incomplete.folder, tmp_path / "second"))
    settings = json.loads((second.folder / "config.json").read_bytes())
    settings["network"]["weights"] = str(incomplete.folder)
    (second.folder / "config.json").write_text(json.dumps(settings))
    alone, after = (_unknowns(incomplete, metrics, unseen) for unseen in (incomplete, second))
    stage = f"1 epochs at {incomplete.config().input.sizes}"
    assert f"trained for {stage} pixels without 2" in alone
    assert f"trained for {stage} pixels, after {stage}, without 2" in after
    settings["network"]["weights"] = str(tmp_path / "gone")
    (second.folder / "config.json").write_text(json.dumps(settings))
    text = _unknowns(incomplete, metrics, second)
    assert f"trained for {stage} pixels, after an earlier stage whose folder no longer exists, without 2" in text


@pytest.mark.slow
def test_their_bound_serves_a_run_that_knows_all_classes(
    incomplete: RunFolder,
    picture_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = trained(tmp_path / "whole", picture_folder)
    alone, taken = calibrate(run).thresholds, calibrate(run, bound_of(incomplete)).thresholds
    assert taken.familiarity == CalibrationChoice.read(incomplete).thresholds.familiarity
    assert taken.model_copy(update={"familiarity": alone.familiarity}) == alone
    monkeypatch.setattr(sys, "argv", ["calibrate", str(run.folder), "--chosen-on", str(incomplete.folder)])
    capsys.readouterr()
    assert calibrate_main() == 0
    assert CalibrationChoice.model_validate_json(capsys.readouterr().out).thresholds == taken
    evaluate(run)
    info = export(run, tmp_path / "whole.onnx")
    assert info.thresholds.familiarity == CalibrationChoice.read(run).thresholds.familiarity
    text = card(run, tmp_path / "whole.onnx", "none.", incomplete)
    assert "without 2 of the classes" in text and "| pictures without vehicle or vessel" in text
    assert "with red and blue exchanged" in text and "its mirror image" in text
