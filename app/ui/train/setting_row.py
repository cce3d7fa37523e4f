"""One setting among the others: name, meaning, entry, problem, reset."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.core.training.setting_fields import FieldKind, SettingField
from app.ui.train import actions
from app.ui.train.setting_editors import editor
from app.ui.widgets.basics import bind, label, small_button

_WIDTH = 208  # of an entry, pixels
_KEYS = f"Tab moves on, {actions.PUT_BACK.shown} resets"


class SettingRow(QWidget):
    """Signal `edited`: (path) its value has changed."""

    edited = Signal(str)

    def __init__(self, field: SettingField) -> None:
        super().__init__()
        self.field = field
        self._preset = ""
        self._name = label(field.title)
        self._words = label(field.words, "caption")
        self._words.setWordWrap(True)
        self.editor = editor(field)
        self.editor.setAccessibleName(field.title)
        self.editor.setFixedWidth(_WIDTH)
        count = " (Up and Down change it by one)" if field.kind is FieldKind.WHOLE else ""
        self.editor.setToolTip(f"{field.title} {field.accepts}{count}\n{_KEYS}")
        self.back_button = small_button("undo-2", "reset")
        policy = self.back_button.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.back_button.setSizePolicy(policy)
        self.problem = label("", "danger")
        self.problem.setWordWrap(True)
        self.problem.setFixedWidth(_WIDTH)
        self.problem.hide()
        self._lay_out()
        self.editor.edited.connect(self._on_edited)
        self.back_button.clicked.connect(self.put_back)
        bind(self, actions.PUT_BACK, self.put_back, Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def _lay_out(self) -> None:
        meaning = QVBoxLayout()
        meaning.setSpacing(2)
        meaning.addWidget(self._name)
        meaning.addWidget(self._words)
        meaning.addStretch(1)
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self.editor)
        line.addWidget(self.back_button)
        entry = QVBoxLayout()
        entry.setSpacing(4)
        entry.addLayout(line)
        entry.addWidget(self.problem)
        entry.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 4, 0, 4)
        row.setSpacing(16)
        row.addLayout(meaning, 1)
        row.addLayout(entry)

    def fill(self, preset: str, entry: str) -> None:
        """Show an entry beside the recipe's value."""
        self._preset = preset
        self.back_button.setToolTip(f"{actions.PUT_BACK.tooltip}: {preset or 'not given'}")
        self.editor.set_entry(entry)
        self._mark()

    def put_back(self) -> None:
        """Set the recipe's value."""
        self.editor.set_entry(self._preset)
        self.editor.setFocus()

    def show_problem(self, words: str) -> None:
        """Show what is wrong with the entry; empty if nothing is."""
        self.problem.setText(f"{words}." if words else "")
        self.problem.setVisible(bool(words))
        if self.editor.property("kind") != ("wrong" if words else ""):
            _set_kind(self.editor, "wrong" if words else "")

    def _on_edited(self) -> None:
        self._mark()
        self.edited.emit(self.field.path)

    def _mark(self) -> None:
        changed = not self.field.is_same(self.editor.entry(), self._preset)
        self.back_button.setVisible(changed)
        self._name.setText(f"{self.field.title} · changed" if changed else self.field.title)
        if self._name.property("kind") != ("changed" if changed else ""):
            _set_kind(self._name, "changed" if changed else "")


def _set_kind(widget: QWidget, kind: str) -> None:
    """Give the widget another kind for the stylesheet."""
    widget.setProperty("kind", kind)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
