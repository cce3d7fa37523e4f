"""The map as a file: where to, and the picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from app.ui.explore.toolbar import FORMATS


def ask_where(parent: QWidget, folder: Path, kind: str) -> Path | None:
    """Ask where to save the map as one of FORMATS; None where the person does not."""
    name, _ = QFileDialog.getSaveFileName(
        parent, "Save the map", str(folder / f"map.{kind}"), f"{FORMATS[kind]} (*.{kind})"
    )
    return Path(name).with_suffix(f".{kind}") if name else None


def picture_writer(out: Path, picture: QImage) -> Callable[[], None]:
    """Work for another thread: writes the picture. Raises OSError where it cannot."""

    def write() -> None:
        if not picture.save(str(out)):
            raise OSError(f"{out}: the map cannot be written there")

    return write
