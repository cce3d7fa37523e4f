"""The training loop: it takes batches, and writes a checkpoint and a line of events after every stretch.

All randomness of a step (augmentation, dropout, selection) is seeded from the run's seed and the step's number, and the
batches of an epoch from the seed and the epoch's number. A resumed run therefore needs no generator states: it
continues at the same step with the same draws and ends with the same weights as an unbroken one (on one CPU).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from model.batching.batch_choice import build_sampler
from model.batching.mixing import Mixture
from model.batching.pipeline import Augmentation, PictureStore
from model.console import console
from model.contract.config import Config
from model.contract.events import EventWriter
from model.contract.taxonomy import Taxonomy
from model.data.labels import EncodedLabels, attribute_scales, encode, group_numbers, taxonomy_of
from model.method.distillation import Lesson, distillation
from model.method.network import HeadOn, Network, NetworkOutput
from model.method.objective import Objective, collapse_signs
from model.metrics.classification import accuracy, mean_of
from model.metrics.retrieval import recall_1
from model.training.distributed import Ranks
from model.training.model_file_weights import is_model_file, settle
from model.training.optimiser import average_weights, build_optimiser, set_learning_rates
from model.training.run_folder import RunError, RunFolder
from model.training.starting_weights import start_network

_SETTLING = 512
"""Photos that the normalisations of a model file are settled by."""


def build_network(config: Config, taxonomy: Taxonomy) -> Network:
    """The network of a run, untrained."""
    settings = config.network
    assert settings.backbone is not None
    return Network(
        settings.backbone,
        len(taxonomy.coarse),
        len(taxonomy.fine),
        **head_settings(config),
    )


def head_settings(config: Config) -> dict[str, Any]:
    """The arguments of `Heads` by the settings."""
    settings = config.network
    return {
        "embedding_dim": settings.embedding_dim,
        "coarse_head_on": HeadOn(settings.coarse_head_on),
        "fine_head_on": HeadOn(settings.fine_head_on),
        "tau": settings.tau,
    }


def _augmentation(config: Config, size: int) -> Augmentation:
    """The augmentation of training photos of this size."""
    settings = config.input
    return Augmentation(
        size,
        crop_scale=settings.crop_scale,
        colour=settings.colour,
        trivial=settings.augment == "trivial",
        exchange=settings.exchange,
        erase=settings.erase,
    )


class Trainer:
    """Trains one network on one set of pictures; its whole state is in the run's checkpoint."""

    def __init__(
        self,
        run: RunFolder,
        config: Config,
        taxonomy: Taxonomy,
        pictures: PictureStore,
        labels: EncodedLabels,
        validation: tuple[PictureStore, EncodedLabels],
        ranks: Ranks,
        lesson: Lesson | None = None,
    ) -> None:
        """A trainer before its first step.

        Args:
            pictures, labels: the training photos.
            validation: pictures and labels on which to watch the progress.
            lesson: a teacher's answers to the training photos.
        """
        assert config.optimiser.epochs is not None and config.input.train_size is not None
        self.run, self.config, self._taxonomy = run, config, taxonomy
        self.epochs = config.optimiser.epochs
        self._pictures, self._labels, self._validation = pictures, labels, validation
        self._ranks, self._fabric = ranks, ranks.fabric
        self.device = self._fabric.device
        if self.device.type == "cpu":
            torch.use_deterministic_algorithms(True)
            # a help for debugging, which costs 5 % of the time
            torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        scales = attribute_scales(labels, config.loss.label_attributes)
        self._sampler = build_sampler(labels, len(taxonomy.fine), scales, config)
        self._augment = _augmentation(config, config.input.train_size)
        self._augment_last = _augmentation(config, config.input.finish_size or config.input.train_size)
        self._lesson = lesson
        torch.manual_seed(config.machine.seed)
        network = build_network(config, taxonomy)
        if self._fabric.world_size > 1 and self.device.type == "cuda":  # torch has it only for CUDA
            network = torch.nn.SyncBatchNorm.convert_sync_batchnorm(network)
        # after the network, whose first weights are then the same for every cost
        self._objective = Objective(config.loss, taxonomy.parents, config.network.embedding_dim, scales).to(self.device)
        self.average = average_weights(network, config.optimiser.ema).to(self.device)
        self._network, self._optimiser = self._fabric.setup(
            network.to(memory_format=torch.channels_last), build_optimiser(network, self._objective, config)
        )
        self._plain = network
        self.step = self.epoch = self._batch = 0
        self._sums: dict[str, list[float]] = {}

    @property
    def batches(self) -> int:
        """Steps of the current epoch; the others have about as many."""
        return len(self._sampler.batches(self.epoch))

    # ---- state

    def start_from(self, weights: str) -> None:
        """Fill the network before the first step; raises the same as `start_network`."""
        assert self.config.network.backbone is not None
        start_network(self._plain, self.config.network.backbone, self._taxonomy, weights)
        if is_model_file(weights):
            settle(self._plain, self._some_pictures())
        self.average.module.load_state_dict(self._plain.state_dict())

    def _some_pictures(self) -> Iterator[Tensor]:
        """Some of the training photos, evenly, as the first steps will see them."""
        rows = np.unique(np.linspace(0, len(self._pictures) - 1, _SETTLING).astype(int))
        groups = np.array_split(rows, math.ceil(len(rows) / 64))
        for group, pictures in zip(groups, self._pictures.batches(groups), strict=True):
            seeds = [step_seed(self.config.machine.seed, int(row)) for row in group]
            yield self._augment(pictures.to(self.device), seeds)

    def save(self) -> None:
        """Write the checkpoint, on the first rank."""
        if not self._ranks.is_first:
            return
        state = {
            "step": self.step,
            "epoch": self.epoch,
            "batch": self._batch,
            "sums": self._sums,
            "network": self._plain.state_dict(),
            "average": self.average.state_dict(),
            "objective": self._objective.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "sampler": {name: torch.from_numpy(array) for name, array in self._sampler.state().items()},
        }
        self.run.save_checkpoint(state)

    def load(self, state: dict[str, Any]) -> None:
        """Continue from a checkpoint. Raises RunError if it does not fit the run's settings."""
        try:
            self._take(state)
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise self.run.damaged_checkpoint(error) from error

    def _take(self, state: dict[str, Any]) -> None:
        self._plain.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        # checkpoints from before the baselines have no such entry, as their costs had no parameters
        self._objective.load_state_dict(state.get("objective", {}))
        self._optimiser.load_state_dict(state["optimiser"])
        self._sampler.load({name: tensor.numpy() for name, tensor in state.get("sampler", {}).items()})
        self.step, self.epoch, self._batch, self._sums = state["step"], state["epoch"], state["batch"], state["sums"]

    # ---- loop

    def fit(self, events: EventWriter, stopped: Callable[[], bool]) -> bool:
        """Train to the last epoch, or until `stopped()`; True when finished. The checkpoint is written either way."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        figures = TextColumn("{task.fields[figures]}")
        with console.progress(*columns, figures, shown=self._ranks.is_first) as progress:
            while self.epoch < self.epochs:
                if not self._train_epoch(events, stopped, progress):
                    self.save()
                    events.write("stopped", self.step, epoch=self.epoch)
                    return False
                self._end_epoch(events, progress)
        return True

    def _train_epoch(self, events: EventWriter, stopped: Callable[[], bool], progress: Progress) -> bool:
        batches = self._sampler.batches(self.epoch)
        bar = progress.add_task(
            f"epoch {self.epoch + 1}/{self.epochs}", total=len(batches), completed=self._batch, figures=""
        )
        saved = start = time.monotonic()
        self._network.train()
        left = batches[self._batch :]
        for rows, pictures in zip(left, self._pictures.batches(self._ranks.own(rows)[0] for rows in left), strict=True):
            if self._ranks.any(stopped()):
                return False
            share = (self.epoch + self._batch / len(batches)) / self.epochs
            figures = self._train_step(pictures, rows, share)
            now = time.monotonic()
            figures["images_per_second"] = len(rows) / (now - start)
            figures["step_ms"] = 1000 * (now - start)
            start = now
            self._batch += 1
            self.step += 1
            for name, value in figures.items():
                self._sums.setdefault(name, []).append(value)
            events.write("step", self.step, epoch=self.epoch, **figures)
            progress.update(
                bar, advance=1, figures=f"loss {figures['loss']:.3f}  {figures['images_per_second']:.0f} images/s"
            )
            if time.monotonic() - saved > self.config.machine.checkpoint_minutes * 60:
                self.save()
                saved = time.monotonic()
        return True

    def _train_step(self, pictures: Tensor, rows: np.ndarray, share: float) -> dict[str, float]:
        """Args: pictures: this rank's part of the batch; rows: the whole batch."""
        seed = step_seed(self.config.machine.seed, self.step)
        settings = self.config.optimiser
        set_learning_rates(self._optimiser, share, settings.warmup)
        seeds = [step_seed(seed, int(place)) for place in self._ranks.own(rows)[1]]
        augment = self._augment if share < 1 - self.config.input.finish_share else self._augment_last
        images = augment(pictures.to(self.device, non_blocking=True), seeds)
        mixture = self._mixture(len(images), seed)
        torch.manual_seed(step_seed(seed, self._fabric.global_rank))
        mixed = images if mixture is None else mixture.of(images)
        output = self._ranks.gather(self._network(mixed), len(rows))
        loss, figures = self._cost(output, rows, mixture, seed)
        self._optimiser.zero_grad(set_to_none=True)
        self._fabric.backward(loss)
        if not math.isfinite(figures["loss"]):
            raise RunError(
                f"the cost is no longer a number at step {self.step + 1}: the training diverged; start it again with a "
                f"smaller --lr (now {settings.lr:g})"
            )
        self._fabric.clip_gradients(self._network, self._optimiser, max_norm=settings.clip, error_if_nonfinite=False)
        self._optimiser.step()
        if mixture is None:
            self._sampler.learn(output.embedding.detach().float().cpu().numpy(), self._labels.at(rows).fine)
        self.average.update_parameters(self._plain)
        return {**figures, "lr": self._optimiser.param_groups[0]["lr"]}

    def _mixture(self, count: int, seed: int) -> Mixture | None:
        """The mixture of this step's pictures; the same on every rank."""
        settings, random = self.config.input, np.random.default_rng(seed)
        if settings.mix == "none" or random.random() >= settings.mix_share:
            return None
        return Mixture.draw(settings.mix, count, random)

    def _cost(
        self, output: NetworkOutput, rows: np.ndarray, mixture: Mixture | None, seed: int
    ) -> tuple[Tensor, dict[str, float]]:
        """The cost of a batch and its figures; for mixed pictures without distances and teacher."""
        labels = self._labels.at(rows)
        if mixture is not None:
            others = labels.at(mixture.partners_in(len(rows)))
            return self._objective.of_mixture(output, labels, others, mixture.share)
        generator = torch.Generator().manual_seed(seed)
        loss, figures = self._objective(output, labels, epoch=self.epoch, generator=generator)
        if self._lesson is None:
            return loss, figures
        taught, parts = self._learn(output, self._lesson.at(rows))
        return loss + taught, {**figures, **parts}

    def _learn(self, output: NetworkOutput, lesson: Lesson) -> tuple[Tensor, dict[str, float]]:
        """The cost of the differences from the teacher, and its parts."""
        settings = self.config.teacher
        answers, embedding = distillation(
            output, Lesson(*(column.to(self.device) for column in lesson)), settings.teacher_temperature
        )
        figures = {"teacher_answers": float(answers.detach()), "teacher_embedding": float(embedding.detach())}
        return settings.teacher_answers * answers + settings.teacher_embedding * embedding, figures

    def _end_epoch(self, events: EventWriter, progress: Progress) -> None:
        means = {name: mean_of(values) for name, values in self._sums.items()}
        for sign in collapse_signs(means) if "spread" in means else ():  # every batch may have been mixed by chance
            events.write("warning", self.step, epoch=self.epoch, message=sign)
            if self._ranks.is_first:
                progress.console.print(f"warning: {sign}", style="yellow")
        empty = sum(value == 0 for value in self._sums.get("valid", ()))
        if empty:
            events.write("warning", self.step, epoch=self.epoch, message=f"{empty} batches without any quadruplet")
        pictures, labels = self._validation
        watched = len(pictures) and self._ranks.is_first
        figures = watch(self.average.module, pictures, labels, self.device, self._fabric.autocast) if watched else {}
        events.write("epoch", self.step, epoch=self.epoch, **means, **figures)
        if self._ranks.is_first:
            shown = "  ".join(f"{name} {value:.3f}" for name, value in figures.items())
            progress.console.print(f"epoch {self.epoch + 1}: loss {means['loss']:.3f}  {shown}")
        self._sampler.end_epoch()
        self.epoch, self._batch, self._sums = self.epoch + 1, 0, {}
        self.save()


