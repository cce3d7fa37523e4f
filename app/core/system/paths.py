"""Where things are: what is supplied with the program, and what belongs to its user."""

from __future__ import annotations

import re
from importlib import resources as packages
from pathlib import Path
from typing import TypeGuard

from model.contract.bundle import Variant
from model.system.user_folders import HOME_VARIABLE, user_config_dir, user_data_dir

__all__ = [
    "HOME_VARIABLE",
    "bundled_gallery",
    "bundled_model",
    "bundled_models",
    "is_place",
    "model_named",
    "resources",
    "runs_folder",
    "tidy",
    "user_config_dir",
    "user_data_dir",
]

_WINDOWS = re.compile(rb"[A-Za-z]:[/\\]|\\\\")
_FAVOURITE = "marque.onnx"


def resources() -> Path:
    """The folder of what is supplied with the program; the same in a checkout, a wheel and a frozen build."""
    return Path(str(packages.files("resources")))


def runs_folder() -> Path:
    """The folder of the user's trainings."""
    return user_data_dir() / "runs"


def tidy(path: Path) -> Path:
    """A path in full and without `..`, so a file has one name from whatever folder it was named."""
    path = path.absolute()
    if ".." not in path.parts:
        return path
    # below a link `..` does not lead where the text says; the last part may be a link that must stay one
    return path.resolve() if path.name == ".." else path.parent.resolve() / path.name


def is_place(path: object) -> TypeGuard[bytes]:
    """Whether a value from a file is a full path in the form of `os.fsencode`; also one of another system."""
    return type(path) is bytes and 0 not in path and (path[:1] == b"/" or _WINDOWS.match(path) is not None)


def bundled_models() -> tuple[Path, ...]:
    """The identification models in `resources/models`, `marque.onnx` first; variants of them are left out."""
    found = (resources() / "models").glob("*.onnx")
    return tuple(
        sorted((path for path in found if "." not in path.stem), key=lambda path: (path.name != _FAVOURITE, path.name))
    )


def bundled_model() -> Path | None:
    """The supplied model that is used unless another is chosen, None without any."""
    return next(iter(bundled_models()), None)


def model_named(text: str) -> Path:
    """The file of a supplied model by its name ("marque"), else the text as a path."""
    return next((path for path in bundled_models() if path.stem == text), Path(text))


def bundled_gallery(model_path: Path) -> Path | None:
    """The gallery beside a model file (same name, ending `.gallery`), or None; a variant has that of the full model."""
    places = [model_path.with_suffix(".gallery")]
    if model_path.with_suffix("").suffix.removeprefix(".") in set(Variant):
        places.append(model_path.with_suffix("").with_suffix(".gallery"))
    return next((place for place in places if place.is_file()), None)
