"""The baselines: each trains, leaves unknown fine classes out, and continues with its own proxies after a stop."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from model.contract.config import Config, LossSettings, parse
from model.contract.events import read_events
from model.data.labels import EncodedLabels
from model.method.baselines import BASELINES
from model.method.network import NetworkOutput
from model.method.objective import Objective
from model.method.quadruplet_selection import role_masks
from model.training.optimiser import build_optimiser
from model.training.run_folder import RunFolder
from model.training.run_setup import new_run
from model.training.session import StopRequest, train
from tests.model.stops import StopAt

PROXIES = {"proxy_nca": 4 * 8, "proxy_anchor": 4 * 8, "soft_triple": 10 * 4 * 8}
COARSE = torch.tensor([0, 0, 1, 1]).repeat_interleave(4)
FINE = torch.arange(4).repeat_interleave(4)


def points(seed: int = 0, n: int = 16) -> torch.Tensor:
    return torch.randn(n, 8, generator=torch.Generator().manual_seed(seed))


def built(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return BASELINES[name](4, 8)


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_lowers_its_loss_and_moves_its_proxies(name: str) -> None:
    baseline = built(name)
    free = nn.Parameter(points())
    optimiser = torch.optim.Adam([free, *baseline.parameters()], lr=0.05)
    first, proxies = 0.0, [p.detach().clone() for p in baseline.parameters()]
    assert sum(p.numel() for p in proxies) == PROXIES.get(name, 0)
    for _ in range(60):
        loss = baseline(F.normalize(free, dim=1), FINE)
        optimiser.zero_grad()
        loss.backward()
        if not first:
            first = loss.item()
            assert first > 0 and free.grad.norm() > 0
            assert all(p.grad.norm() > 0 for p in baseline.parameters())
        optimiser.step()
    assert baseline(F.normalize(free, dim=1), FINE).item() < 0.8 * first
    assert all(not torch.equal(p, before) for p, before in zip(baseline.parameters(), proxies, strict=True))


@pytest.mark.parametrize("name", BASELINES)
def test_rows_without_a_fine_class_are_left_out(name: str) -> None:
    baseline = built(name)
    z = F.normalize(points(n=20), dim=1).requires_grad_()
    fine = torch.cat([FINE[:5], torch.full((4,), -1), FINE[5:]])
    loss = baseline(z, fine)
    assert loss.item() == pytest.approx(baseline(z.detach()[fine >= 0], FINE).item(), rel=1e-6)
    loss.backward()
    assert z.grad is not None and not z.grad[fine < 0].any() and z.grad[fine >= 0].any()


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("fine", [[-1] * 4, [2] * 4, [0, 1, 2, 3], [3, -1, -1, -1]])
def test_poor_batches_keep_the_graph(name: str, fine: list[int]) -> None:
    z = F.normalize(points(n=4), dim=1).requires_grad_()
    loss = built(name)(z, torch.tensor(fine))
    loss.backward()
    assert math.isfinite(loss.item()) and z.grad is not None and z.grad.isfinite().all()
    if max(fine) < 0:
        assert loss.item() == 0


def objective_of(distance: str, z: torch.Tensor, **settings: Any) -> tuple[torch.Tensor, dict[str, float]]:
    torch.manual_seed(0)
    objective = Objective(LossSettings.model_validate({"distance": distance, **settings}), (0, 0, 1, 1), 8)
    output = NetworkOutput(torch.zeros(16, 2), torch.zeros(16, 4), z, z, torch.zeros(16))
    labels = EncodedLabels(COARSE.numpy(), FINE.numpy(), np.zeros((16, 0)))
    return objective(output, labels, epoch=0, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("distance", ["none", *BASELINES])
def test_the_objective_adds_the_baseline_and_follows_the_distances(distance: str) -> None:
    z = F.normalize(points(), dim=1).requires_grad_()
    loss, figures = objective_of(distance, z, lambda_coarse=0, lambda_fine=0, lambda_distance=0.5)
    expected = 0.0 if distance == "none" else 0.5 * built(distance)(z, FINE).item()
    assert loss.item() == pytest.approx(expected)
    loss.backward()
    assert z.grad.any() == (distance != "none")
    apart = torch.cdist(z.detach(), z.detach()) ** 2
    for key, mask in zip(("d_plus", "d_minus", "d_negative"), role_masks(COARSE, FINE), strict=True):
        assert figures[key] == pytest.approx(apart[mask].mean().item(), rel=1e-4)


def test_unknown_cost_is_refused() -> None:
    with pytest.raises(ValueError, match=r"(?s)quadruplet', 'log_ratio.*proxy_anchor"):
        LossSettings.model_validate({"distance": "nearest"})


@pytest.mark.slow
def test_reading_the_settings_does_not_import_the_library() -> None:
    code = "import sys, model.train; sys.exit('pytorch_metric_learning' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


SETTINGS = [
    *("--backbone", "mobilenet_v3_small", "--weights", "none", "--size", "32", "--epochs", "2"),
    *("--embedding-dim", "16", "--batch-coarse", "2", "--batch-fine", "2", "--batch-images", "3"),
    *("--validation", "0.2", "--precision", "32-true", "--accelerator", "cpu", "--distance", "proxy_anchor"),
]


def test_a_resumed_run_equals_an_unbroken_one(picture_folder: Path, tmp_path: Path) -> None:
    states = {}
    for name in ("whole", "broken"):
        command = parse(["--data", f"folder:{picture_folder}", "--out", str(tmp_path / name), *SETTINGS])
        assert command.out is not None
        run = new_run(command.out, command.config)
        if name == "broken":
            assert not train(run, StopAt(2))
            run = RunFolder.open(tmp_path / name)
        assert train(run, StopRequest())
        states[name] = run.load_checkpoint()
    kinds = [event.kind for event in read_events(tmp_path / "broken" / "events.jsonl")]
    assert "stopped" in kinds
    one, other = states["whole"], states["broken"]
    assert len(one["objective"]) == 1
    for part in ("objective", "network", "average"):
        for name, weights in one[part].items():
            assert torch.equal(other[part][name], weights), name


def test_a_checkpoint_from_before_the_baselines_can_be_resumed(picture_folder: Path, tmp_path: Path) -> None:
    command = parse(
        ["--data", f"folder:{picture_folder}", "--out", str(tmp_path / "r"), *SETTINGS, "--distance", "quadruplet"]
    )
    assert command.out is not None
    run = new_run(command.out, command.config)
    assert not train(run, StopAt(2))
    state = run.load_checkpoint()
    assert state.pop("objective") == {}
    run.save_checkpoint(state)
    assert train(run, StopRequest()) and run.load_checkpoint()["epoch"] == 2


def test_proxies_learn_at_their_own_rate() -> None:
    config = Config.model_validate({"loss": {"distance": "soft_triple"}, "optimiser": {"proxy_lr_factor": 7.0}})
    sizes = ((0, 0, 1, 1), config.network.embedding_dim)
    objective = Objective(config.loss, *sizes)
    optimiser = build_optimiser(nn.Linear(2, 2), objective, config)
    last = optimiser.param_groups[-1]
    assert last["params"] == list(objective.parameters()) and last["weight_decay"] == 0
    assert last["height"] == pytest.approx(7 * config.optimiser.lr)
    assert len(build_optimiser(nn.Linear(2, 2), Objective(LossSettings(), *sizes), config).param_groups) == 2
