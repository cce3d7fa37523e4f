"""Several processes that train one network: `torchrun --nproc-per-node N -m model.train ...`, one process a device.

Each process (rank) computes its part of every batch; all outputs are then gathered, so that selection and cost see the
whole batch and choose what a single process would choose. Every rank computes the same cost of the same rows, so the
gradient of its outputs arrives once from every rank; DistributedDataParallel averages over them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Literal, TypeVar

import numpy as np
import torch
from lightning_fabric import Fabric

from model.contract.config import MachineSettings
from model.method.network import NetworkOutput
from model.training.run_folder import RunError

_T = TypeVar("_T")


def choose_accelerator(wanted: Literal["auto", "cpu", "cuda"]) -> str:
    """ "cuda" or "cpu". Raises RunError if CUDA is asked for and cannot be used."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise RunError("--accelerator cuda: torch finds no usable NVIDIA GPU; take auto or cpu")
    return "cuda" if torch.cuda.is_available() and wanted != "cpu" else "cpu"


def choose_precision(
    wanted: Literal["auto", "bf16-mixed", "32-true"], accelerator: str
) -> Literal["bf16-mixed", "32-true"]:
    """The precision to compute in; for "auto" bfloat16 only where the device has instructions for it.

    A processor without them converts every number on its way: a step of a MobileNetV2 then takes twenty times as long
    as in float32 (measured on one with AVX2 alone).

    Args:
        accelerator: as `choose_accelerator` has chosen.
    """
    if wanted != "auto":
        return wanted
    if accelerator == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16-mixed" if native else "32-true"


class Ranks:
    """The processes of a training; a single one unless torchrun has started several."""

    def __init__(self, machine: MachineSettings) -> None:
        """Join the others. Raises RunError if CUDA is asked for and cannot be used."""
        world = int(os.environ.get("WORLD_SIZE", "1"))
        here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        accelerator = choose_accelerator(machine.accelerator)
        self.fabric = Fabric(
            accelerator=accelerator,
            devices=here,
            num_nodes=world // here,
            strategy="ddp" if world > 1 else "auto",
            precision=choose_precision(machine.precision, accelerator),
        )
        self.fabric.launch()

    @property
    def is_first(self) -> bool:
        """Whether this process writes the run's files and speaks to the user."""
        return self.fabric.is_global_zero

    def wait(self) -> None:
        """Wait until all ranks are here."""
        self.fabric.barrier()

    def first_alone(self, work: Callable[[], _T]) -> _T:
        """The result of the work; the other ranks begin when the first is done, and find the files that it wrote."""
        if not self.is_first:
            self.wait()
        result = work()
        if self.is_first:
            self.wait()
        return result

    def any(self, flag: bool) -> bool:
        """Whether any rank says so; every rank gets the answer."""
        if self.fabric.world_size == 1:
            return flag
        count = self.fabric.all_reduce(torch.tensor(float(flag), device=self.fabric.device), reduce_op="sum")
        assert isinstance(count, torch.Tensor)
        return bool(count > 0)

    def own(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """This rank's part of a batch: its images, and their places in the batch.

        All parts have the same length, which the gathering needs; if there are too few images, the last places take the
        first images again.
        """
        world, rank = self.fabric.world_size, self.fabric.global_rank
        length = max(-(-len(batch) // world), 2)  # batch normalisation cannot use a single image
        places = np.arange(rank * length, (rank + 1) * length) % len(batch)
        return batch[places], places

    def gather(self, output: NetworkOutput, batch: int) -> NetworkOutput:
        """The outputs of a whole batch of this many images, in its order, from every rank's part; keeps the graph."""
        if self.fabric.world_size == 1:
            return output
        parts = self.fabric.all_gather(list(output), sync_grads=True)
        return NetworkOutput(*(torch.flatten(part, 0, 1)[:batch] for part in parts))
