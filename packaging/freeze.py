"""What the frozen program is made of, for `marque-cpu.spec` and `marque-cuda.spec` (PyInstaller)."""

from __future__ import annotations

from importlib.metadata import distributions
from pathlib import Path

from PyInstaller.utils.hooks import collect_data_files, collect_dynamic_libs, copy_metadata

_ROOT = Path(__file__).resolve().parents[1]

# The trainer and its packages stay out: the program runs the network in onnxruntime. Ray is an extra.
_LEFT_OUT = [
    *("torch", "torchvision", "lightning_fabric", "pytorch_metric_learning", "matplotlib", "onnxscript"),
    *("cuda", "ray", "pandas", "pyarrow", "pytest", "hypothesis", "mypy", "IPython", "tkinter"),
    # large parts of packages that are otherwise needed
    *("onnx.backend", "onnx.reference", "scipy.stats", "PIL.ImageTk"),
]
_CUDA_PACKAGES = (
    *("nvidia.cublas", "nvidia.cudnn", "nvidia.cuda_runtime", "nvidia.cufft", "nvidia.curand"),
    *("nvidia.cu13", "nvidia.cuda_nvrtc", "nvidia.nvjitlink"),
)
"""Python packages with libraries that onnxruntime opens by name, so PyInstaller does not find them."""


def analysis(*, gpu: bool) -> dict[str, object]:
    """Arguments of PyInstaller's `Analysis`."""
    libraries = collect_dynamic_libs("onnxruntime") + collect_dynamic_libs("faiss")
    if gpu:
        for package in _CUDA_PACKAGES:
            libraries += collect_dynamic_libs(package)
    return {
        "scripts": [str(_ROOT / "packaging" / "launch.py")],
        "pathex": [str(_ROOT)],
        "binaries": libraries,
        "datas": collect_data_files("resources", include_py_files=False) + _facts(),
        "hiddenimports": ["resources", "faiss", "pyqtgraph"],
        "excludes": _LEFT_OUT,
        # its docstrings are shown in the form of a new training, and read from the source
        "module_collection_mode": {"model.contract.config": "pyz+py"},
        "noarchive": False,
    }


def _facts() -> list[tuple[str, str]]:
    """Metadata of packages, for `marque doctor`."""
    names = ("marque", "onnxruntime-gpu", "onnxruntime", "PySide6_Essentials", "numpy", "faiss-cpu")
    installed = {one.metadata["Name"] for one in distributions()}
    return [entry for name in names if name in installed for entry in copy_metadata(name)]


def without_cuda(binaries: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """What PyInstaller found, less the part of onnxruntime that only a graphics card uses (280 MB)."""
    return [entry for entry in binaries if "providers_cuda" not in entry[0] and "providers_tensorrt" not in entry[0]]
