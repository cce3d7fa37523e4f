"""The network: a torchvision backbone, an embedding, a coarse and a fine head."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from model.contract.choices import HeadOn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Of the pixels, from 0 to 1, that the weights of all backbones were trained on: red, green, blue."""

BACKBONES: dict[str, tuple[str, ...]] = {
    # name in torchvision -> path to the last linear layer, the classifier that we leave out
    "resnet18": ("fc",),
    "resnet50": ("fc",),
    "densenet169": ("classifier",),
    "mobilenet_v2": ("classifier", "1"),
    "mobilenet_v3_small": ("classifier", "0"),
    "mobilenet_v3_large": ("classifier", "0"),
    "efficientnet_v2_s": ("classifier", "1"),
    "convnext_tiny": ("classifier", "2"),
}


class NetworkOutput(NamedTuple):
    """coarse_logits [B, n_coarse], fine_logits [B, n_fine], embedding [B, d] of unit length.

    raw: the trained embedding before it is brought to unit length [B, d]; `embedding` is the same at unit length,
    unless the network has a projection.
    likeness: to anything the network was trained on, of any class [B]: cosine of the embedding to the nearest
    landmark (model/evaluation/landmarks.py), or the energy of the coarse logits (model/contract/openset.py) where
    there are none.
    """

    coarse_logits: Tensor
    fine_logits: Tensor
    embedding: Tensor
    raw: Tensor
    likeness: Tensor


class CosineHead(nn.Module):
    """Softmax classifier by cosine: logits z.w_k / tau for unit-length z and w_k."""

    def __init__(self, width: int, classes: int, tau: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, width) / width**0.5)
        self.tau = tau

    def forward(self, embedding: Tensor) -> Tensor:
        """Logits [B, classes] of features [B, width] of unit length."""
        return embedding @ F.normalize(self.weight, dim=1).T / self.tau


class Projection(nn.Module):
    """From the pooled feature to what photos are compared by after a training (model/evaluation/projection.py)."""

    centre: Tensor
    axes: Tensor

    def __init__(self, centre: Tensor, axes: Tensor) -> None:
        """Args: centre: [width], of the square roots; axes: [d, width], weighed."""
        super().__init__()
        self.register_buffer("centre", centre)
        self.register_buffer("axes", axes)

    def forward(self, feature: Tensor) -> Tensor:
        """From [B, width] to [B, d] of unit length."""
        return F.normalize((signed_root(feature) - self.centre) @ self.axes.T, dim=1)


def signed_root(feature: Tensor) -> Tensor:
    """The square root of each number's magnitude, with its sign."""
    return feature.sign() * feature.abs().sqrt()


