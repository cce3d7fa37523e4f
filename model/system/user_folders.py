"""The folders that belong to the program's user; the trainer and the window share them."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from model.system.errors import file_error

HOME_VARIABLE = "MARQUE_HOME"
"""Environment variable naming one folder for the user's data and settings, in place of the system's own."""


def user_data_dir() -> Path:
    """The folder for the user's own work (galleries, projects); made if missing. Raises FileError."""
    return _user_folder("data", platformdirs.user_data_path("marque", appauthor=False))


def user_config_dir() -> Path:
    """The folder of the user's settings; made if missing. Raises FileError."""
    return _user_folder("config", platformdirs.user_config_path("marque", appauthor=False))


def user_cache_place() -> Path:
    """Where libraries may keep what can be made again; they make the folder themselves."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home) / "cache" if home else platformdirs.user_cache_path("marque", appauthor=False)


def _user_folder(name: str, usual: Path) -> Path:
    home = os.environ.get(HOME_VARIABLE)
    folder = Path(home) / name if home else usual
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        worded = file_error(error, folder)
        worded.advice = f"name a folder that can be written in the environment variable {HOME_VARIABLE}"
        raise worded from error
    return folder
