"""Files of tensors: checkpoints and weights, from torch and safetensors. No code in them is run."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.system.reading import LARGE, first_line, must_fit, regular_file


def read_tensors(path: Path) -> Any:
    """What `torch.save` wrote, or the tensors of a `.safetensors` file, on the CPU.

    Raises:
        OSError: if the file is missing or too large.
        ValueError: if it is damaged or something else, or its tensors claim more than it holds.
    """
    size = regular_file(path).st_size
    must_fit(size, LARGE, path)
    try:
        content = _loaded(path, size)
    except Exception as error:  # for a damaged file torch raises errors of any kind
        raise ValueError(first_line(error)) from error
    if not all(_is_plain(tensor) for tensor in tensors_in(content)):
        raise ValueError("it holds tensors of a kind that no network has")
    claimed = sum(tensor.numel() * tensor.element_size() for tensor in tensors_in(content))
    # a network and its average may share a tensor, as equal heads do
    if claimed > 4 * size:
        raise ValueError(f"its tensors claim {claimed} bytes, and it has {size}")
    return content


def tensors_in(content: Any) -> Iterator[Tensor]:
    """All tensors in dictionaries and lists."""
    if isinstance(content, Tensor):
        yield content
    elif isinstance(content, Mapping):
        for part in content.values():
            yield from tensors_in(part)
    elif isinstance(content, list | tuple):
        for part in content:
            yield from tensors_in(part)


def not_finite(state: Mapping[str, Tensor]) -> str:
    """The name of a tensor that holds values that are not numbers, or ""."""
    return next((name for name, one in state.items() if one.is_floating_point() and not one.isfinite().all()), "")


def _is_plain(tensor: Tensor) -> bool:
    return tensor.layout is torch.strided and not tensor.is_quantized and tensor.device.type == "cpu"


def _loaded(path: Path, size: int) -> Any:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > size:  # torch compresses nothing
            raise ValueError(f"unpacked it would take {unpacked} bytes, and it has {size}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns about old forms of files
        return torch.load(path, map_location="cpu", weights_only=True)