class Heads(nn.Module):
    """From a pooled feature to a unit-length embedding and the logits of both levels.

    Attributes:
        projection: makes the embedding of the output, once the network is trained; None for the trained one.
        landmarks: [C, d] of unit length in the space of the output's embedding; None until they are known.
    """

    landmarks: Tensor | None

    def __init__(
        self,
        width: int,
        n_coarse: int,
        n_fine: int,
        *,
        embedding_dim: int,
        coarse_head_on: HeadOn,
        fine_head_on: HeadOn,
        tau: float,
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(width, embedding_dim, bias=False)
        self.coarse_head_on, self.fine_head_on = coarse_head_on, fine_head_on
        self.coarse_head = _head(coarse_head_on, width, embedding_dim, n_coarse, tau)
        self.fine_head = _head(fine_head_on, width, embedding_dim, n_fine, tau)
        self.projection: Projection | None = None
        self.register_buffer("landmarks", None, persistent=False)

    def forward(self, feature: Tensor) -> NetworkOutput:
        """Args: feature: [B, width]."""
        # the unit length must hold to float32 precision, also under autocast
        with torch.autocast(feature.device.type, enabled=False):
            feature = feature.float()
            raw = self.embed(feature)
            trained = F.normalize(raw, dim=1)
            coarse_logits = self.coarse_head(trained if self.coarse_head_on is HeadOn.EMBEDDING else feature)
            fine_logits = self.fine_head(trained if self.fine_head_on is HeadOn.EMBEDDING else feature)
            embedding = trained if self.projection is None else self.projection(feature)
            if self.landmarks is None:
                likeness = coarse_logits.logsumexp(dim=1)
            else:
                likeness = (embedding @ self.landmarks.T).amax(dim=1)
            return NetworkOutput(coarse_logits, fine_logits, embedding, raw, likeness)

    def fine_directions(self) -> Tensor:
        """The direction of each fine class in the space of the pooled feature: [n_fine, width]."""
        if isinstance(self.fine_head, CosineHead):
            return F.normalize(self.fine_head.weight, dim=1) @ self.embed.weight / self.fine_head.tau
        assert isinstance(self.fine_head, nn.Linear)
        return self.fine_head.weight


class Network(nn.Module):
    """uint8 pictures in, logits of both levels and a unit-length embedding out."""

    scale: Tensor
    shift: Tensor

    def __init__(
        self,
        backbone: str,
        n_coarse: int,
        n_fine: int,
        *,
        embedding_dim: int,
        coarse_head_on: HeadOn,
        fine_head_on: HeadOn,
        tau: float,
    ) -> None:
        super().__init__()
        self.backbone, width = build_backbone(backbone)
        self.heads = Heads(
            width,
            n_coarse,
            n_fine,
            embedding_dim=embedding_dim,
            coarse_head_on=coarse_head_on,
            fine_head_on=fine_head_on,
            tau=tau,
        )
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
        self.register_buffer("scale", 1 / (255 * std), persistent=False)
        self.register_buffer("shift", mean / std, persistent=False)

    def features(self, images: Tensor) -> Tensor:
        """The pooled feature [B, width] of pictures, uint8 [B, 3, H, W], RGB."""
        return self.backbone(self.pixels(images).contiguous(memory_format=torch.channels_last))

    def pixels(self, images: Tensor) -> Tensor:
        """Pictures as the backbone takes them: (value / 255 - mean) / std, in two steps instead of three."""
        return images.float() * self.scale - self.shift

    def forward(self, images: Tensor) -> NetworkOutput:
        """Args: images: uint8 [B, 3, H, W], RGB."""
        return self.heads(self.features(images))

    def with_evidence(self, images: Tensor) -> tuple[NetworkOutput, Tensor]:
        """The outputs, and for each fine class a map of what speaks for it: [B, n_fine, h, w].

        Class activation maps (Zhou et al., CVPR 2016): the pooled feature is the mean of the last map, so a class's
        logit, apart from the length of the embedding, is the mean over the places of this map.

        Args:
            images: uint8 [B, 3, H, W], RGB.

        Raises:
            ValueError: if the backbone has a layer between the pooling and the heads (`has_evidence`).
        """
        places = last_map(self.backbone, self.pixels(images))
        maps = torch.einsum("bchw,kc->bkhw", places, self.heads.fine_directions())
        return self.heads(places.mean(dim=(2, 3))), maps


def _head(on: HeadOn, width: int, embedding_dim: int, classes: int, tau: float) -> nn.Module:
    return CosineHead(embedding_dim, classes, tau) if on is HeadOn.EMBEDDING else nn.Linear(width, classes)


def has_evidence(backbone: nn.Module) -> bool:
    """Whether the pooled feature is the plain mean of the last map, which `Network.with_evidence` needs."""
    return not isinstance(backbone, torchvision.models.ConvNeXt)


def last_map(backbone: nn.Module, pixels: Tensor) -> Tensor:
    """The last map of a backbone of `build_backbone`, before its pooling: [B, width, h, w].

    Raises:
        ValueError: if it is one without evidence.
    """
    if not has_evidence(backbone):
        raise ValueError(f"{type(backbone).__name__} normalises between pooling and heads")
    if isinstance(backbone, torchvision.models.ResNet):
        stem = (backbone.conv1, backbone.bn1, backbone.relu, backbone.maxpool)
        for layer in (*stem, backbone.layer1, backbone.layer2, backbone.layer3, backbone.layer4):
            pixels = layer(pixels)
        return pixels
    places = backbone.get_submodule("features")(pixels)
    return F.relu(places) if isinstance(backbone, torchvision.models.DenseNet) else places


def build_backbone(name: str) -> tuple[nn.Module, int]:
    """A torchvision network without its classifier, and the width of its pooled feature.

    Raises:
        KeyError: if `name` is not in BACKBONES.
    """
    path = BACKBONES[name]
    network = torchvision.models.get_model(name, weights=None)
    parent: nn.Module = network
    for part in path[:-1]:
        parent = parent.get_submodule(part)
    classifier = parent.get_submodule(path[-1])
    assert isinstance(classifier, nn.Linear)
    if name.startswith("mobilenet_v3"):
        parent = network.classifier = nn.Sequential()  # its classifier begins after the layer that gives the width
    else:
        setattr(parent, path[-1], nn.Identity())
    return network, classifier.in_features
