"""The settings of a training: one model, saved in the run, and the same fields on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

import tyro
from pydantic import BaseModel, ConfigDict, Field, model_validator

from model.console.arguments import read
from model.contract.choices import FOLDS, Average, Backbone, Baseline, Distance, Form, HeadOn, Rule, SecondHinge
from model.contract.photo import FitPolicy


class _Settings(BaseModel):
    # the docstrings of the fields are shown in the window, beside them
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class DataSettings(_Settings):
    """What the training learns from."""

    data: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """KIND:PATH, repeatable: cars196:DIR, coco:FILE.json, folder:DIR (coarse/fine/*.jpg), table:FILE.csv, demo: (drawn
    pictures)."""
    skip_bad: bool = False
    """Pass over missing or unreadable files and bad rows, and count them, instead of stopping."""
    split: Literal["stratified", "class_disjoint"] = "stratified"
    """stratified: by group; every class in train and, with three groups or more, in test. class_disjoint: zero-shot,
    tested on the second half of the fine classes, which the training does not see."""
    fold: int | None = Field(default=None, ge=0, lt=FOLDS)
    """To choose settings without looking at the test photos, which are then left out altogether. class_disjoint: tested
    on this half of the training classes. stratified: on as many of the other photos, each fold with a new draw; the
    test photos are those that the same shares of validation and test hold out without a fold."""
    split_seed: int = Field(default=0, ge=0, lt=1 << 63)
    """Seed of the split; runs that are to be compared need the same one."""
    validation: float = Field(default=0.05, ge=0, lt=0.5)
    """Share of the photos held out to choose and calibrate."""
    test: float = Field(default=0.15, ge=0, lt=0.9)
    """Share of the photos held out for the final figures (stratified split only)."""
    unseen: float = Field(default=0.0, ge=0, lt=0.9)
    """stratified: share of the fine classes that are left out, to measure the answers to photos of unknown classes."""

    @model_validator(mode="after")
    def _leaves_something(self) -> Self:
        if self.split == "class_disjoint":
            if self.unseen:
                raise ValueError("unseen is for the split stratified; class_disjoint leaves classes out by itself")
            return self
        if self.fold is not None and (self.unseen or not self.test):
            raise ValueError("fold needs a share of test photos, and does not go with unseen")
        if self.validation + self.test >= 1:
            raise ValueError(f"validation {self.validation} and test {self.test} leave nothing to train on")
        return self


class NetworkSettings(_Settings):
    """The network."""

    backbone: Backbone | None = None
    """Default: mobilenet_v2; resnet18 for demo: alone."""
    weights: str | None = Field(default=None, min_length=1)
    """Where the backbone starts: imagenet (downloaded by torchvision), none, FILE (.safetensors, .pth), or an earlier
    run's folder or a model file (.onnx) with the same backbone, whose embedding and heads are kept too. Default:
    imagenet; none for demo: alone."""
    embedding_dim: int = Field(default=256, ge=2, le=1 << 16)
    """Length of the embedding."""
    coarse_head_on: HeadOn = HeadOn.FEATURE
    """feature: linear softmax on the pooled feature. embedding: cosine softmax on the embedding."""
    fine_head_on: HeadOn = HeadOn.EMBEDDING
    """As above. On the embedding, classification and distances act on the same vectors."""
    compared_by: Literal["whitened", "trained"] = "whitened"
    """What photos are compared by when the training is over. whitened: the pooled feature, its square root divided by
    the scatter within the classes, which separates classes that the training has not seen. trained: the embedding
    that the distance cost was on."""
    tau: float = Field(default=0.05, gt=0)
    """Temperature of a cosine head."""


class LossSettings(_Settings):
    """What is minimised: lambda_coarse CE_coarse + lambda_fine CE_fine + lambda_distance L_distance."""

    distance: Distance | Baseline = "quadruplet"
    """quadruplet: as the settings below say. log_ratio, plain_ratio: ratios of distances follow those of the labels.
    none: classification alone. The others are baselines, on the fine labels."""
    label_base: float = Field(default=2.0, gt=1)
    """log_ratio, plain_ratio, dense batches: distance of labels, 1 same fine, this same coarse, its square other coarse
    class."""
    label_attributes: tuple[str, ...] = ()
    """The same: continuous attributes (year) whose difference, in interquartile ranges, is added to the distance."""
    unit_length: bool = True
    """log_ratio, plain_ratio: embeddings are brought to unit length before the cost (the model's always are)."""
    rule: Rule = "semi_easy"
    """Selection of the quadruplets."""
    rho: float = Field(default=0.5, ge=0, le=1)
    """semi_easy: P+ is drawn from this nearest share of its candidates (0 = the nearest, 1 = any)."""
    skip_hardest: int = Field(default=0, ge=0)
    """Rules that take the nearest P- or N pass over this many still nearer ones (photos listed under two classes)."""
    form: Form = Form.HINGE
    """How two distances are compared: hinge (their difference), ratio (of their roots)."""
    second_hinge: SecondHinge = SecondHinge.ANCHOR
    """What the coarse hinge compares: plain (R,P- against R,N), triangle (N against R, P+ and P-), anchor (the same
    with R,P+ instead of R,P-)."""
    average: Average = Average.ACTIVE
    """Average of a hinge over its active rows, or over all rows."""
    margin_fine: float = Field(default=0.1, ge=0)
    """How much farther away a photo of a sibling class must be than one of the same class."""
    margin_coarse: float = Field(default=0.1, ge=0)
    """How much farther still a photo of another coarse class must be."""
    lambda_global: float = Field(default=0.0, ge=0)
    """Weight, within the distance cost, of the means and variances of the batch's distances."""
    lambda_coarse: float = Field(default=0.2, ge=0)
    """Weight of the classification by coarse class."""
    lambda_fine: float = Field(default=1.0, ge=0)
    """Weight of the classification by fine class."""
    lambda_distance: float = Field(default=0.5, ge=0)
    """Weight of the distance cost."""
    partial_labels: bool = True
    """A photo without a fine label trains the fine head too: the classes of its type together."""
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    """Share of each label that is spread over the other classes."""
    random_epochs: int = Field(default=1, ge=0)
    """Warm-up of the selection: epochs of random quadruplets before the rule takes over."""


class InputSettings(_Settings):
    """The pictures that the network sees."""

    size: int | None = Field(default=None, ge=16, le=2048)
    """Side of the square that the finished model takes, pixels. Default: 160; 96 for demo: alone."""
    train_size: int | None = Field(default=None, ge=16, le=2048)
    """Side during training; default: like size. Smaller is faster, and random crops make objects look larger anyway."""
    finish_size: int | None = Field(default=None, ge=16, le=2048)
    """Side in the last part of the training; default: like train_size. Small first and large last costs less."""
    finish_share: float = Field(default=0.25, ge=0, le=1)
    """Share of the epochs, at the end, that use finish_size."""
    fit: FitPolicy = FitPolicy.SQUASH
    """squash stretches the whole photo to the square, letterbox keeps its proportions between bars, crop takes the
    middle and loses the rest."""
    crop_scale: float = Field(default=0.5, gt=0, le=1)
    """Smallest share of the picture that a random crop keeps."""
    colour: float = Field(default=0.3, ge=0, le=1)
    """Strength of the colour jitter."""
    augment: Literal["colour", "trivial"] = "colour"
    """Beside crop and mirror image: jitter of the colours, or one random operation of TrivialAugment (Mueller and
    Hutter, ICCV 2021)."""
    exchange: float = Field(default=0.0, ge=0, le=1)
    """Share of pictures whose red and blue are exchanged: for data sets that store some photos that way."""
    erase: float = Field(default=0.1, ge=0, le=1)
    """Share of pictures with a random rectangle erased."""
    mix: Literal["none", "mixup", "cutmix"] = "none"
    """Batches whose pictures are mixed in pairs and train the heads alone: laid over each other (mixup), or with a
    patch of the other one (cutmix)."""
    mix_share: float = Field(default=0.5, gt=0, lt=1)
    """Share of the batches that are mixed."""

    @property
    def sizes(self) -> str:
        """The sides during the training, in words."""
        first, last = self.train_size, self.finish_size
        return str(first) if last in (None, first) else f"{first}, in the last {self.finish_share:.0%} {last}"


class OptimiserSettings(_Settings):
    """How the training runs."""

    epochs: int | None = Field(default=None, ge=1)
    """Passes over the training photos. Default: 16; 24 for demo: alone."""
    batches: Literal["hierarchical", "even", "class_hard", "dense", "random"] = "hierarchical"
    """hierarchical: coarse classes, fine classes of each, photos of each. even: fine classes, each as often as the
    others, and photos of each; photos without a fine class are left out. class_hard: fine classes with their nearest
    sibling and stranger by running class means. dense: a photo with its nearest by label distance, and random others.
    random: photos at random. Each as large as C x F x K."""
    repeat_rare: int = Field(default=0, ge=0)
    """hierarchical: a class with fewer photos is rare; those of a class with n photos come sqrt(this / n) times in an
    epoch. 0: each comes once, however rare."""
    class_momentum: float = Field(default=0.9, ge=0, lt=1)
    """class_hard: share of the old mean that a step keeps."""
    dense_neighbours: int = Field(default=5, ge=1)
    """dense: nearest photos beside the first one of a batch."""
    batch_coarse: int = Field(default=9, ge=1)
    """C: coarse classes in a batch."""
    batch_fine: int = Field(default=6, ge=1)
    """F: fine classes of each coarse class in a batch."""
    batch_images: int = Field(default=2, ge=2)
    """K: photos of each fine class in a batch. Two make a pair; the more there are, the fewer classes a batch has."""
    lr: float = Field(default=6e-4, gt=0)
    """Highest learning rate of the backbone (AdamW, linear warm-up, cosine to zero)."""
    first_lr_factor: float = Field(default=1.0, gt=0, le=1)
    """The first layer of the backbone learns at this share of that rate; from it to the last layer the rate rises in
    equal ratios."""
    head_lr_factor: float = Field(default=3.0, gt=0)
    """The embedding layer and the heads learn this many times faster."""
    proxy_lr_factor: float = Field(default=100.0, gt=0)
    """Proxies and class centres of proxy_nca, proxy_anchor and soft_triple learn this many times as fast."""
    weight_decay: float = Field(default=0.02, ge=0)
    """How strongly AdamW draws the weights to zero."""
    warmup: float = Field(default=0.08, ge=0, lt=1)
    """Share of the steps over which the learning rate rises."""
    clip: float = Field(default=5.0, gt=0)
    """Largest norm of the gradient."""
    ema: float = Field(default=0.998, ge=0, lt=1)
    """Decay of the moving average of the weights; the average is what is evaluated and exported."""

    @model_validator(mode="after")
    def _these_batches_repeat(self) -> Self:
        if self.repeat_rare and self.batches != "hierarchical":
            raise ValueError(f"{self.batches} batches repeat no rare classes; use hierarchical ones, or repeat_rare 0")
        return self

    @model_validator(mode="after")
    def _batch_holds_the_neighbours(self) -> Self:
        size = self.batch_coarse * self.batch_fine * self.batch_images
        if self.batches == "dense" and size < self.dense_neighbours + 2:
            raise ValueError(
                f"batches of {size} photos have no place for a photo, its {self.dense_neighbours} nearest and another "
                "one; make them larger, or dense_neighbours smaller"
            )
        return self


class TeacherSettings(_Settings):
    """Learning from a larger network that was trained on the same photos (model/method/distillation.py)."""

    teacher: str | None = Field(default=None, min_length=1)
    """Folder of the finished run that teaches; none by default."""
    teacher_answers: float = Field(default=1.0, ge=0)
    """Weight of the difference from the teacher's answers."""
    teacher_embedding: float = Field(default=2.0, ge=0)
    """Weight of the difference from the teacher's embedding."""
    teacher_temperature: float = Field(default=2.0, gt=0)
    """Softens the answers that are compared."""


class MachineSettings(_Settings):
    """The computer."""

    seed: int = Field(default=0, ge=0, lt=1 << 63)
    """Seed of the heads' starting weights, of the order of the photos and of their augmentation."""
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """auto takes an NVIDIA graphics card if torch can use one."""
    precision: Literal["auto", "bf16-mixed", "32-true"] = "auto"
    """bf16-mixed is two to four times as fast if the processor or graphics card computes in it, and many times slower
    if not; auto takes it if so."""
    workers: int = Field(default=4, ge=1, le=1024)
    """Threads that decode photos."""
    cache_gb: float = Field(default=6.0, ge=0)
    """Photos are kept decoded in memory if they fit into this; otherwise they are decoded again in every epoch."""
    checkpoint_minutes: float = Field(default=5.0, ge=0)
    """A checkpoint is written after every epoch, and in mid-epoch this often."""


class Config(_Settings):
    """All settings of a run."""

    data: DataSettings = DataSettings()
    network: NetworkSettings = NetworkSettings()
    loss: LossSettings = LossSettings()
    input: InputSettings = InputSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    teacher: TeacherSettings = TeacherSettings()
    machine: MachineSettings = MachineSettings()

    def resolved(self) -> Self:
        """The same settings with every default that depends on others filled in, as a run saves them."""
        demo = bool(self.data.data) and all(spec.startswith("demo:") for spec in self.data.data)
        network, optimiser, teacher = self.network, self.optimiser, self.teacher.teacher
        size = self.input.size or (96 if demo else 160)
        train_size = self.input.train_size or size
        return self.model_copy(
            update={
                "network": network.model_copy(
                    update={
                        "backbone": network.backbone or ("resnet18" if demo else "mobilenet_v2"),
                        "weights": _absolute(network.weights or ("none" if demo else "imagenet")),
                    }
                ),
                "input": self.input.model_copy(
                    update={"size": size, "train_size": train_size, "finish_size": self.input.finish_size or train_size}
                ),
                "teacher": self.teacher.model_copy(
                    update={"teacher": None if teacher is None else str(Path(teacher).absolute())}
                ),
                "optimiser": optimiser.model_copy(update={"epochs": optimiser.epochs or (24 if demo else 16)}),
            }
        )


def _absolute(weights: str) -> str:
    """A run may be resumed from another working folder."""
    return weights if weights in ("imagenet", "none") else str(Path(weights).absolute())


class Command(_Settings):
    """Train an identification model; or continue a run that was stopped."""

    out: Path | None = None
    """Folder of the new run; must not exist yet, or be empty."""
    resume: Path | None = None
    """Continue this run, with its own settings."""
    config: tyro.conf.OmitArgPrefixes[Config] = Config()

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if self.resume is not None:
            if self.out is not None or self.config != Config():
                raise ValueError("--resume continues a run with its own settings: give no other option")
        elif self.out is None or not self.config.data.data:
            raise ValueError("give --data KIND:PATH (once or more) and --out RUN, or --resume RUN")
        return self


def parse(arguments: Sequence[str] | None = None) -> Command:
    """The command line as settings; ends the program with a message where it is wrong."""
    return read(Command, "model.train", arguments, config=(tyro.conf.EnumChoicesFromValues,))
