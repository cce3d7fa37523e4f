"""Pictures mixed in pairs, for the heads."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from model.batching.mixing import Mixture
from model.contract.config import Config, LossSettings
from model.contract.events import read_events
from model.data.labels import EncodedLabels
from model.method.network import NetworkOutput
from model.method.objective import Objective, fine_cross_entropy
from model.training.distributed import Ranks
from model.training.run_folder import RunFolder
from model.training.run_setup import new_run
from model.training.session import StopRequest, train
from tests.model.small import SMALL
from tests.model.stops import StopAt

PARENTS = (0, 0, 1, 1)


def pictures(count: int, size: int = 20) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, size, size), generator=torch.Generator().manual_seed(3), dtype=torch.uint8)


@given(seed=st.integers(0, 2**32), count=st.integers(1, 9), kind=st.sampled_from(["mixup", "cutmix"]))
def test_every_picture_has_a_partner_and_the_shares_are_shares(
    seed: int, count: int, kind: Literal["mixup", "cutmix"]
) -> None:
    mixture = Mixture.draw(kind, count, np.random.default_rng(seed))
    assert sorted(mixture.partner) == list(range(count)) and 0 <= mixture.share <= 1
    assert (mixture.patch is None) == (kind == "mixup")


@given(seed=st.integers(0, 2**32))
def test_the_patch_takes_as_much_of_a_picture_as_its_label_says(seed: int) -> None:
    mixture = Mixture.draw("cutmix", 4, np.random.default_rng(seed))
    before = torch.zeros(4, 3, 100, 100, dtype=torch.uint8) + torch.arange(4, dtype=torch.uint8)[:, None, None, None]
    after = mixture.of(before)
    for place, partner in enumerate(mixture.partner):
        own = float((after[place, 0] == place).float().mean())
        assert own == pytest.approx(1.0 if partner == place else mixture.share, abs=0.02)
        assert set(after[place].unique().tolist()) <= {place, int(partner)}
    assert before[1].unique().tolist() == [1]


def test_mixed_pictures_agree_with_a_calculation_by_hand() -> None:
    before = pictures(3)
    after = Mixture(np.array([2, 0, 1]), 0.25, None).of(before)
    expected = (0.25 * before[0].double() + 0.75 * before[2].double()).round()
    assert after.dtype == torch.uint8 and (after[0].double() - expected).abs().max() <= 1
    assert (Mixture(np.array([2, 0, 1]), 1.0, None).of(before) == before).all()


@given(batch=st.integers(1, 40), world=st.integers(1, 5), seed=st.integers(0, 99))
def test_the_whole_batch_knows_what_every_rank_has_mixed(batch: int, world: int, seed: int) -> None:
    ranks = object.__new__(Ranks)
    parts = []
    for rank in range(world):
        fabric: Any = SimpleNamespace(world_size=world, global_rank=rank)
        ranks.fabric = fabric
        parts.append(ranks.own(np.arange(batch))[1])
    mixture = Mixture.draw("mixup", len(parts[0]), np.random.default_rng(seed))
    mixed_in = np.concatenate([places[mixture.partner] for places in parts])[:batch]
    assert mixture.partners_in(batch).tolist() == mixed_in.tolist()


def test_both_labels_count_by_their_shares() -> None:
    generator = torch.Generator().manual_seed(0)
    coarse_logits, fine_logits, raw = (torch.randn(3, n, generator=generator) for n in (2, 4, 5))
    output = NetworkOutput(coarse_logits, fine_logits, F.normalize(raw, dim=1), raw, torch.zeros(len(raw)))
    labels = EncodedLabels(np.array([0, 1, 1]), np.array([1, 2, -1]), np.zeros((3, 0)))
    others = labels.at(np.array([1, 2, 0]))
    loss, figures = Objective(LossSettings(), PARENTS, 5).of_mixture(output, labels, others, 0.3)
    expected = 0.0
    for share, of in ((0.3, labels), (0.7, others)):
        coarse, fine = torch.from_numpy(of.coarse), torch.from_numpy(of.fine)
        by_type = F.cross_entropy(coarse_logits, coarse, label_smoothing=0.1)
        by_class = fine_cross_entropy(fine_logits, fine, coarse, torch.tensor(PARENTS), 0.1)
        expected += share * float(0.2 * by_type + 1.0 * by_class)
    assert loss.item() == pytest.approx(expected, rel=1e-5) == figures["loss"]
    assert figures["fine"] > 0 and "distance" not in figures


@pytest.mark.parametrize("kind", ["mixup", pytest.param("cutmix", marks=pytest.mark.slow)])
def test_a_training_with_mixed_batches_resumes_where_it_stopped(
    kind: str, picture_folder: Path, tmp_path: Path
) -> None:
    config = Config.model_validate(
        {
            **SMALL,
            "data": {"data": [f"folder:{picture_folder}"], "validation": 0.2},
            "input": {"size": 32, "mix": kind, "mix_share": 0.5},
            "optimiser": {**SMALL["optimiser"], "epochs": 2, "first_lr_factor": 0.5, "batches": "class_hard"},
        }
    )
    whole = new_run(tmp_path / "whole", config)
    assert train(whole, StopRequest())
    steps = [event.values for event in read_events(whole.events) if event.kind == "step"]
    mixed = ["distance" not in step for step in steps]
    assert 0 < sum(mixed) < len(mixed)
    epochs = [event.values for event in read_events(whole.events) if event.kind == "epoch"]
    assert len(epochs) == 2 and all(epoch["loss"] > 0 for epoch in epochs)

    broken = new_run(tmp_path / "broken", config)
    assert not train(broken, StopAt(2))
    assert train(broken, StopRequest())
    one, two = (RunFolder.open(run.folder).load_checkpoint()["network"] for run in (whole, broken))
    assert all(torch.equal(one[name], two[name]) for name in one)
