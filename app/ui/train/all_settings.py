"""All settings of a training except the few above, folded away: generated from the trainer's own, with a search."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.core.training.setting_fields import LEFT_OUT, Section, SettingField, fields, sections
from app.core.training.setting_values import WHOLE, value_of
from app.ui.train import actions
from app.ui.train.setting_row import SettingRow
from app.ui.widgets import icons
from app.ui.widgets.basics import bind, label
from model.contract.config import Config


class AllSettings(QWidget):
    """Holds the entries from the beginning; its widgets are made when it is first unfolded.

    Signals:
        edited: an entry is another one
        unfolded: (whether it is)
    """

    edited = Signal()
    unfolded = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fields = {path: field for path, field in fields().items() if path not in LEFT_OUT}
        self._preset: dict[str, str] = {path: field.show(field.default) for path, field in self._fields.items()}
        self._entries = dict(self._preset)
        self._problems: Mapping[str, str] = {}
        self._waiting: list[Section] = []
        self.rows: dict[str, SettingRow] = {}
        self._parts: dict[str, _Part] = {}
        self.fold_button = QToolButton()
        self.fold_button.setText(" all settings")
        self.fold_button.setCheckable(True)
        self.fold_button.setIcon(icons.icon("chevron-right"))
        self.fold_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold_button.setToolTip(actions.ALL_SETTINGS.tooltip)
        self.fold_button.setAccessibleName(actions.ALL_SETTINGS.title)
        self.count = label("", "muted")
        self.back_button = QPushButton("reset all")
        self.back_button.setToolTip("set every setting below to the recipe's value")
        self.search = QLineEdit()
        self.search.setPlaceholderText("search by name or meaning")
        self.search.setToolTip(f"{actions.FIND_SETTING.tooltip}\n{actions.SHOW_ALL_SETTINGS.tooltip}")
        self.search.setAccessibleName(actions.FIND_SETTING.title)
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(240)
        self._none = label("no setting has these words", "muted")
        self._whole = label("", "danger")
        self._lay_out()
        self.fold_button.toggled.connect(self._unfold)
        self.back_button.clicked.connect(self._put_all_back)
        self.search.textChanged.connect(lambda _text: self._filter())
        self._show_count()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self.fold_button)
        head.addWidget(self.count, 1)
        head.addWidget(self.back_button)
        head.addWidget(self.search)
        self._area = QScrollArea()
        self._area.setObjectName("settings")
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setMinimumHeight(120)
        self._body = QWidget()
        self._body.setObjectName("settingsBody")
        self._lines = QVBoxLayout(self._body)
        self._lines.setContentsMargins(16, 8, 16, 16)
        self._lines.setSpacing(4)
        self._area.setWidget(self._body)
        self._body.hide()  # hidden until everything is there, so that it is laid out once
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self._whole)
        column.addWidget(self._none, 1, Qt.AlignmentFlag.AlignTop)
        column.addWidget(self._area, 1)
        for widget in (self.search, self._none, self._whole, self._area):
            widget.hide()

    # content

    def entries(self) -> dict[str, str]:
        """Path -> text of each setting."""
        return dict(self._entries)

    def fill(self, recipe: Config) -> None:
        """Give every setting the recipe's value, which is also the value for resetting."""
        self._preset = {path: field.show(value_of(recipe, path)) for path, field in self._fields.items()}
        self._put_all_back()

    def changed(self) -> list[str]:
        """Paths of the settings that differ from the recipe."""
        return [path for path, own in self._fields.items() if not own.is_same(self._entries[path], self._preset[path])]

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Show what is wrong, beside the fields and under the titles of the sections."""
        self._problems = problems
        for path, row in self.rows.items():
            row.show_problem(problems.get(path, ""))
        for name, part in self._parts.items():
            part.show_problem(problems.get(name, ""))
        self._whole.setText(problems.get(WHOLE, ""))
        self._whole.setVisible(WHOLE in problems and self.fold_button.isChecked())

    # what a person does

    def bind_keys(self, window: QWidget) -> None:
        """Let the keys for unfolding and searching act in the whole form."""
        bind(window, actions.ALL_SETTINGS, self.fold_button.click)
        bind(window, actions.FIND_SETTING, self._find)
        # otherwise Esc would close the form from there and lose the entries
        bind(self.search, actions.SHOW_ALL_SETTINGS, self.search.clear, Qt.ShortcutContext.WidgetShortcut)

    def _find(self) -> None:
        self.fold_button.setChecked(True)
        self.search.setFocus()
        self.search.selectAll()

    def _unfold(self, on: bool) -> None:
        if on and self._lines.count() == 0:
            self._build()
        self.fold_button.setIcon(icons.icon("chevron-down" if on else "chevron-right"))
        self.search.setVisible(on)
        self._filter()
        self._show_count()
        self.show_problems(self._problems)
        self.unfolded.emit(on)

    def _build(self) -> None:
        self._last: QWidget = self.search
        self._waiting = [one for one in sections() if any(field.path in self._fields for field in one.fields)]
        self._build_next()

    def _build_next(self) -> None:
        """One section per turn, as all of them take longer than a frame or two."""
        section = self._waiting.pop(0)
        part = self._parts[section.name] = _Part(section)
        widgets: list[QWidget] = [part]
        for field in section.fields:
            if field.path in self._fields:
                row = self.rows[field.path] = SettingRow(field)
                row.fill(self._preset[field.path], self._entries[field.path])
                row.edited.connect(self._on_edited)
                widgets.append(row)
        for widget in widgets:
            self._lines.addWidget(widget)
            if isinstance(widget, SettingRow):  # otherwise Tab would come to it after the last button of the form
                QWidget.setTabOrder(self._last, widget.editor)
                QWidget.setTabOrder(widget.editor, widget.back_button)
                self._last = widget.back_button
        if self._waiting:
            QTimer.singleShot(0, self, self._build_next)
            return
        self._lines.addStretch(1)
        self._filter()
        self.show_problems(self._problems)
        self._body.show()

    def _put_all_back(self) -> None:
        self._entries = dict(self._preset)
        for path, row in self.rows.items():
            row.blockSignals(True)  # one change instead of fifty
            row.fill(self._preset[path], self._preset[path])
            row.blockSignals(False)
        self._show_count()
        self.edited.emit()

    def _on_edited(self, path: str) -> None:
        self._entries[path] = self.rows[path].editor.entry()
        self._show_count()
        self.edited.emit()

    def _filter(self) -> None:
        words = self.search.text().casefold().replace("_", " ").split()
        found = {path for path, field in self._fields.items() if _has(field, words)}
        for path, row in self.rows.items():
            row.setVisible(path in found)
        for name, part in self._parts.items():
            part.setVisible(any(self._fields[path].section == name for path in found))
        on = self.fold_button.isChecked()
        self._none.setVisible(on and not found)
        self._area.setVisible(on and bool(found))

    def _show_count(self) -> None:
        changed = len(self.changed())
        self.count.setText(f"{changed} changed" if changed else "as the recipe has them")
        self.back_button.setVisible(bool(changed))


class _Part(QWidget):
    """The title of a section, its meaning, and problems between its settings."""

    def __init__(self, section: Section) -> None:
        super().__init__()
        self.problem = label("", "danger")
        self.problem.setWordWrap(True)
        self.problem.hide()
        words = label(section.words, "muted")
        words.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 12, 0, 0)
        column.setSpacing(0)
        column.addWidget(label(section.name, "strong"))
        column.addWidget(words)
        column.addWidget(self.problem)

    def show_problem(self, words: str) -> None:
        """Show what is wrong; empty if nothing is."""
        self.problem.setText(f"{words[:1].upper()}{words[1:]}." if words else "")
        self.problem.setVisible(bool(words))


def _has(field: SettingField, words: list[str]) -> bool:
    text = f"{field.section} {field.title} {field.words} {' '.join(field.choices)}".casefold().replace("_", " ")
    return all(word in text for word in words)
