"""What is dropped on the window, where no page takes it itself: files, folders and pictures."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QLabel, QWidget


def local_files(data: QMimeData) -> list[Path]:
    """The files and folders of this computer in what was dropped or pasted, also those whose names are not UTF-8."""
    return [_local_file(url) for url in data.urls() if url.isLocalFile()]


def _local_file(url: QUrl) -> Path:
    if os.name == "nt":
        return Path(url.toLocalFile())
    # Qt would replace each byte that is not UTF-8 by a question mark
    return Path(os.fsdecode(unquote_to_bytes(url.path(QUrl.ComponentFormattingOption.FullyEncoded))))


class DropTarget(QObject):
    """Takes drops on a window, and covers it with a hint while something is held over it.

    Signals:
        dropped: (QMimeData)
    """

    dropped = Signal(QMimeData)

    def __init__(self, window: QWidget, ground: QWidget) -> None:
        """`ground`: what the hint covers."""
        super().__init__(window)
        self._ground = ground
        self._hint = QLabel("drop to identify", ground, alignment=Qt.AlignmentFlag.AlignCenter)
        self._hint.setProperty("kind", "title")
        self._hint.setObjectName("dropHint")
        self._hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._hint.hide()
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Shows and hides the hint, and takes what is dropped."""
        kind = event.type()
        if kind is QEvent.Type.DragEnter and isinstance(event, QDropEvent):
            data = event.mimeData()
            if data.hasUrls() or data.hasImage():
                event.acceptProposedAction()
                self._hint.setGeometry(self._ground.rect().adjusted(4, 4, -4, -4))
                self._hint.show()
                self._hint.raise_()
                return True
        elif kind is QEvent.Type.DragLeave:
            self._hint.hide()
        elif kind is QEvent.Type.Drop and isinstance(event, QDropEvent):
            self._hint.hide()
            event.acceptProposedAction()
            self.dropped.emit(event.mimeData())
            return True
        return False
