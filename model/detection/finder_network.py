"""The network of the finder: a MobileNetV2, a light pyramid on it, and heads that every place of the pyramid shares.

A detector without anchors: each place of four maps (strides 8, 16, 32 and 64) gives a score for each kind and the
distances from the place to the four sides of a box, as FCOS does (Tian et al., ICCV 2019). The score of a place stands
for how well its box fits, too (Zhang et al., "VarifocalNet", CVPR 2021), so that there is no head of centreness.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.contract.finding import KINDS, STRIDES
from model.method.network import IMAGENET_MEAN, IMAGENET_STD, build_backbone
from model.training.starting_weights import load_starting_weights

BACKBONE = "mobilenet_v2"
_TAPS = {6: 32, 13: 96, 17: 320}
"""Of the backbone's blocks those whose maps the pyramid stands on, with their channels: strides 8, 16 and 32."""
_FIRST_SHARE = 0.01
"""What every score begins with: nearly all places are empty (Lin et al., "Focal loss", ICCV 2017)."""
_FIRST_DISTANCE = 3.0
"""What every distance begins with, in strides."""


class PlaceAnswers(NamedTuple):
    """What the network says of a batch of B pictures at its P places.

    Attributes:
        logits: [B, P, kinds], float32.
        boxes: [B, P, 4], left, top, right and bottom in pixels of the square, float32; they may reach beyond it.
    """

    logits: Tensor
    boxes: Tensor


class FinderNetwork(nn.Module):
    """uint8 squares in, scores and boxes of every place out."""

    scale: Tensor
    shift: Tensor

    def __init__(self, channels: int = 96, depth: int = 2) -> None:
        """Args: channels: of the pyramid and the towers; depth: separable convolutions in a tower."""
        super().__init__()
        backbone, _ = build_backbone(BACKBONE)
        features = backbone.get_submodule("features")
        assert isinstance(features, nn.Sequential)
        # the last convolution, to 1280 channels, is for a classifier
        self.features = features[: max(_TAPS) + 1]
        self.pyramid = _Pyramid(tuple(_TAPS.values()), channels)
        self.score_tower = _Tower(channels, depth)
        self.box_tower = _Tower(channels, depth)
        self.score = nn.Conv2d(channels, len(KINDS), 1)
        self.box = nn.Conv2d(channels, 4, 1)
        self.steps = nn.Parameter(torch.ones(len(STRIDES)))
        for layer, value in ((self.score, math.log(_FIRST_SHARE / (1 - _FIRST_SHARE))), (self.box, _FIRST_DISTANCE)):
            nn.init.normal_(layer.weight, std=0.01)
            assert layer.bias is not None
            nn.init.constant_(layer.bias, value)
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
        self.register_buffer("scale", 1 / (255 * std), persistent=False)
        self.register_buffer("shift", mean / std, persistent=False)

    def start_from(self, weights: str) -> None:
        """Fill the backbone: `imagenet`, `none` or a file. Raises WeightsError as `load_starting_weights`."""
        backbone, _ = build_backbone(BACKBONE)
        load_starting_weights(backbone, BACKBONE, weights)
        known = backbone.get_submodule("features").state_dict()
        self.features.load_state_dict({name: known[name] for name in self.features.state_dict()})

    def forward(self, images: Tensor) -> PlaceAnswers:
        """Args: images: uint8 [B, 3, S, S], RGB; S a multiple of the largest stride."""
        found = (images.float() * self.scale - self.shift).contiguous(memory_format=torch.channels_last)
        maps = []
        for number, block in enumerate(self.features):
            found = block(found)
            if number in _TAPS:
                maps.append(found)
        logits, boxes = [], []
        for level, (stride, feature) in enumerate(zip(STRIDES, self.pyramid(maps), strict=True)):
            score = self.score(self.score_tower(feature, level))
            box = self.box(self.box_tower(feature, level))
            # a box is made in float32 also under autocast: bfloat16 has steps of two pixels at its right border
            with torch.autocast(images.device.type, enabled=False):
                distances = F.softplus(box.float() * self.steps[level]) * stride
                logits.append(score.float().flatten(2).transpose(1, 2))
                boxes.append(_boxes(distances, stride).flatten(2).transpose(1, 2))
        return PlaceAnswers(torch.cat(logits, 1), torch.cat(boxes, 1))


def places(size: int, device: torch.device | None = None) -> Tensor:
    """The middles of all places of a square of `size` pixels, in their order: [P, 2], x and y."""
    return torch.cat([_middles(size // stride, size // stride, stride, device).flatten(1).T for stride in STRIDES])


def _middles(height: int, width: int, stride: int, device: torch.device | None) -> Tensor:
    down = (torch.arange(height, device=device) + 0.5) * stride
    across = (torch.arange(width, device=device) + 0.5) * stride
    return torch.stack([across.expand(height, width), down[:, None].expand(height, width)])


def _boxes(distances: Tensor, stride: int) -> Tensor:
    """From distances [B, 4, h, w] to the left, top, right and bottom of a place to boxes, in pixels."""
    middles = _middles(distances.shape[2], distances.shape[3], stride, distances.device)
    return torch.cat([middles - distances[:, :2], middles + distances[:, 2:]], 1)


def _separable(channels: int) -> tuple[nn.Conv2d, nn.Conv2d]:
    depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
    return depthwise, nn.Conv2d(channels, channels, 1, bias=False)


def _normed(*layers: nn.Module, channels: int) -> nn.Sequential:
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU6(inplace=True))


class _Pyramid(nn.Module):
    """Maps of one width at four strides: what the coarse ones know goes down to the fine ones, and up again.

    Lin et al., "Feature pyramid networks", CVPR 2017; the way up: Liu et al., "Path aggregation network", CVPR 2018.
    """

    def __init__(self, widths: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(_normed(nn.Conv2d(w, channels, 1, bias=False), channels=channels) for w in widths)
        self.down = nn.ModuleList(_normed(*_separable(channels), channels=channels) for _ in widths[1:])
        self.shrink = nn.ModuleList(_normed(_halving(channels), channels=channels) for _ in widths)
        self.up = nn.ModuleList(_normed(*_separable(channels), channels=channels) for _ in widths[1:])

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Args: maps: at strides 8, 16 and 32. Returns those at 8, 16, 32 and 64."""
        found = [lateral(one) for lateral, one in zip(self.lateral, maps, strict=True)]
        for level in range(len(found) - 2, -1, -1):
            found[level] = self.down[level](found[level] + F.interpolate(found[level + 1], scale_factor=2.0))
        for level in range(1, len(found)):
            found[level] = self.up[level - 1](found[level] + self.shrink[level - 1](found[level - 1]))
        return [*found, self.shrink[-1](found[-1])]


def _halving(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, stride=2, padding=1, groups=channels, bias=False)


class _Tower(nn.Module):
    """Separable convolutions that all levels share; each level has normalisations of its own, as its values differ."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Sequential(*_separable(channels)) for _ in range(depth))
        self.norms = nn.ModuleList(nn.ModuleList(nn.BatchNorm2d(channels) for _ in STRIDES) for _ in range(depth))

    def forward(self, feature: Tensor, level: int) -> Tensor:
        """Args: level: place in STRIDES."""
        for convolution, norms in zip(self.convolutions, self.norms, strict=True):
            assert isinstance(norms, nn.ModuleList)
            feature = F.relu6(norms[level](convolution(feature)))
        return feature
