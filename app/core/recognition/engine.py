"""The identification model in onnxruntime: its answers, which processor it really runs on, and why."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

# onnxruntime is loaded here, and `app.cli` imports this module before anything of Qt: in the other order its libraries
# fail to initialise on Windows.
import onnx
from PIL import Image
from threadpoolctl import threadpool_limits

from app.core.recognition import cuda
from app.core.system import paths
from model.contract.bundle import (
    EVIDENCE,
    INPUT,
    LIKENESS,
    OUTPUTS,
    BundleError,
    BundleInfo,
    Variant,
    beside,
    giving,
    read,
    read_info,
)
from model.contract.graph_size import must_fit
from model.contract.openset import energy
from model.contract.photo import fit, placed
from model.system.errors import MarqueError
from model.system.onnx_runtime import FAULTS, onnxruntime

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "fp32", "fp16", "int8"]
_Provider = str | tuple[str, dict[str, str]]

BATCH = 8
"""Photos in a batch if there are many. More do not fit the caches of a CPU: with a DenseNet-169 in 8 bits two cores
identified 160 photos/s with 8, 152 with 16, 144 with 32, 148 with 4; with a GPU decoding takes the time."""

_CPU_ASKED_FOR = "the CPU was asked for"

_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"

# onnxruntime writes its own errors on stderr; the causes that matter are found and worded below.
onnxruntime.set_default_logger_severity(4)


class EngineError(MarqueError):
    """The identification model cannot be run; the message says why and what to do."""


@dataclass(frozen=True)
class ProviderReport:
    """Where the model really runs.

    Attributes:
        used: "CUDA" or "CPU", as found after a first inference. variant: the one of the model that runs.
        available: what this build of onnxruntime offers, in its own names.
        reason: one plain sentence on why this one.
    """

    used: str
    variant: Variant
    available: tuple[str, ...]
    reason: str

    @property
    def name(self) -> str:
        """Processor and variant in short: "CPU", "CPU int8"."""
        return self.used if self.variant is Variant.FP32 else f"{self.used} {self.variant}"


@dataclass(frozen=True)
class EngineOutputs:
    """The network's outputs for N photos.

    Attributes:
        coarse_logits: float32 [N, n_coarse].
        fine_logits: float32 [N, n_fine]; no columns if the model knows no fine classes.
        embeddings: float32 [N, d], unit length.
        likeness: float32 [N], to what the network was trained on; see `model.contract.bundle.LIKENESS`.
    """

    coarse_logits: np.ndarray
    fine_logits: np.ndarray
    embeddings: np.ndarray
    likeness: np.ndarray


class _Opened(NamedTuple):
    """What runs, and where.

    file: the file that it was read from. graph: all of it, also the maps of evidence, which the running session leaves
    out. note: why it is not the variant made for the device, or "".
    """

    session: onnxruntime.InferenceSession
    file: Path
    graph: onnx.ModelProto
    providers: list[_Provider]
    variant: Variant
    note: str = ""


class Engine:
    """A loaded and warmed-up identification model. One inference runs at a time; other threads wait.

    Attributes:
        path: the model file that was asked for; a variant beside it may be what runs (`provider.variant`).
        info: its metadata.
        precision: the one that was asked for; `provider.variant` is what runs.
        provider: where it runs and why.
    """

    def __init__(self, path: Path, device: Device = "auto", precision: Precision = "auto") -> None:
        """Load the model and run it once.

        Args:
            path: the identification model file.
            device: "auto" takes the GPU if it works and the CPU otherwise; "cuda" insists on the GPU.
            precision: "auto" takes the variant beside the file that is made for the device, if there is one that works;
                a file that is a variant itself runs as it is.

        Raises:
            model.contract.bundle.BundleError: if the file, or the variant that was asked for, is not a usable
            identification model;
                if the file is a variant and another precision was asked for.
            EngineError: if it cannot be run, or "cuda" was asked for and the GPU cannot be used.
        """
        self.path = path
        self.info: BundleInfo = read_info(path)
        self.precision: Precision = precision
        self._must_have_precision()
        self._lock = threading.Lock()
        # matrix products with the gallery are small; threads of the linear algebra that wait for the next one by
        # spinning take the processors from the inference (measured: 16 photos 53 ms with them, 32 ms without)
        threadpool_limits(limits=1, user_api="blas")
        available = tuple(onnxruntime.get_available_providers())
        opened, reason = (None, _CPU_ASKED_FOR) if device == "cpu" else self._open_on_gpu(available)
        if opened is None and device == "cuda":
            raise EngineError(f"the GPU cannot be used: {reason}")
        used = "CPU" if opened is None else "CUDA"
        self._opened = opened = opened or self._open_made_for(Variant.INT8, [_CPU])
        self._map_session: onnxruntime.InferenceSession | None = None  # until it is asked for
        self._map_lock = threading.Lock()
        self.provider = ProviderReport(used, opened.variant, available, "; ".join(filter(None, (reason, opened.note))))

    def on_cpu(self, why: str) -> Engine:
        """The same model on the CPU, in the precision that was asked for; `why` is for the report. Raises as Engine."""
        engine = Engine(self.path, "cpu", self.precision)
        reason = why + engine.provider.reason.removeprefix(_CPU_ASKED_FOR)
        engine.provider = replace(engine.provider, reason=reason)
        return engine

    def prepare(self, image: Image.Image) -> np.ndarray:
        """A photo as the model takes it: RGB picture of any shape to uint8 [S, S, 3]."""
        return fit(image, self.info.preprocessing.size, self.info.preprocessing.fit)

    def run(self, batch: np.ndarray) -> EngineOutputs:
        """Identify N prepared photos.

        Args:
            batch: uint8 [N, S, S, 3], made by `prepare`.

        Raises:
            EngineError: if the batch has another shape, the inference fails (GPU memory), or it gives no numbers.
        """
        side = self.info.preprocessing.size
        if batch.dtype != np.uint8 or batch.shape[1:] != (side, side, 3):
            raise EngineError(
                f"a batch of {batch.dtype} {batch.shape} was given, uint8 (N, {side}, {side}, 3) is needed"
            )
        taxonomy = self.info.taxonomy
        if len(batch) == 0:
            shapes = ((0, len(taxonomy.coarse)), (0, len(taxonomy.fine)), (0, self.info.embedding_dim), (0,))
            return EngineOutputs(*(np.zeros(shape, np.float32) for shape in shapes))
        with self._lock:
            return _infer(self._opened.session, batch)

    def heat(self, image: Image.Image, fine: int) -> np.ndarray | None:
        """Where in a photo the evidence for a fine class is, compared with the classes in general.

        The class's map of evidence, whose mean is its logit, minus the mean of all classes' maps; what speaks against
        the class is 0, and so is what the network does not see.

        Args:
            image: RGB picture of any shape.
            fine: index of the class.

        Returns:
            float32 [h, w] over the whole photo, from 0 to 1 at the strongest place; None if the model has no such maps.

        Raises:
            EngineError: if the inference fails.
        """
        if EVIDENCE not in (output.name for output in self._opened.graph.graph.output):
            return None
        picture = self.prepare(image)
        with self._map_lock:
            self._map_session = self._map_session or self._open_maps()
        with self._lock:
            (maps,) = _run(self._map_session, [EVIDENCE], picture[None])
        above = np.maximum(maps[0, fine] - maps[0].mean(axis=0), 0)
        above = _over_the_photo(above, placed(*image.size, self.info.preprocessing.fit))
        return above / max(float(above.max()), np.finfo(np.float32).tiny)

    def _open_maps(self) -> onnxruntime.InferenceSession:
        """A session for the maps, on the CPU if the GPU has no room for a second one. Raises EngineError."""
        graph = giving(self._opened.graph, [EVIDENCE])
        try:
            return self._session(self._opened.file, graph, self._opened.providers)
        except EngineError:
            if self._opened.providers == [_CPU]:
                raise
            return self._session(self._opened.file, graph, [_CPU])

    def _must_have_precision(self) -> None:
        """Raises BundleError if the file is a variant and another one was asked for."""
        own = self.info.variant
        if own is not Variant.FP32 and self.precision not in ("auto", own):
            raise BundleError(
                f"{self.path}: this file is the {own} variant; open the fp32 file to run it in {self.precision}"
            )

    def _open_made_for(self, made_for: Variant, providers: list[_Provider]) -> _Opened:
        """The variant to run: the one that was asked for, else the one made for the device, else the file itself.

        Raises:
            BundleError: if the one that was asked for does not belong to this model.
            EngineError: if it cannot be run.
        """
        own = self.info.variant
        if self.precision != "auto":
            wanted = Variant(self.precision)
            file, graph = (self.path, read(self.path)[1]) if wanted is own else self._variant(wanted)
            return self._open(file, graph, wanted, providers)
        note = ""
        if own is Variant.FP32 and beside(self.path, made_for).is_file():
            try:
                return self._open(*self._variant(made_for), made_for, providers)
            except (BundleError, EngineError) as error:
                note = f"its {made_for} variant cannot be used ({_first_line(error)})"
        return self._open(self.path, read(self.path)[1], own, providers, note)

    def _variant(self, wanted: Variant) -> tuple[Path, onnx.ModelProto]:
        """A variant beside this file, and its graph. Raises BundleError if it is not one of this network."""
        file = beside(self.path, wanted)
        info, graph = read(file)
        if (info.fingerprint, info.variant) != (self.info.fingerprint, wanted):
            raise BundleError(f"{file}: is not the {wanted} variant of {self.path.name}; export both again")
        return file, graph

    def _open(
        self, file: Path, graph: onnx.ModelProto, variant: Variant, providers: list[_Provider], note: str = ""
    ) -> _Opened:
        """A file that is ready to answer. Raises BundleError, and EngineError as `_session`."""
        try:
            needed = giving(graph, (*OUTPUTS, LIKENESS))
        except BundleError as error:
            raise BundleError(f"{file}: {error}") from error
        session = self._session(file, needed, providers)
        return _Opened(session, file, graph, providers, variant, note)

    def _session(self, file: Path, graph: onnx.ModelProto, providers: list[_Provider]) -> onnxruntime.InferenceSession:
        """A session after its first inference.

        Raises:
            EngineError: if the session or the inference fails, or would take too much memory.
        """
        if file.parent != paths.resources() / "models":  # those are supplied with the program
            try:
                must_fit(graph)
            except BundleError as error:
                raise EngineError(f"{file}: {error}") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _inference_threads()
        options.log_severity_level = 4
        # idle inference threads that spin would take the processor from those that decode the next photos
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        content = graph.SerializeToString()
        try:
            session = onnxruntime.InferenceSession(content, options, providers=providers, enable_fallback=0)
        except FAULTS as error:
            raise EngineError(f"{file}: onnxruntime cannot load the model ({_first_line(error)})") from error
        session.disable_fallback()  # of its run(): it would switch to the CPU with only a message on stdout
        side = self.info.preprocessing.size
        names = [output.name for output in session.get_outputs()]
        try:
            given = _run(session, names, np.zeros((1, side, side, 3), np.uint8))
        except EngineError as error:
            raise EngineError(f"{file}: {error}") from error.__cause__
        self._must_be_as_promised(file, dict(zip(names, given, strict=True)))
        return session

    def _must_be_as_promised(self, file: Path, given: dict[str, np.ndarray]) -> None:
        """Raises EngineError if the graph's outputs for one photo do not have the shapes that it declares."""
        promised = self.info.shapes(photos=1)
        for name, array in given.items():
            shape = array.shape[:2] if name == EVIDENCE and array.ndim == 4 else array.shape
            if shape != promised[name]:
                raise EngineError(
                    f"{file}: the model's output '{name}' has another shape than it declares ({array.shape})"
                )

    def _open_on_gpu(self, available: tuple[str, ...]) -> tuple[_Opened | None, str]:
        """What runs on the GPU, or None, and the reason. Raises BundleError as `_open_made_for`."""
        if _CUDA not in available:
            return None, "this build of onnxruntime has no CUDA"
        if sys.platform == "darwin" or not cuda.has_nvidia_driver():
            return None, "no NVIDIA driver"
        complaint = cuda.load_libraries()
        # heuristic search: the exhaustive one tries every algorithm again for each new batch size
        options = {"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"}
        try:
            opened = self._open_made_for(Variant.FP16, [(_CUDA, options), _CPU])
        except EngineError as error:
            return (
                None,
                complaint or f"there is an NVIDIA driver, but the GPU failed ({_first_line(error.__cause__ or error)})",
            )
        if _CUDA in opened.session.get_providers():
            return opened, "an NVIDIA GPU is present"
        return None, complaint or (
            "there is an NVIDIA driver, but onnxruntime refused the GPU without saying why; "
            f"the driver may be too old for CUDA {onnxruntime.cuda_version}"
        )


