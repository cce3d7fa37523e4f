"""The classification terms; the distance costs have tests of their own."""

import pytest
import torch
from torch.nn import functional as F

from model.method.objective import fine_cross_entropy

PARENTS = torch.tensor([0, 0, 1, 1, 1])


def test_a_photo_with_a_type_alone_is_judged_by_the_sum_of_its_classes() -> None:
    logits = torch.randn(4, 5, generator=torch.Generator().manual_seed(1), requires_grad=True)
    fine, coarse = (
        torch.tensor([3, -1, -1, 0]),
        torch.tensor([1, 0, 2, 0]),
    )  # type 2 has no classes: it gives no information
    probabilities = torch.softmax(logits, dim=1)
    terms = [-probabilities[0, 3].log(), -(probabilities[1, 0] + probabilities[1, 1]).log(), -probabilities[3, 0].log()]
    loss = fine_cross_entropy(logits, fine, coarse, PARENTS, 0.0)
    assert loss.item() == pytest.approx(sum(terms).item() / 3, rel=1e-5)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert torch.isfinite(gradient).all() and not gradient[2].any()
    # the sum rises, and the classes of the type are not played off against each other
    assert (gradient[1, :2] < 0).all() and (gradient[1, 2:] > 0).all()


def test_without_partial_labels_and_with_smoothing_it_is_the_cross_entropy_of_the_labelled() -> None:
    logits = torch.randn(3, 5)
    fine, coarse = torch.tensor([3, -1, 0]), torch.tensor([1, 0, 0])
    expected = F.cross_entropy(logits[[0, 2]], fine[[0, 2]], label_smoothing=0.1)
    assert torch.allclose(fine_cross_entropy(logits, fine, coarse, None, 0.1), expected)


@pytest.mark.parametrize("n_fine", [0, 5])
def test_a_batch_without_information_costs_nothing_and_keeps_the_graph(n_fine: int) -> None:
    logits = torch.randn(2, n_fine, requires_grad=True)
    unknown, coarse = torch.tensor([-1, -1]), torch.tensor([2, 2])
    loss = fine_cross_entropy(logits, unknown, coarse, PARENTS[:n_fine], 0.1)
    loss.backward()
    assert loss.item() == 0 and not logits.grad.any()
