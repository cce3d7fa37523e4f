"""The trainer's output as it comes: follows the end unless somebody reads further up; find and copy."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication, QTextCursor, QTextDocument
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from app.core.system.log_tail import Tail
from app.ui.train import actions
from app.ui.widgets import theme
from app.ui.widgets.basics import ElidedLabel, bind, frame, label, small_button

_LINES = 5000
"""Lines that are kept; the file has the others."""


class LogView(QFrame):
    """The log of one training."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.title = ElidedLabel(kind="caption")
        self.text = QPlainTextEdit(readOnly=True, undoRedoEnabled=False)
        self.text.setObjectName("log")
        self.text.setAccessibleName("what the trainer printed")
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setMaximumBlockCount(_LINES)
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.field = QLineEdit()
        self.field.setPlaceholderText("find")
        self.field.setAccessibleName("find in the log")
        self.field.setToolTip(f"{actions.FIND_IN_LOG.tooltip}; Return: next, Shift+Return: previous")
        self.field.setFixedWidth(180)
        self.found = label("", "caption")
        self.next_button = small_button("chevron-right", "next (Return)")
        self.copy_button = QPushButton("copy")
        self.copy_button.setToolTip("copy what is selected, or all of it")
        self.end_button = QPushButton("to the end")
        self.end_button.setToolTip("follow what comes (Ctrl+End)")
        self._lay_out()
        self._connect()
        self.clear("")

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(12, 4, 8, 4)
        row.setSpacing(8)
        row.addWidget(self.title, 1)
        for widget in (self.found, self.field, self.next_button, self.copy_button, self.end_button):
            row.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(frame("rule"))
        column.addWidget(self.text, 1)

    def _connect(self) -> None:
        self.field.textEdited.connect(lambda _text: self.seek(from_here=True))
        self.field.returnPressed.connect(self._on_return)
        self.next_button.clicked.connect(lambda: self.seek())
        self.copy_button.clicked.connect(self.copy)
        self.end_button.clicked.connect(self.to_end)
        bar = self.text.verticalScrollBar()
        bar.valueChanged.connect(lambda _value: self._update())
        bar.rangeChanged.connect(lambda *_: self._update())
        bind(self, actions.FIND_IN_LOG, self.ask)

    def clear(self, name: str) -> None:
        """Show the log of another training, which is still empty."""
        self.title.set_whole(f"log of {name}" if name else "")
        self.text.clear()
        self.found.setText("")
        self.text.setPlaceholderText("Choose a training to read what it prints." if not name else "")

    def take(self, tail: Tail) -> None:
        """Show new output."""
        bar = self.text.verticalScrollBar()
        follows, value = bar.value() >= bar.maximum(), bar.value()
        if tail.restarted:
            self.text.clear()
            follows = True
            self.text.setPlaceholderText("Nothing is printed yet.")
        came = [*tail.lines, tail.partial]
        if tail.skipped:
            came.insert(0, f"… the first {tail.skipped / 1024:,.0f} KiB are only in the file")
        before = self.text.blockCount()
        cursor = QTextCursor(self.text.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.movePosition(QTextCursor.MoveOperation.StartOfBlock, QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText("\n".join(came[-_LINES:]))
        gone = before + len(came[-_LINES:]) - 1 - self.text.blockCount()
        bar.setValue(bar.maximum() if follows else max(value - gone, 0))

    def follows(self) -> bool:
        """Whether the end is visible."""
        bar = self.text.verticalScrollBar()
        return bar.value() >= bar.maximum()

    def to_end(self) -> None:
        """Follow new output."""
        bar = self.text.verticalScrollBar()
        bar.setValue(bar.maximum())

    def ask(self) -> None:
        """Give the keys to the field."""
        self.field.setFocus()
        self.field.selectAll()

    def seek(self, *, backwards: bool = False, from_here: bool = False) -> None:
        """Go to the next match of the field, around the end. Args: from_here: the current place counts too."""
        words = self.field.text()
        if from_here:
            cursor = self.text.textCursor()
            cursor.setPosition(cursor.selectionStart())
            self.text.setTextCursor(cursor)
        flags = QTextDocument.FindFlag.FindBackward if backwards else QTextDocument.FindFlag(0)
        found = bool(words) and self.text.find(words, flags)
        if words and not found:
            start = self.text.textCursor()
            move = QTextCursor.MoveOperation.End if backwards else QTextCursor.MoveOperation.Start
            self.text.moveCursor(move)
            found = self.text.find(words, flags)
            if not found:
                self.text.setTextCursor(start)
        self.found.setText("" if found or not words else "not found")

    def copy(self) -> None:
        """Copy what is selected, or everything."""
        if self.text.textCursor().hasSelection():
            self.text.copy()
        else:
            QGuiApplication.clipboard().setText(self.text.toPlainText())

    def apply_theme(self) -> None:
        """A fixed-width font, for tables and bars of the trainer."""
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPixelSize(theme.CAPTION + 1)
        self.text.document().setDefaultFont(font)

    def _on_return(self) -> None:
        shift = bool(QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier)
        self.seek(backwards=shift)

    def _update(self) -> None:
        self.end_button.setEnabled(not self.follows())
