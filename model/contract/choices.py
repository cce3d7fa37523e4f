"""The choices of the settings, by name alone, so that settings can be read without torch.

The code behind the names is in `network`, `selection`, `losses` and `baselines`; tests compare the two.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Backbone = Literal[
    "resnet18",
    "resnet50",
    "densenet169",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "efficientnet_v2_s",
    "convnext_tiny",
]
"""Backbones of `model.method.network`."""

Rule = Literal[
    "random",
    "hard_negative",
    "easy_positive_hard_negative",
    "class_aware",
    "class_aware_sum",
    "hard_hard",
    "semi_easy",
    "semi_hard",
]
"""Rules of `model.method.quadruplet_selection`."""

Distance = Literal["quadruplet", "log_ratio", "plain_ratio", "none"]
"""Distance costs besides the baselines: quadruplets, the log-ratio loss of `model.method.logratio` with and without its
logarithm, or none: classification alone."""

Baseline = Literal[
    "triplet_semi_hard",
    "triplet_easy_hard",
    "lifted",
    "n_pairs",
    "proxy_nca",
    "proxy_anchor",
    "multi_similarity",
    "soft_triple",
]
"""Distance costs of `model.method.baselines`."""

FOLDS = 2
"""Parts of the training classes that take turns as test classes when settings are chosen. Halves, as in the protocol
itself: with quarters so few classes of a type remain to be confused that the type seems to matter most."""


class HeadOn(StrEnum):
    """What a classification head is built on.

    feature: a linear softmax classifier on the pooled feature.
    embedding: a cosine classifier on the unit-length embedding, softmax over z.w_k / tau with unit-length w_k.
    """

    FEATURE = "feature"
    EMBEDDING = "embedding"


class Form(StrEnum):
    """How a distance that should be small is compared with one that should be large, by a margin m.

    hinge: [D_small - D_large + m]_+   (Zhang et al., CVPR 2016)
    ratio: [1 - e_large / (e_small + m)]_+ with e = sqrt(D + 1e-12)   (Wohlhart and Lepetit, CVPR 2015)
    """

    HINGE = "hinge"
    RATIO = "ratio"


class SecondHinge(StrEnum):
    """Which distances the coarse term compares; written here as hinges.

    plain:    [D_rq - D_rn + m_coarse]_+   (Zhang et al., CVPR 2016)
    triangle: [D_rq - min(D_rn, D_pn, D_qn) + m_coarse]_+
    anchor:   [D_rp - min(D_rn, D_pn, D_qn) + m_fine + m_coarse]_+
    """

    PLAIN = "plain"
    TRIANGLE = "triangle"
    ANCHOR = "anchor"


class Average(StrEnum):
    """Over which rows a term is averaged: those above zero (as pytorch-metric-learning does), or all of them."""

    ACTIVE = "active"
    ROWS = "rows"
