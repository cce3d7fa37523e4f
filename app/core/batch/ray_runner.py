"""Decoding and identifying on Ray: on this computer, or on all machines of a cluster (`pip install "marque[ray]"`).

batches of paths -> tasks that decode, on all processors -> actors that hold an Engine and a Gallery -> answers, in the
order of the paths. The model, the gallery and the photos must be at the same places on every machine (a network
drive), and the same version of this program must be installed there.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from app.core.batch.batch_runner import LocalRunner, Processor
from app.core.gallery.gallery import GalleryError
from app.core.gallery.references import Place, open_references
from app.core.project.records import Outcome, ProjectImage
from app.core.recognition.engine import BATCH, Device, Engine, EngineError, Precision
from app.core.recognition.identifier import Identification, Identifier
from app.core.recognition.images import PhotoError, load
from app.core.system.content_digest import content_digest
from model.contract.bundle import BundleError, BundleInfo, Preprocessing, read_info
from model.contract.photo import fit
from model.system.errors import MarqueError
from model.system.privacy import TELEMETRY_OFF

_BATCHES_A_TASK = 4
_ACTOR_SHARE = 0.5
"""Processors that Ray counts for an actor: not the same as for a task, or Ray would decode in the actors too."""
_PATIENCE = 5.0  # seconds within which a cluster's head must answer
_ALONE = {
    # otherwise it would listen at the address by which other computers reach this one
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # and one of its processes would ask the network whether this is a cloud, with statistics turned off too; a proxy at
    # which nobody listens takes these questions, whatever the user's own proxy settings exempt
    "http_proxy": "http://127.0.0.1:9",
    "no_proxy": "",
    "NO_PROXY": "",
}
"""Environment for Ray on this computer alone; Ray reads it when it is loaded, and its processes inherit it."""
_OURS = (BundleError, EngineError, GalleryError)


class DistributedError(MarqueError):
    """Ray is missing, cannot be reached or failed; the message says which and what to do."""


@dataclass(frozen=True)
class Setup:
    """What every actor loads; the paths are absolute. gallery: None without reference photos."""

    model: Path
    gallery: Place | None
    device: Device
    precision: Precision


class RayRunner:
    """A `BatchRunner` on Ray. Use as a context; the actors end with each call, Ray with the context.

    Attributes:
        info: of the identification model.
        note: as in BatchRunner; from the first machine whose GPU failed.
        page, scan_first: as in BatchRunner. Every page starts the actors again, so it is large.
    """

    page = 100_000
    scan_first = True

    def __init__(self, setup: Setup, *, batch: int = BATCH, address: str | None = None) -> None:
        """Check model and gallery, then start Ray here or join a cluster.

        Args:
            setup: what the actors load.
            batch: photos per inference.
            address: of a cluster's head, `HOST:PORT`; None starts Ray on this computer alone.

        Raises:
            BundleError, GalleryError: if model or gallery cannot be used.
            DistributedError: if Ray is not installed, or there is no cluster at the address.
        """
        self.info: BundleInfo = read_info(setup.model)
        self.note = ""
        if setup.gallery is not None:
            open_references(setup.gallery, self.info.fingerprint, self.info.embedding_dim, write=False).close()
        self._setup, self._batch = setup, batch
        self._ray = _started(address)
        self._processors: set[Processor] = set()
        resources = self._ray.cluster_resources()
        gpus = 0 if setup.device == "cpu" else int(resources.get("GPU", 0))
        # an engine takes all processors of its machine, or one GPU
        self._gpu, self._actors = bool(gpus), gpus or sum(node["Alive"] for node in self._ray.nodes())

    @property
    def provider(self) -> Processor:
        """Where the actors run, and why there."""
        names = sorted({name for name, _ in self._processors})
        reasons = sorted({reason for _, reason in self._processors})
        return Processor(" and ".join(names) or "Ray", "; ".join([f"{self._actors} on Ray", *reasons]))

    def identify(self, paths: Sequence[Path], cancelled: Callable[[], bool]) -> Iterator[list[Identification]]:
        """See BatchRunner. Also raises DistributedError."""
        for answers in self._answers(paths, cancelled, digest=False):
            yield [answer.identification(paths[answer.number]) for answer in answers]

    def outcomes(self, images: Sequence[ProjectImage], cancelled: Callable[[], bool]) -> Iterator[list[Outcome]]:
        """See BatchRunner. Also raises DistributedError."""
        for answers in self._answers([image.path for image in images], cancelled, digest=True):
            yield [answer.outcome(images[answer.number].id) for answer in answers]

    def close(self) -> None:
        """End Ray on this computer, or leave the cluster."""
        self._ray.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answers(
        self, paths: Sequence[Path], cancelled: Callable[[], bool], *, digest: bool
    ) -> Iterator[list[_Answer]]:
        if not paths:
            return
        try:
            for row in self._data(paths, digest).iter_rows():
                if cancelled():
                    return
                answers: list[_Answer] = pickle.loads(row["answers"])
                self._processors.update(answer.processor for answer in answers)
                self.note = self.note or answers[0].note  # a batch has one
                yield answers
        except self._ray.exceptions.RayError as error:
            ours = _cause(error)
            if ours is not None:
                raise EngineError(f"on Ray: {ours}") from error
            raise DistributedError(f"Ray failed: {_last_line(error)}") from error

    def _data(self, paths: Sequence[Path], digest: bool) -> Any:
        """The dataset of answers; nothing runs before it is read.

        A row is a batch, the same as in this process: the network's output depends a little on the other photos of a
        batch.
        """
        names = [(number, os.fsencode(path.absolute())) for number, path in enumerate(paths)]
        rows = [
            {"photos": pickle.dumps(names[start : start + self._batch])} for start in range(0, len(names), self._batch)
        ]
        ray_data = self._ray.data
        return (
            ray_data.from_items(rows, override_num_blocks=-(-len(rows) // _BATCHES_A_TASK))
            .map(decode, fn_kwargs={"preprocessing": self.info.preprocessing, "digest": digest}, num_cpus=1)
            .map(
                IdentifierActor,
                fn_constructor_args=[self._setup],
                compute=ray_data.ActorPoolStrategy(size=self._actors),
                num_cpus=_ACTOR_SHARE,
                num_gpus=1 if self._gpu else None,
            )
        )


@dataclass(frozen=True)
class _Decoded:
    """A photo as the network takes it, uint8 [S, S, 3], or why it cannot be read; digest of its content or None."""

    number: int
    pixels: np.ndarray | None = None
    digest: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class _Answer:
    """The answer of an actor for one photo. processor: where it ran, and why there; note: that of its runner."""

    number: int
    found: Identification
    digest: str | None
    processor: Processor
    note: str

    def identification(self, path: Path) -> Identification:
        """The identification with the path as it was given."""
        return replace(self.found, path=path)

    def outcome(self, image: int) -> Outcome:
        """The outcome for a project."""
        return Outcome(image, self.digest, self.found.evidence, self.found.embedding, self.found.error)


def decode(row: dict[str, bytes], preprocessing: Preprocessing, digest: bool) -> dict[str, bytes]:
    """Decode one batch; runs in Ray's tasks.

    Args:
        row: `photos`: pickled numbers and paths as bytes.
        preprocessing: of the model.
        digest: whether to compute the digests of the files.

    Returns:
        `decoded`: a pickled _Decoded for each.
    """

    def decoded(number: int, path: Path) -> _Decoded:
        try:
            pixels = fit(load(path), preprocessing.size, preprocessing.fit)
            return _Decoded(number, pixels, content_digest(path) if digest else None)
        except PhotoError as error:
            return _Decoded(number, error=error.reason)
        except OSError as error:  # the file went away between the two reads
            return _Decoded(number, error=f"the file cannot be read ({error.strerror})")

    photos: list[tuple[int, bytes]] = pickle.loads(row["photos"])
    return {"decoded": pickle.dumps([decoded(number, Path(os.fsdecode(name))) for number, name in photos])}


class IdentifierActor:
    """Identifies what `decode` made; lives in one of Ray's processes."""

    def __init__(self, setup: Setup) -> None:
        engine = Engine(setup.model, setup.device, setup.precision)
        gallery = None
        if setup.gallery is not None:
            info = engine.info
            gallery = open_references(setup.gallery, info.fingerprint, info.embedding_dim, write=False)
        self._runner = LocalRunner(Identifier(engine, gallery))

    def __call__(self, row: dict[str, bytes]) -> dict[str, bytes]:
        """`answers`: a pickled _Answer for each photo of the batch."""
        photos: list[_Decoded] = pickle.loads(row["decoded"])
        good = [photo.pixels for photo in photos if photo.pixels is not None]
        found = iter(self._runner.identifier.identify_steadily(np.stack(good)) if good else ())
        answers = [
            _Answer(
                photo.number,
                next(found) if photo.error is None else Identification(None, error=photo.error),
                photo.digest,
                self._runner.provider,
                self._runner.note,
            )
            for photo in photos
        ]
        return {"answers": pickle.dumps(answers)}


