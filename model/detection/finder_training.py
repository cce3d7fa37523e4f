"""The training loop of the finder. Resumed, it continues at the same step with the same pictures."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from torch import nn
from torch.optim.swa_utils import AveragedModel

from model.console import console
from model.contract.events import EventWriter, rewind
from model.detection.assignment import Wanted, cost
from model.detection.finder_batches import FinderPictures, batches
from model.detection.finder_network import FinderNetwork, places
from model.detection.finder_run import FinderRun, FinderSettings
from model.training.distributed import choose_accelerator, choose_precision
from model.training.optimiser import average_weights, set_learning_rates
from model.training.run_folder import RunError

_SAVED_EVERY = 300.0
"""Seconds between checkpoints."""
_CLIP = 10.0
_BACKBONE_SHARE = 0.3
"""Learning rate of the backbone, which knows something already, as a share of the others'."""


class FinderTrainer:
    """Trains one finder; its whole state is in the run's checkpoint."""

    def __init__(self, run: FinderRun, settings: FinderSettings, pictures: FinderPictures) -> None:
        self._run, self._settings, self._pictures = run, settings, pictures
        self.device = torch.device(choose_accelerator("auto"))
        self._halved = choose_precision("auto", self.device.type) == "bf16-mixed"
        torch.manual_seed(settings.seed)
        network = FinderNetwork(settings.channels, settings.depth)
        self.network = network.to(self.device).to(memory_format=torch.channels_last)
        self.average: AveragedModel = average_weights(self.network, settings.ema).to(self.device)
        self._optimiser = _optimiser(self.network, settings)
        self._middles = places(settings.size)
        self.step = 0
        self.steps_an_epoch = max(1, settings.pictures // settings.batch)
        self.steps = settings.epochs * self.steps_an_epoch

    def start_from(self, weights: str) -> None:
        """Fill the backbone before the first step. Raises WeightsError."""
        self.network.start_from(weights)
        self.average.module.load_state_dict(self.network.state_dict())

    def save(self) -> None:
        """Write the checkpoint."""
        self._run.save_checkpoint(
            {
                "step": self.step,
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimiser": self._optimiser.state_dict(),
            }
        )

    def load(self, state: dict[str, Any]) -> None:
        """Continue from a checkpoint. Raises RunError if it does not fit the settings."""
        try:
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self._optimiser.load_state_dict(state["optimiser"])
            self.step = state["step"]
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            raise self._run.damaged_checkpoint(error) from error

    def fit(self, events: EventWriter, stopped: Callable[[], bool]) -> bool:
        """Train to the end, or until `stopped()`; True when finished. The checkpoint is written either way."""
        settings = self._settings
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        saved = time.monotonic()
        left = range(self.step, self.steps)
        self.network.train()
        with console.progress(*columns, TextColumn("{task.fields[figures]}")) as progress:
            bar = progress.add_task("training", total=self.steps, completed=self.step, figures="")
            for images, wanted in batches(self._pictures, settings.seed, left, settings.batch, settings.workers):
                if stopped():
                    break
                start = time.monotonic()
                figures = self._learn(images, wanted)
                self.step += 1
                epoch = (self.step - 1) // self.steps_an_epoch
                events.write("step", self.step, epoch=epoch, step_ms=1000 * (time.monotonic() - start), **figures)
                progress.update(bar, advance=1, figures=f"loss {figures['loss']:.3f}")
                if time.monotonic() - saved > _SAVED_EVERY:
                    self.save()
                    saved = time.monotonic()
        self.save()
        return self.step >= self.steps

    def _learn(self, images: torch.Tensor, wanted: list[Wanted]) -> dict[str, float]:
        """One step; raises RunError if the cost is no longer a number."""
        set_learning_rates(self._optimiser, self.step / self.steps, self._settings.warmup)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._halved):
            found = self.network(images.to(self.device))
        # on the CPU: boxes are dealt picture by picture, in small steps
        loss, figures = cost(type(found)(*(one.cpu() for one in found)), self._middles, wanted)
        if not math.isfinite(figures["loss"]):
            raise RunError(f"the cost is no longer a number at step {self.step + 1}; start again with a smaller --lr")
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), _CLIP)
        self._optimiser.step()
        self.average.update_parameters(self.network)
        return {**figures, "lr": self._optimiser.param_groups[-1]["lr"]}


def _optimiser(network: FinderNetwork, settings: FinderSettings) -> torch.optim.AdamW:
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        groups.setdefault((name.startswith("features."), parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "weight_decay": settings.weight_decay if decays else 0.0,
                "height": settings.lr * (_BACKBONE_SHARE if known else 1.0),
            }
            for (known, decays), parameters in groups.items()
        ],
        lr=settings.lr,
    )


def train_finder(run: FinderRun, pictures: FinderPictures, stopped: Callable[[], bool]) -> bool:
    """Train from the beginning or the last checkpoint; True when finished, False when stopped.

    Raises:
        RunError, WeightsError, PhotoError: with a message for the user.
    """
    settings = run.settings()
    trainer = FinderTrainer(run, settings, pictures)
    if run.checkpoint.is_file():
        trainer.load(run.load_checkpoint())
        console.note(f"continuing at step {trainer.step:,} of {trainer.steps:,}")
    else:
        trainer.start_from(settings.weights)
    rewind(run.events, trainer.step, trainer.step // trainer.steps_an_epoch)
    with EventWriter(run.events) as events:
        events.write(
            "start", trainer.step, device=str(trainer.device), epochs=settings.epochs, batches=trainer.steps_an_epoch
        )
        return trainer.fit(events, stopped)
