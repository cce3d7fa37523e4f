"""onnxruntime with its telemetry off, and the errors that it raises; every other module takes it from here.

The variable in `model.system.privacy` keeps its collector from being started. On Windows it hands events to the system
as well, unless that is switched off.
"""

from __future__ import annotations

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as errors

onnxruntime.disable_telemetry_events()

FAULTS: tuple[type[Exception], ...] = (
    *(kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    RuntimeError,
    ValueError,
    TypeError,
    MemoryError,
)
"""What it raises; its own classes have no common ancestor below Exception."""

__all__ = ["FAULTS", "errors", "onnxruntime"]
