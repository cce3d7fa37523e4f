"""The map as a file: its place, and what writes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from app.ui.widgets.file_dialogs import ChosenPlace, ask_place, picture_bytes
from model.system.outputs import Output

Writer = Callable[[Output], object]
FORMATS = {"png": "picture", "svg": "drawing", "csv": "table of places"}
"""What a map can be saved as: ending and words."""


def ask_where(parent: QWidget, folder: Path, kind: str) -> ChosenPlace | None:
    """Ask where to save the map as one of FORMATS; None if the person cancels."""
    return ask_place(parent, "Save the map", folder / f"map.{kind}", f"{FORMATS[kind]} (*.{kind})", f".{kind}")


def picture_writer(picture: QImage) -> Writer:
    """Writes the picture."""
    return lambda output: output.write(lambda file: file.write(picture_bytes(picture)))


def saving(chosen: ChosenPlace, kind: str, write: Writer) -> Callable[[], object]:
    """Write the map; for another thread. Raises OutputError."""
    return lambda: write(chosen.output(f"{FORMATS[kind]} of the map"))
