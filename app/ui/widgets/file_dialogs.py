"""Boxes of the desktop that ask for files; they begin in the folder where the last one ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from model.system.outputs import Output, OutputError, TakenError
from model.system.photo_files import PHOTO_SUFFIXES

NEVER_OVER_ANOTHER = QFileDialog.Option.DontConfirmOverwrite
"""For a box whose file is refused anyway if it exists already."""


@dataclass(frozen=True)
class ChosenPlace:
    """The place for an output.

    Attributes: place: as the person named it, with an ending. agreed: the box asked about exactly this name, so an
        existing file may be replaced.
    """

    place: Path
    agreed: bool

    def output(self, kind: str, *, inputs: Iterable[Path] = ()) -> Output:
        """The checked output; not for the GUI thread. Raises OutputError."""
        try:
            return Output(self.place, kind, inputs=inputs, force=self.agreed)
        except TakenError as error:
            raise OutputError(error.message, advice="choose another name") from error


def picture_bytes(picture: QImage) -> bytes:
    """Write a picture as a PNG file; also on other threads than the GUI's."""
    content = QBuffer()
    content.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(content, "PNG")  # type: ignore[call-overload]
    return bytes(content.data().data())


def ask_place(parent: QWidget, title: str, suggested: Path, filters: str, suffix: str) -> ChosenPlace | None:
    """Ask for the place of an output; the box itself asks about an existing file. None if it was closed.

    Args:
        filters: in the form of Qt's boxes. suffix: added to a name without it.
    """
    name, _ = QFileDialog.getSaveFileName(parent, title, str(suggested), filters)
    if not name:
        return None
    whole = name.lower().endswith(suffix.lower())
    return ChosenPlace(Path(name if whole else name + suffix), agreed=whole)


class FileDialogs:
    """Asks over a window.

    Args:
        last: the folder where the last box ended; None: the user's own.
        remember: called with the folder where a box has ended.
    """

    def __init__(self, window: QWidget, last: Callable[[], Path | None], remember: Callable[[Path], None]) -> None:
        self._window, self._last, self._remember = window, last, remember

    def for_photos(self, title: str) -> list[Path]:
        """Photos; none if the box was closed."""
        endings = " ".join(f"*{suffix}" for suffix in sorted(PHOTO_SUFFIXES))
        names, _ = QFileDialog.getOpenFileNames(
            self._window, title, self._begin(), f"Photos ({endings});;All files (*)"
        )
        if names:
            self._remember(Path(names[0]).parent)
        return [Path(name) for name in names]

    def for_folder(self, title: str) -> Path | None:
        """A folder; None if the box was closed."""
        name = QFileDialog.getExistingDirectory(self._window, title, self._begin())
        if not name:
            return None
        self._remember(Path(name))
        return Path(name)

    def for_model(self) -> Path | None:
        """An identification model; None if the box was closed."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Choose an identification model", self._begin(), "Identification models (*.onnx)"
        )
        return Path(name) if name else None

    def _begin(self) -> str:
        return str(self._last() or Path.home())
