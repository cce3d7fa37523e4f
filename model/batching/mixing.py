"""Pictures mixed in pairs, for the heads: MixUp and CutMix.

A mixed picture has two labels with shares and no place in a quadruplet, so a batch is mixed as a whole or not at all.
Zhang et al., "mixup: Beyond empirical risk minimization", ICLR 2018; Yun et al., "CutMix", ICCV 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import torch
from torch import Tensor

_MIXUP_BETA = 0.2  # most pairs are nearly one picture; as for ImageNet in the paper
_CUTMIX_BETA = 1.0  # every share is as likely as any other


@dataclass(frozen=True)
class Mixture:
    """How the pictures of a batch, or of a rank's part of it, are mixed.

    Attributes:
        partner: of each picture the place of the one that is mixed in, int64 [B].
        share: how much of a picture is its own, in [0, 1]; its label counts as much.
        patch: rows and columns that come from the partner, as shares of the side (top, left, bottom, right); None where
            the two are laid over each other.
    """

    partner: np.ndarray
    share: float
    patch: tuple[float, float, float, float] | None

    @classmethod
    def draw(cls, kind: Literal["mixup", "cutmix"], count: int, random: np.random.Generator) -> Self:
        """A mixture for `count` pictures, with one share and one patch for all of them, as in both papers."""
        partner = random.permutation(count)
        if kind == "mixup":
            return cls(partner, float(random.beta(_MIXUP_BETA, _MIXUP_BETA)), None)
        side = np.sqrt(1 - random.beta(_CUTMIX_BETA, _CUTMIX_BETA))
        centre = random.random(2)
        (top, left), (bottom, right) = np.clip(centre - side / 2, 0, 1), np.clip(centre + side / 2, 0, 1)
        area = (bottom - top) * (right - left)
        return cls(partner, float(1 - area), (float(top), float(left), float(bottom), float(right)))

    def of(self, pictures: Tensor) -> Tensor:
        """The mixed pictures. Args: pictures: uint8 [B, 3, S, S]; the result is as large, and new."""
        others = pictures[torch.from_numpy(self.partner).to(pictures.device)]
        if self.patch is None:
            mixed = self.share * pictures.float() + (1 - self.share) * others.float()
            return mixed.round().to(pictures.dtype)
        height, width = pictures.shape[-2:]
        top, left, bottom, right = (
            round(edge * side) for edge, side in zip(self.patch, (height, width, height, width), strict=True)
        )
        mixed = pictures.clone()
        mixed[..., top:bottom, left:right] = others[..., top:bottom, left:right]
        return mixed

    def partners_in(self, batch: int) -> np.ndarray:
        """The same for a batch of several ranks' parts, each mixed within itself: places in the whole batch [batch].

        Args:
            batch: pictures of the whole batch, in the order and with the wrapping of `Ranks.own`.
        """
        part = len(self.partner)
        places = np.arange(batch)
        return (places // part * part + self.partner[places % part]) % batch