def _infer(session: onnxruntime.InferenceSession, batch: np.ndarray) -> EngineOutputs:
    if LIKENESS in (output.name for output in session.get_outputs()):
        return EngineOutputs(*_run(session, [*OUTPUTS, LIKENESS], batch))
    coarse, fine, embeddings = _run(session, list(OUTPUTS), batch)
    return EngineOutputs(coarse, fine, embeddings, energy(coarse))


def _run(session: onnxruntime.InferenceSession, names: list[str], batch: np.ndarray) -> list[np.ndarray]:
    try:
        outputs = [np.asarray(out, np.float32) for out in session.run(names, {INPUT: batch})]
    except FAULTS as error:
        raise EngineError(f"the inference failed ({_first_line(error)})") from error
    if not all(np.isfinite(out).all() for out in outputs):
        raise EngineError("the model gave values that are not numbers; the model file is damaged or badly converted")
    return outputs


def _over_the_photo(square: np.ndarray, place: tuple[float, float, float, float]) -> np.ndarray:
    """A map over the network's square, cut to the photo at `place` in it; 0 where the photo reaches beyond."""
    height, width = square.shape
    left, top, right, bottom = place
    across, down = (max(1, round(n)) for n in (width * (right - left), height * (bottom - top)))
    per_column, per_row = width * (right - left) / across, height * (bottom - top) / down
    to_square = (per_column, 0.0, width * left, 0.0, per_row, height * top)
    picture = Image.fromarray(square.astype(np.float32))
    return np.asarray(
        picture.transform((across, down), Image.Transform.AFFINE, to_square, Image.Resampling.BILINEAR), np.float32
    )


def _inference_threads() -> int:
    """All processors this process may use, minus one for the window and for decoding if there are more than two."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return usable - 1 if usable > 2 else usable


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
