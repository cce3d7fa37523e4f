"""What is dropped on the window: files, folders and pictures, anywhere that no page takes them itself."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QLabel, QWidget


class Dropping(QObject):
    """Takes drops on a window, and covers it with a hint while something is held over it.

    Signals:
        dropped: (QMimeData)
    """

    dropped = Signal(object)

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