def _started(address: str | None) -> Any:
    """Ray's module, connected, and as quiet as it can be."""
    if address is None:
        os.environ.update(_ALONE)
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise DistributedError(f'Ray is not installed ({error}): pip install "marque[ray]"') from error
    if address is not None:
        _must_answer(address)
    logging.getLogger("ray").setLevel(logging.ERROR)
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    try:
        ray.init(
            address=address or "local",
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            runtime_env={"env_vars": TELEMETRY_OFF},
        )
    except (OSError, RuntimeError, ValueError) as error:  # OSError also if the temporary folder's path is long
        first: BaseException = error
        while (before := first.__cause__ or first.__context__) is not None:
            first = before  # a cluster that asks for a token says so behind a plain "failed to connect"
        place = f"the Ray cluster at {address} cannot be used" if address else "Ray cannot be started"
        raise DistributedError(f"{place} ({_last_line(first)})") from error
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    return ray


def _must_answer(address: str) -> None:
    """Raises DistributedError if nothing listens there; Ray itself would try for ten minutes."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal()):
        raise DistributedError(f"'{address}' is not the address of a Ray cluster: HOST:PORT, as in head.example:6379")
    try:
        socket.create_connection((host, int(port)), _PATIENCE).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DistributedError(f"no Ray cluster at {address} ({reason}); on its head: ray start --head") from error


def _cause(error: BaseException | None) -> BaseException | None:
    """The error of this program behind one of Ray's, or None."""
    while error is not None:
        cause = getattr(error, "cause", None)
        if type(cause) in _OURS:
            return cause
        error = cause or error.__cause__
    return None


def _last_line(error: BaseException) -> str:
    """The line of a traceback that says what happened."""
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__
