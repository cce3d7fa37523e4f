from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from PIL import Image

from app.core.recognition import cuda
from app.core.recognition import engine as engine_module
from app.core.recognition.engine import Engine, EngineError, Precision
from model.contract import bundle
from model.contract.photo import FitPolicy
from tests.app.tiny import COLOURS, DIM, SIDE, TINY_TAXONOMY, colour_picture, tiny_graph, write_tiny_model

HAS_DRIVER = cuda.has_nvidia_driver()
needs_no_driver = pytest.mark.skipif(HAS_DRIVER, reason="this computer has an NVIDIA driver")


def batch_of(engine: Engine, *names: str) -> np.ndarray:
    return np.stack([engine.prepare(colour_picture(COLOURS[name], seed=i)) for i, name in enumerate(names)])


def test_answers_are_the_models_own(tiny_engine: Engine) -> None:
    names = ("Celeste class", "Rossa 2010", "Azzurra class", "Gialla 2012")
    outputs = tiny_engine.run(batch_of(tiny_engine, *names))
    best = outputs.fine_logits.argmax(axis=1)
    assert [TINY_TAXONOMY.fine[i] for i in best] == list(names)
    assert (outputs.coarse_logits.argmax(axis=1) == TINY_TAXONOMY.parent_array[best]).all()
    assert outputs.embeddings.shape == (4, DIM)
    for array in (outputs.coarse_logits, outputs.fine_logits, outputs.embeddings):
        assert array.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(outputs.embeddings, axis=1), 1, atol=1e-5)


def test_a_file_without_likeness_is_judged_by_the_energy(tiny_engine: Engine) -> None:
    outputs = tiny_engine.run(batch_of(tiny_engine, *COLOURS))
    np.testing.assert_allclose(outputs.likeness, np.log(np.exp(outputs.coarse_logits).sum(axis=1)), rtol=1e-5)


def test_a_batch_gives_what_its_photos_give_alone(tiny_engine: Engine) -> None:
    batch = batch_of(tiny_engine, *COLOURS)
    together = tiny_engine.run(batch)
    for i in range(len(batch)):
        alone = tiny_engine.run(batch[i : i + 1])
        np.testing.assert_allclose(alone.fine_logits[0], together.fine_logits[i], atol=1e-5)
        np.testing.assert_allclose(alone.embeddings[0], together.embeddings[i], atol=1e-6)


def test_no_photo_gives_no_answer(tiny_engine: Engine) -> None:
    outputs = tiny_engine.run(np.zeros((0, SIDE, SIDE, 3), np.uint8))
    assert (outputs.coarse_logits.shape, outputs.fine_logits.shape) == ((0, 2), (0, 4))
    assert outputs.embeddings.shape == (0, DIM)


@pytest.mark.parametrize(
    "batch",
    [np.zeros((1, SIDE, SIDE, 3), np.float32), np.zeros((1, SIDE, SIDE + 1, 3), np.uint8), np.zeros(3, np.uint8)],
)
def test_a_batch_of_another_shape_is_refused(tiny_engine: Engine, batch: np.ndarray) -> None:
    with pytest.raises(EngineError, match="is needed"):
        tiny_engine.run(batch)