def infer(
    network: nn.Module,
    pictures: PictureStore,
    device: torch.device,
    *,
    batch: int = 64,
    autocast: Callable = nullcontext,
) -> NetworkOutput:
    """Outputs of `network` for all pictures, float32 on the CPU."""
    network.eval()
    with torch.inference_mode(), autocast():
        parts = [[column.float().cpu() for column in network(images.to(device))] for images in pictures.in_order(batch)]
    return NetworkOutput(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


def watch(
    network: nn.Module, pictures: PictureStore, labels: EncodedLabels, device: torch.device, autocast: Callable
) -> dict[str, float]:
    """The few figures to follow during a training. Args: labels: in the heads' order."""
    output = infer(network, pictures, device, autocast=autocast)
    coarse, fine = torch.from_numpy(labels.coarse), torch.from_numpy(labels.fine)
    own = encode(pictures.samples, taxonomy_of(pictures.samples))  # the heads may not know the classes
    groups = torch.from_numpy(group_numbers(pictures.samples))
    return {
        "val_coarse": accuracy(output.coarse_logits, coarse),
        "val_fine": accuracy(output.fine_logits, fine),
        "val_recall_1": recall_1(output.embedding, torch.from_numpy(own.fine), groups),
    }


def step_seed(seed: int, step: int) -> int:
    """The seed of everything random in a step of a run."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> np.uint64(1))
