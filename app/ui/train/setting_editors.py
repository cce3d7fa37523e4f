"""A widget for each kind of setting. All of them hold text, as `app.core.training.setting_fields` shows and reads
it.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit

from app.core.training.setting_fields import NO, YES, FieldKind, SettingField


class SwitchEditor(QCheckBox):
    """On or off. Signal `edited`: its value has changed."""

    edited = Signal()

    def __init__(self, _field: SettingField) -> None:
        super().__init__()
        self.toggled.connect(self._on_toggled)
        self._on_toggled(False)

    def entry(self) -> str:
        """Its value."""
        return YES if self.isChecked() else NO

    def set_entry(self, text: str) -> None:
        """Set its value."""
        self.setChecked(text == YES)

    def _on_toggled(self, on: bool) -> None:
        self.setText("on" if on else "off")
        self.edited.emit()


class ChoiceEditor(QComboBox):
    """One of a few names. The wheel scrolls the form and changes nothing. Signal `edited`: its value has changed."""

    edited = Signal()

    def __init__(self, field: SettingField) -> None:
        super().__init__()
        if field.optional:
            self.addItem("as the trainer decides", "")
        for name in field.choices:
            self.addItem(name, name)
        self.currentIndexChanged.connect(lambda _place: self.edited.emit())

    def entry(self) -> str:
        """Its value."""
        return str(self.currentData())

    def set_entry(self, text: str) -> None:
        """Set its value."""
        self.setCurrentIndex(self.findData(text))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the form."""
        event.ignore()


class LineEditor(QLineEdit):
    """A number, a text or names with commas between them. Signal `edited`: its value has changed."""

    edited = Signal()

    def __init__(self, field: SettingField) -> None:
        super().__init__()
        if field.optional:
            self.setPlaceholderText("not given")
        elif field.kind is FieldKind.TEXTS:
            self.setPlaceholderText("none")
        self.textChanged.connect(lambda _text: self.edited.emit())

    def entry(self) -> str:
        """Its value."""
        return self.text()

    def set_entry(self, text: str) -> None:
        """Set its value."""
        self.setText(text)
        self.setCursorPosition(0)


class WholeNumber(LineEditor):
    """A number that the keys Up and Down change by one."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Count."""
        step = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(event.key()), 0)
        if step and self.text().strip().removeprefix("-").isdecimal():
            self.setText(str(int(self.text()) + step))
        else:
            super().keyPressEvent(event)


Editor = SwitchEditor | ChoiceEditor | LineEditor

_EDITORS: dict[FieldKind, type[SwitchEditor] | type[ChoiceEditor] | type[LineEditor]] = {
    FieldKind.SWITCH: SwitchEditor,
    FieldKind.CHOICE: ChoiceEditor,
    FieldKind.WHOLE: WholeNumber,
    FieldKind.NUMBER: LineEditor,
    FieldKind.TEXT: LineEditor,
    FieldKind.TEXTS: LineEditor,
}


def editor(field: SettingField) -> Editor:
    """The widget for a setting."""
    return _EDITORS[field.kind](field)
