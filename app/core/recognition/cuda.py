"""What an NVIDIA GPU needs on this computer besides onnxruntime: the driver, and the libraries of CUDA."""

from __future__ import annotations

import contextlib
import ctypes
import io
import re
import sys
from pathlib import Path

from model.system.onnx_runtime import onnxruntime


def has_nvidia_driver() -> bool:
    """Whether the driver's own library is installed; it comes with the driver and with nothing else."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def load_libraries() -> str | None:
    """Load CUDA and cuDNN from their Python packages or the system; what is missing, as a sentence, or None."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):  # preload_dlls prints its errors instead of raising them
        onnxruntime.preload_dlls()
    names = re.findall(r"^Failed to load (.+?): ", said.getvalue(), re.MULTILINE)
    if not names:
        return None
    missing = ", ".join(sorted({Path(name).name for name in names}))
    return f'there is an NVIDIA driver, but CUDA libraries are missing ({missing}): pip install "marque[gpu]"'
