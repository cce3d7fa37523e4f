"""Every way to compose batches in a whole training: it resumes exactly, and attributes reach batches and cost."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from model.batching.batch_choice import build_sampler
from model.contract.config import Config, LossSettings, parse
from model.contract.events import read_events
from model.contract.samples import DataError
from model.data.labels import EncodedLabels, attribute_scales
from model.method.logratio import LogRatioLoss, label_distances
from model.method.network import NetworkOutput
from model.method.objective import Objective
from model.train import main
from model.training import run_setup
from model.training.run_folder import RunFolder
from model.training.run_setup import new_run
from model.training.session import StopRequest, train
from tests.model.stops import StopAt

SETTINGS = [
    *("--backbone", "mobilenet_v3_small", "--weights", "none", "--size", "32", "--epochs", "3"),
    *("--embedding-dim", "16", "--batch-coarse", "2", "--batch-fine", "2", "--batch-images", "3"),
    *("--validation", "0.2", "--precision", "32-true", "--accelerator", "cpu"),
]


# that of random batches, and of the hierarchical ones in test_train, has no state beside the generators
@pytest.mark.parametrize(
    "batches",
    ["class_hard", pytest.param("dense", marks=pytest.mark.slow), pytest.param("random", marks=pytest.mark.slow)],
)
def test_a_resumed_run_equals_an_unbroken_one(batches: str, picture_folder: Path, tmp_path: Path) -> None:
    states, steps = {}, 0
    for name in ("whole", "broken"):
        out = tmp_path / name
        command = parse(["--data", f"folder:{picture_folder}", "--out", str(out), *SETTINGS, "--batches", batches])
        assert command.out is not None
        run = new_run(command.out, command.config)
        if name == "broken":
            assert not train(run, StopAt(steps // 3 + 2))  # in the second epoch
            run = RunFolder.open(out)
        assert train(run, StopRequest())
        states[name] = run.load_checkpoint()
        steps = states[name]["step"]
    one, other = states["whole"], states["broken"]
    assert one["step"] == other["step"]
    assert set(one["sampler"]) == ({"current", "frozen"} if batches == "class_hard" else set())
    for part in ("sampler", "network", "average"):
        for name, weights in one[part].items():
            assert torch.equal(other[part][name], weights), name
    for mean in one["sampler"].values():
        assert mean.norm(dim=1).numpy() == pytest.approx(np.ones(len(mean)), abs=1e-5)


def test_attributes_that_do_not_vary_are_reported_before_any_photo_is_opened(
    picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_setup, "_decodable", lambda *_: pytest.fail("photos were opened"))
    arguments = ["--data", f"folder:{picture_folder}", "--out", str(tmp_path / "r"), *SETTINGS]
    assert main([*arguments, "--label-attributes", "yaer"]) == 2
    assert "attribute 'yaer'" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_class_hard_batches_change_with_what_was_learned() -> None:
    coarse, fine = np.repeat([0, 0, 0, 1, 1, 1], 4), np.repeat(np.arange(6), 4)
    labels = EncodedLabels(coarse, fine, np.zeros((24, 0)))
    settings = {"batches": "class_hard", "batch_coarse": 1, "batch_fine": 3, "batch_images": 4}
    config = Config.model_validate({"optimiser": settings, "network": {"embedding_dim": 6}})
    sampler = build_sampler(labels, 6, (), config)
    # class 0 is nearest to 2 and 4, class 1 to 3 and so on
    directions = np.eye(6, dtype=np.float32) + 0.5 * np.eye(6, dtype=np.float32)[[2, 3, 4, 5, 0, 1]]
    before = sampler.batches(0)
    sampler.learn(directions[fine], fine)
    assert all(np.array_equal(a, b) for a, b in zip(before, sampler.batches(0), strict=True))
    sampler.end_epoch()
    first = [set(fine[sampler.batches(epoch)[0]].tolist()) for epoch in range(12)]
    # the anchor decides: its nearest sibling and its nearest stranger stand beside it
    assert {0, 2, 4} in first


@pytest.mark.slow
def test_years_count_in_batches_and_cost(picture_folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "cars.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "coarse", "fine", "year"])
        for number, path in enumerate(sorted(picture_folder.glob("*/*/*.jpg"))):
            rows.writerow([path, path.parent.parent.name, path.parent.name, "" if number % 5 == 0 else 1990 + number])
    out = tmp_path / "r"
    arguments = ["--data", f"table:{table}", "--out", str(out), *SETTINGS, "--label-attributes", "year"]
    arguments += ["--backbone", "resnet18"]  # the other one sees no difference between photos after so few steps
    assert main([*arguments, "--distance", "log_ratio", "--no-unit-length", "--batches", "dense"]) == 0
    losses = [event.values["distance"] for event in read_events(out / "events.jsonl") if event.kind == "step"]
    assert all(np.isfinite(losses)) and min(losses) > 0


@pytest.mark.parametrize("unit_length", [True, False])
def test_the_log_ratio_cost_sees_attributes_and_lengths(unit_length: bool) -> None:
    torch.manual_seed(0)
    coarse, fine, years = torch.arange(12) // 6, torch.arange(12) // 2, torch.linspace(0, 9, 12)
    raw = 3 * torch.randn(12, 5)
    unit = torch.nn.functional.normalize(raw, dim=1)
    delta, valid = label_distances(coarse, fine, attributes=years[:, None], scales=[4.5])
    expected = LogRatioLoss()(unit if unit_length else raw, delta, valid)
    settings = LossSettings(
        distance="log_ratio", unit_length=unit_length, lambda_distance=1, label_attributes=("year",)
    )
    labels = EncodedLabels(coarse.numpy(), fine.numpy(), years[:, None].double().numpy())
    output = NetworkOutput(torch.zeros(12, 2), torch.zeros(12, 6), unit, raw, torch.zeros(12))
    objective = Objective(settings, (0, 0, 0, 1, 1, 1), 5, [4.5])
    _, figures = objective(output, labels, epoch=0, generator=torch.Generator())
    assert figures["distance"] == pytest.approx(float(expected), rel=1e-5)


def test_an_attribute_that_says_nothing_is_reported() -> None:
    labels = EncodedLabels(np.zeros(4, int), np.zeros(4, int), np.array([[1.0], [1.0], [np.nan], [1.0]]))
    with pytest.raises(DataError, match="'year'"):
        attribute_scales(labels, ["year"])
    assert attribute_scales(labels._replace(attributes=np.array([[0.0], [4], [8], [12]])), ["year"]) == (6.0,)
