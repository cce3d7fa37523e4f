"""Training by two processes: the same quadruplets and the same gradient as by one."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from model.contract.config import MachineSettings
from model.contract.events import read_events
from model.training.distributed import Ranks, choose_precision
from model.training.run_folder import RunFolder
from tests.checkout import ROOT

# Run by each process: the first steps of a network without batch statistics, which differ between the parts of a batch.
SCRIPT = """
import os, sys
import numpy as np
import torch
from model.contract.config import Config, MachineSettings
from model.data.labels import EncodedLabels
from model.method.losses import squared_distances
from model.method.network import HeadOn, Heads
from model.method.objective import Objective
from model.training.distributed import Ranks
from model.method.quadruplet_selection import RULES, SelectionOptions, role_masks

ranks = Ranks(MachineSettings(accelerator="cpu", precision="32-true"))
torch.manual_seed(0)
heads = Heads(12, 3, 9, embedding_dim=6, coarse_head_on=HeadOn.FEATURE, fine_head_on=HeadOn.EMBEDDING, tau=0.1)
network, optimiser = ranks.fabric.setup(heads, torch.optim.SGD(heads.parameters(), lr=0.1))
fine = np.arange(27) // 3
labels = EncodedLabels(fine // 3, fine, np.zeros((27, 0)))
features = torch.randn(27, 12)
objective = Objective(Config().loss, (0, 0, 0, 1, 1, 1, 2, 2, 2), 6)
found = {}
for step in range(3):
    rows, _ = ranks.own(np.arange(27))
    output = ranks.gather(network(features[rows]), 27)
    distances = squared_distances(output.embedding.detach())
    masks = role_masks(torch.from_numpy(labels.coarse), torch.from_numpy(labels.fine))
    for name, rule in RULES.items():
        chosen = rule(distances, masks, SelectionOptions(), torch.Generator().manual_seed(step))
        found.update({f"{step} {name} {i}": column.numpy() for i, column in enumerate(chosen) if column is not None})
    loss, _ = objective(output, labels, epoch=1, generator=torch.Generator().manual_seed(step))
    optimiser.zero_grad()
    ranks.fabric.backward(loss)
    found.update({f"{step} gradient {name}": p.grad.numpy().copy() for name, p in heads.named_parameters()})
    optimiser.step()
np.savez(sys.argv[1] + str(ranks.fabric.global_rank) + ".npz", **found)
"""


def run(*command: object, processes: int = 0) -> subprocess.CompletedProcess[str]:
    start = [sys.executable]
    if processes:
        start += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    done = subprocess.run([*start, *map(str, command)], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.slow
def test_two_processes_choose_the_quadruplets_of_one_and_go_the_same_way(tmp_path: Path) -> None:
    script = tmp_path / "steps.py"
    script.write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{SCRIPT}", encoding="utf-8")
    run(script, tmp_path / "one-")
    run(script, tmp_path / "two-", processes=2)
    one, first, second = (np.load(tmp_path / f"{name}.npz") for name in ("one-0", "two-0", "two-1"))
    assert set(one) == set(first) == set(second) and len(one) > 3 * 8 * 3
    for name in one:
        for other in (first, second):
            if "gradient" in name:
                assert np.abs(one[name]).max() > 0
                assert other[name] == pytest.approx(one[name], abs=1e-6), name
            else:
                assert np.array_equal(other[name], one[name]), name


@pytest.mark.slow
def test_two_processes_train_with_a_teacher(small_run: RunFolder, picture_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "r"
    settings = [
        *("--backbone", "resnet18", "--weights", "none", "--size", "32", "--epochs", "2"),
        *("--embedding-dim", "16", "--batch-coarse", "2", "--batch-fine", "2", "--batch-images", "3"),
        *("--validation", "0.2", "--precision", "32-true", "--accelerator", "cpu", "--teacher", small_run.folder),
    ]
    done = run("-m", "model.train", "--data", f"folder:{picture_folder}", "--out", out, *settings, processes=2)
    trained = RunFolder.open(out)
    events = read_events(trained.events)
    steps = [event.step for event in events if event.kind == "step"]
    assert steps == list(range(1, len(steps) + 1)) and events[-1].kind == "done"
    assert all(np.isfinite(event.values["loss"]) for event in events if event.kind == "step")
    assert all(event.values["teacher_answers"] > 0 for event in events if event.kind == "step")
    assert trained.model.is_file() and done.stdout.count("identification model") == 1
    for name, weights in trained.load_checkpoint()["network"].items():
        assert torch.isfinite(weights).all(), name


@pytest.mark.parametrize("native", [False, True])
def test_a_processor_without_bfloat16_trains_in_float32(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert choose_precision("auto", "cpu") == ("bf16-mixed" if native else "32-true")
    assert choose_precision("bf16-mixed", "cpu") == "bf16-mixed"
    with Ranks(MachineSettings(accelerator="cpu")).fabric.autocast():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype is (torch.bfloat16 if native else torch.float32)
