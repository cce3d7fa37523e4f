"""Keeps libraries from calling home and from writing into folders that are not Marque's.

They read these variables when they are loaded, so `app` and `model` import this module before anything else. Processes
that we start inherit them.
"""

from __future__ import annotations

import os

from model.system.user_folders import user_cache_place

TELEMETRY_OFF = {
    # Without it, importing onnxruntime makes a device id and a store of events in the user's cache, and sends them.
    "ORT_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""Environment variable -> value; not for the user to change, as nothing may leave the computer."""


def protect() -> None:
    """Set the variables in this process."""
    os.environ.update(TELEMETRY_OFF)
    # its list of fonts would go into the home folder; a place that the user chose is kept
    os.environ.setdefault("MPLCONFIGDIR", str(user_cache_place() / "matplotlib"))


protect()