@pytest.mark.parametrize("policy", FitPolicy)
@pytest.mark.parametrize("size", [(240, 60), (60, 240), (90, 90)])
def test_heat_is_where_the_class_is_however_the_photo_is_fitted(
    tmp_path: Path, policy: FitPolicy, size: tuple[int, int]
) -> None:
    engine = Engine(write_tiny_model(tmp_path / "m.onnx", preprocessing=bundle.Preprocessing(size=SIDE, fit=policy)))
    photo = Image.new("RGB", size, COLOURS["Azzurra class"])
    width, height = size
    # from the middle on to the right and down, within what every policy sees
    side = min(size) * 9 // 20
    patch = (width // 2, height // 2, width // 2 + side, height // 2 + side)
    photo.paste(COLOURS["Gialla 2012"], patch)
    assert bundle.EVIDENCE not in (output.name for output in engine._opened.session.get_outputs())
    heat = engine.heat(photo, TINY_TAXONOMY.fine_index["Gialla 2012"])
    assert heat is not None
    assert heat.max() == 1 and heat.min() >= 0
    rows, columns = np.mgrid[: heat.shape[0], : heat.shape[1]] + 0.5
    centre = (
        (columns * heat).sum() / heat.sum() / heat.shape[1] * width,
        (rows * heat).sum() / heat.sum() / heat.shape[0] * height,
    )
    cell = max(size) / 8
    assert np.hypot(centre[0] - (patch[0] + patch[2]) / 2, centre[1] - (patch[1] + patch[3]) / 2) < cell


def test_a_model_without_evidence_has_no_heat(tmp_path: Path) -> None:
    model = onnx.load(write_tiny_model(tmp_path / "m.onnx"))
    model.graph.output.remove(next(output for output in model.graph.output if output.name == bundle.EVIDENCE))
    onnx.save(model, tmp_path / "m.onnx")
    assert Engine(tmp_path / "m.onnx").heat(colour_picture(COLOURS["Rossa 2010"]), 0) is None


def test_threads_may_share_an_engine(tiny_engine: Engine) -> None:
    batch = batch_of(tiny_engine, *COLOURS)
    expected = tiny_engine.run(batch).fine_logits
    with ThreadPoolExecutor(4) as pool:
        for outputs in pool.map(lambda _: tiny_engine.run(batch), range(40)):
            np.testing.assert_array_equal(outputs.fine_logits, expected)


def test_prepare_takes_any_shape(tiny_engine: Engine) -> None:
    pixels = tiny_engine.prepare(colour_picture((1, 2, 3), size=(500, 7)))
    assert (pixels.dtype, pixels.shape) == (np.uint8, (SIDE, SIDE, 3))


def test_the_cpu_is_used_when_asked_for(tiny_engine: Engine) -> None:
    report = tiny_engine.provider
    assert (report.used, report.reason) == ("CPU", "the CPU was asked for")
    assert report.available == tuple(onnxruntime.get_available_providers())


@needs_no_driver
def test_without_a_driver_auto_falls_back_and_says_so(tiny_model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    engine = Engine(tiny_model)
    assert engine.provider.used == "CPU"
    expected = "no NVIDIA driver" if "CUDAExecutionProvider" in engine.provider.available else "no CUDA"
    assert expected in engine.provider.reason
    assert engine.run(batch_of(engine, "Rossa 2010")).fine_logits.argmax() == 0
    assert capfd.readouterr() == ("", "")


@needs_no_driver
def test_insisting_on_a_gpu_that_is_not_there_fails(tiny_model: Path) -> None:
    with pytest.raises(EngineError, match=r"the GPU cannot be used: (no NVIDIA driver|this build)"):
        Engine(tiny_model, "cuda")


@needs_no_driver
def test_a_gpu_that_fails_to_start_is_left_with_its_cause(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # onnxruntime really tries, and really fails, as there is no GPU; only the look for the driver is replaced
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("this build of onnxruntime has no CUDA")
    monkeypatch.setattr(cuda, "has_nvidia_driver", lambda: True)
    engine = Engine(tiny_model)
    assert engine.provider.used == "CPU"
    assert engine.provider.reason.startswith("there is an NVIDIA driver, but")
    assert "\n" not in engine.provider.reason
    assert engine.run(batch_of(engine, "Azzurra class")).fine_logits.argmax() == 2
    assert capfd.readouterr() == ("", "")


@needs_no_driver
def test_missing_cuda_libraries_are_named_with_what_to_install(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("this build of onnxruntime has no CUDA")

    def complaining() -> None:
        sys.stdout.write(
            "Failed to load /opt/nvidia/libcurand.so.10: cannot open shared object file: No such file or directory\n"
        )
        sys.stdout.write("Failed to load libcurand.so.10: libcurand.so.10: cannot open shared object file\n")
        sys.stdout.write("Please follow the installation guide\n")

    monkeypatch.setattr(cuda, "has_nvidia_driver", lambda: True)
    monkeypatch.setattr(onnxruntime, "preload_dlls", complaining)
    reason = Engine(tiny_model).provider.reason
    assert "CUDA libraries are missing (libcurand.so.10)" in reason
    assert 'pip install "marque[gpu]"' in reason


@pytest.mark.skipif(not HAS_DRIVER, reason="this computer has no NVIDIA driver")
def test_with_a_gpu_both_processors_agree(tiny_model: Path, tiny_engine: Engine) -> None:
    engine = Engine(tiny_model, "cuda")
    assert (engine.provider.used, engine.provider.reason) == ("CUDA", "an NVIDIA GPU is present")
    batch = batch_of(engine, *COLOURS)
    np.testing.assert_allclose(engine.run(batch).fine_logits, tiny_engine.run(batch).fine_logits, atol=1e-2)


def test_nan_counts_as_a_fault(tmp_path: Path) -> None:
    graph = tiny_graph()
    weights = next(tensor for tensor in graph.graph.initializer if tensor.name == "fine_b")
    weights.CopyFrom(numpy_helper.from_array(np.full(4, np.nan, np.float32), "fine_b"))
    info = bundle.read_info(write_tiny_model(tmp_path / "good.onnx"))
    bundle.write(tmp_path / "bad.onnx", graph, info)
    with pytest.raises(EngineError, match="not numbers"):
        Engine(tmp_path / "bad.onnx", "cpu")


def test_a_graph_that_onnxruntime_refuses_is_reported(tmp_path: Path) -> None:
    graph: onnx.ModelProto = tiny_graph()
    graph.graph.node[2].op_type = "NoSuchOperator"
    info = bundle.read_info(write_tiny_model(tmp_path / "good.onnx"))
    bundle.write(tmp_path / "bad.onnx", graph, info)
    with pytest.raises(EngineError, match=r"bad\.onnx.*cannot load"):
        Engine(tmp_path / "bad.onnx", "cpu")


def test_a_file_without_a_model_is_reported(tmp_path: Path) -> None:
    with pytest.raises(bundle.BundleError, match="does not exist"):
        Engine(tmp_path / "missing.onnx")


def test_the_program_starts_without_torch_and_with_onnxruntime_before_qt() -> None:
    script = """
import importlib, pkgutil, sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision"):
            raise ImportError(f"{name} was imported")

sys.meta_path.insert(0, NoTorch())
import app.cli, app.core
for package in (app.cli, app.core):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
assert "onnxruntime" in sys.modules
qt = [name for name in sys.modules if name.startswith(("PySide6", "shiboken6", "app.ui"))]
assert not qt, qt
assert "scipy" not in sys.modules
from model.data.readers import read_data
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def with_variants(path: Path, fingerprint: str | None = None) -> Path:
    """A tiny model with an int8 file beside it that gives the first colour the second's name, to distinguish them."""
    write_tiny_model(path)
    info = bundle.read_info(path)
    changes = {"variant": bundle.Variant.INT8, "fingerprint": fingerprint or info.fingerprint}
    swapped = tiny_graph()
    for node in swapped.graph.node:
        if "fine_logits" in node.output:
            node.input[1] = "coarse_and_coarse"
    wide = numpy_helper.from_array(np.full((3, 4), 7, np.float32), "coarse_and_coarse")
    swapped.graph.initializer.append(wide)
    bundle.write(bundle.beside(path, bundle.Variant.INT8), swapped, info.model_copy(update=changes))
    return path


@needs_no_driver
def test_on_the_cpu_the_variant_made_for_it_runs_and_says_so(tmp_path: Path) -> None:
    path = with_variants(tmp_path / "m.onnx")
    engine, full = Engine(path), Engine(path, precision="fp32")
    assert (engine.provider.variant, engine.provider.name) == (bundle.Variant.INT8, "CPU int8")
    assert (full.provider.variant, full.provider.name) == (bundle.Variant.FP32, "CPU")
    batch = batch_of(engine, "Rossa 2010", "Azzurra class")
    assert not np.allclose(engine.run(batch).fine_logits, full.run(batch).fine_logits)
    # a variant that is opened by its own name is what runs, whatever the device
    direct = Engine(bundle.beside(path, bundle.Variant.INT8))
    np.testing.assert_array_equal(direct.run(batch).fine_logits, engine.run(batch).fine_logits)


@pytest.mark.parametrize("asked", ["fp32", "fp16"])
def test_a_variant_is_not_what_another_precision_asks_for(tmp_path: Path, asked: Precision) -> None:
    variant = bundle.beside(with_variants(tmp_path / "m.onnx"), bundle.Variant.INT8)
    with pytest.raises(bundle.BundleError, match=rf"m\.int8\.onnx: this file is the int8 variant; .* in {asked}$"):
        Engine(variant, "cpu", asked)
    assert Engine(variant, "cpu", "int8").provider.variant is bundle.Variant.INT8


def test_a_variant_of_another_network_is_not_taken(tmp_path: Path) -> None:
    path = with_variants(tmp_path / "m.onnx", fingerprint="0123456789abcdef")
    report = Engine(path, "cpu").provider
    assert report.variant is bundle.Variant.FP32
    assert "m.int8.onnx: is not the int8 variant of m.onnx" in report.reason
    with pytest.raises(bundle.BundleError, match=r"m\.int8\.onnx: is not the int8 variant of m\.onnx"):
        Engine(path, "cpu", "int8")
    with pytest.raises(bundle.BundleError, match=r"m\.fp16\.onnx: the model file does not exist"):
        Engine(path, "cpu", "fp16")


def damage(variant: Path, how: str) -> str:
    """Spoil a variant; what is said of it then."""
    info, graph = bundle.read(variant)
    if how == "cut":
        variant.write_bytes(variant.read_bytes()[:200])
        return "this is not an ONNX file, or it is damaged"
    if how == "refused":
        graph.graph.node[2].op_type = "NoSuchOperator"
        bundle.write(variant, graph, info)
        return "onnxruntime cannot load the model"
    weights = next(tensor for tensor in graph.graph.initializer if tensor.name == "fine_b")
    weights.CopyFrom(numpy_helper.from_array(np.full(4, np.nan, np.float32), "fine_b"))
    bundle.write(variant, graph, info)
    return "the model gave values that are not numbers"


@pytest.mark.parametrize("how", ["cut", "refused", "not numbers"])
def test_a_damaged_variant_leaves_the_model_usable_and_is_reported(tmp_path: Path, how: str) -> None:
    path = with_variants(tmp_path / "m.onnx")
    said = damage(bundle.beside(path, bundle.Variant.INT8), how)
    engine = Engine(path, "cpu")
    assert (engine.provider.name, engine.provider.variant) == ("CPU", bundle.Variant.FP32)
    assert engine.provider.reason.startswith("the CPU was asked for; its int8 variant cannot be used (")
    assert said in engine.provider.reason
    assert engine.run(batch_of(engine, "Azzurra class")).fine_logits.argmax() == 2
    with pytest.raises((bundle.BundleError, EngineError), match=said):
        Engine(path, "cpu", "int8")


class OnGpu:
    """A session that says of itself that it runs on a GPU."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self.run, self.get_outputs = session.run, session.get_outputs

    def get_providers(self) -> list[str]:
        return [engine_module._CUDA, engine_module._CPU]


@pytest.fixture
def opened_on_gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Puts a stand-in for a GPU into this computer, which fails on the files named; which files it was given."""

    def install(*fails: str) -> list[str]:
        real, given = Engine._session, []

        def on_device(
            engine: Engine, file: Path, graph: onnx.ModelProto, providers: list
        ) -> onnxruntime.InferenceSession | OnGpu:
            if providers == [engine_module._CPU]:
                return real(engine, file, graph, providers)
            maps = bundle.EVIDENCE in (output.name for output in graph.graph.output)
            given.append(f"maps of {file.name}" if maps else file.name)
            if given[-1] in fails:
                raise EngineError("the inference failed (CUDA failure 100)")
            return OnGpu(real(engine, file, graph, [engine_module._CPU]))

        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [engine_module._CUDA, engine_module._CPU])
        monkeypatch.setattr(cuda, "has_nvidia_driver", lambda: True)
        monkeypatch.setattr(cuda, "load_libraries", lambda: None)
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(Engine, "_session", on_device)
        return given

    return install


def with_half(path: Path) -> Path:
    """A tiny model with an fp16 file beside it."""
    info, graph = bundle.read(write_tiny_model(path))
    half = bundle.beside(path, bundle.Variant.FP16)
    bundle.write(half, graph, info.model_copy(update={"variant": bundle.Variant.FP16}))
    return path


def test_a_damaged_variant_leaves_the_full_model_on_the_gpu(
    tmp_path: Path, opened_on_gpu: Callable[..., list[str]]
) -> None:
    path, given = with_half(tmp_path / "m.onnx"), opened_on_gpu()
    assert Engine(path).provider.name == "CUDA fp16"
    bundle.beside(path, bundle.Variant.FP16).write_bytes(b"no model")
    report = Engine(path, "cuda").provider
    assert (report.name, given) == ("CUDA", ["m.fp16.onnx", "m.onnx"])
    assert report.reason.startswith("an NVIDIA GPU is present; its fp16 variant cannot be used (")
    with pytest.raises(bundle.BundleError, match="this is not an ONNX file"):
        Engine(path, "cuda", "fp16")


def test_a_variant_that_fails_on_the_gpu_gives_way_to_the_full_model_there(
    tmp_path: Path, opened_on_gpu: Callable[..., list[str]]
) -> None:
    path, given = with_half(tmp_path / "m.onnx"), opened_on_gpu("m.fp16.onnx")
    report = Engine(path).provider
    assert (report.name, given) == ("CUDA", ["m.fp16.onnx", "m.onnx"])
    assert report.reason.endswith("its fp16 variant cannot be used (the inference failed (CUDA failure 100))")


def test_maps_that_the_gpu_has_no_room_for_are_made_on_the_cpu(
    tmp_path: Path, opened_on_gpu: Callable[..., list[str]]
) -> None:
    given = opened_on_gpu("maps of m.fp16.onnx")
    engine = Engine(with_half(tmp_path / "m.onnx"))
    photo = colour_picture(COLOURS["Rossa 2010"])
    for _ in range(2):
        heat = engine.heat(photo, TINY_TAXONOMY.fine_index["Rossa 2010"])
        assert heat is not None and heat.max() == 1
    assert given == ["m.fp16.onnx", "maps of m.fp16.onnx"] and engine.provider.name == "CUDA fp16"


def test_a_gpu_that_fails_with_every_file_gives_way_to_the_cpu(
    tmp_path: Path, opened_on_gpu: Callable[..., list[str]]
) -> None:
    path, given = with_half(tmp_path / "m.onnx"), opened_on_gpu("m.fp16.onnx", "m.onnx")
    report = Engine(path).provider
    assert (report.name, given) == ("CPU", ["m.fp16.onnx", "m.onnx"])
    assert "there is an NVIDIA driver, but the GPU failed" in report.reason
    with pytest.raises(EngineError, match="the GPU cannot be used"):
        Engine(path, "cuda")
