"""Boxes of the desktop that ask for files; they begin in the folder where the last one ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from model.photo_files import PHOTO_SUFFIXES


class Asking:
    """Asks over a window.

    Args:
        last: the folder where the last box ended; None: the user's own.
        remember: told where a box has ended.
    """

    def __init__(self, window: QWidget, last: Callable[[], Path | None], remember: Callable[[Path], None]) -> None:
        self._window, self._last, self._remember = window, last, remember

    def for_photos(self, title: str) -> list[Path]:
        """Photos; none where the box was closed."""
        endings = " ".join(f"*{suffix}" for suffix in sorted(PHOTO_SUFFIXES))
        names, _ = QFileDialog.getOpenFileNames(
            self._window, title, self._begin(), f"Photos ({endings});;All files (*)"
        )
        if names:
            self._remember(Path(names[0]).parent)
        return [Path(name) for name in names]

    def for_folder(self, title: str) -> Path | None:
        """A folder; None where the box was closed."""
        name = QFileDialog.getExistingDirectory(self._window, title, self._begin())
        if not name:
            return None
        self._remember(Path(name))
        return Path(name)

    def for_model(self) -> Path | None:
        """An identification model; None where the box was closed."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Choose an identification model", self._begin(), "Identification models (*.onnx)"
        )
        return Path(name) if name else None

    def _begin(self) -> str:
        return str(self._last() or Path.home())
