"""A small box over the page that asks for the name and the type of a class, and offers the existing ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QListWidgetItem, QPushButton, QVBoxLayout
from PySide6.QtWidgets import QWidget as Widget

from app.core.review.class_search import find
from app.core.teaching.class_teaching import label_problem
from app.ui.widgets.basics import label
from app.ui.widgets.popup import OfferingPopup

_WIDTH = 380
_OFFERED = 8


@dataclass(frozen=True)
class Ask:
    """A question.

    Attributes: title: its title. verb: text of the button. joins: text of the button if the class exists already. name,
        kind: the initial texts of the lines. lines: which lines can be edited, of "name" and "kind"; the others are
        hidden. only_known: whether the name must be an existing class.
    """

    title: str
    verb: str
    joins: str = ""
    name: str = ""
    kind: str = ""
    lines: tuple[str, ...] = ("name", "kind")
    only_known: bool = False


class AskBox(OfferingPopup):
    """Asks for name and type, and offers the existing ones."""

    def __init__(self, parent: Widget) -> None:
        super().__init__(parent)
        self.setFixedWidth(_WIDTH)
        self._ask = Ask("", "")
        self._types: tuple[str, ...] = ()
        self._type_of: dict[str, str] = {}
        self._then: Callable[[str, str], None] = lambda _coarse, _fine: None
        self._title, self._hint = label("", "strong"), label("", "muted")
        for words in (self._title, self._hint):
            words.setWordWrap(True)
        self.name, self.kind = QLineEdit(placeholderText="name of the class"), QLineEdit(placeholderText="type")
        self.name.setAccessibleName("name of the class")
        self.kind.setAccessibleName("type of the class")
        self._offered_for = self.name
        self.offers.setFixedHeight(176)
        self.action_button, cancel = QPushButton(), QPushButton("cancel")
        self.action_button.setProperty("kind", "primary")
        self._lay_out(cancel)
        for line in (self.name, self.kind):
            line.installEventFilter(self)
            line.textChanged.connect(self._on_typed)
            line.returnPressed.connect(self._on_return)
        self.offers.itemClicked.connect(self._take)
        self.action_button.clicked.connect(self._answer)
        cancel.clicked.connect(self.leave)

    def _lay_out(self, cancel: QPushButton) -> None:
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.action_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(8)
        for widget in (self._title, self.name, self.kind, self.offers, self._hint):
            column.addWidget(widget)
        column.addLayout(buttons)

    def ask(
        self,
        ask: Ask,
        types: Sequence[str],
        type_of: Mapping[str, str],
        at: QPoint,
        then: Callable[[str, str], None],
    ) -> None:
        """Show the box at a point of its page.

        Args:
            ask: the question. types: all existing types. type_of: the type of each existing class. at: upper left
            corner. then: called with type and class.
        """
        self._ask, self._types, self._type_of, self._then = ask, tuple(types), dict(type_of), then
        self._title.setText(ask.title)
        for line, key, text in ((self.name, "name", ask.name), (self.kind, "kind", ask.kind)):
            line.setText(text)
            line.setVisible(key in ask.lines)
        self._on_typed()
        self.adjustSize()
        self.show_at(at, self.name if "name" in ask.lines else self.kind)

    def hint(self) -> str:
        """What is wrong with the answer, or what it will do."""
        return self._hint.text()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The offers are for the line with the focus."""
        if event.type() is QEvent.Type.FocusIn:
            self._offer()
        return super().eventFilter(watched, event)

    def _line(self) -> QLineEdit:
        return self.kind if self.kind.hasFocus() or "name" not in self._ask.lines else self.name

    def _on_typed(self) -> None:
        known = self._type_of.get(self._fine())
        if "name" in self._ask.lines:  # an existing class has its type
            if known is not None and self.kind.text() != known:
                self.kind.setText(known)
            elif known is None and not self.kind.isEnabled():
                self.kind.setText(self._ask.kind)
        self.kind.setEnabled("name" not in self._ask.lines or known is None)
        self._offer()
        problem = self._problem()
        self.action_button.setEnabled(not problem)
        joins = known is not None and "name" in self._ask.lines and self._fine() != self._ask.name
        self.action_button.setText(self._ask.joins or self._ask.verb if joins else self._ask.verb)
        self._hint.setText(problem if self._fine() or self._coarse() else "")
        if not problem and joins:
            self._hint.setText(f"There is a class {self._fine()} already; the photos join it.")
        elif not problem and self._coarse() not in self._types:
            self._hint.setText(f"{self._coarse()} becomes a new type.")

    def _problem(self) -> str:
        if self._ask.only_known and self._fine() not in self._type_of:
            return "Choose one of the existing classes."
        others = {
            name: kind for name, kind in self._type_of.items() if "name" in self._ask.lines or name != self._fine()
        }
        return label_problem(self._coarse(), self._fine(), self._types, others)

    def _fine(self) -> str:
        return self.name.text().strip()

    def _coarse(self) -> str:
        return self.kind.text().strip()

    def _offer(self) -> None:
        self.offers.clear()
        line = self._line()
        if line is self.name and "kind" in self._ask.lines and self.kind.isEnabled() and not self._fitting(line):
            line = self.kind  # a new name: only its type is missing
        self._offered_for = line
        for name in self._fitting(line):
            item = QListWidgetItem(name if line is self.kind else f"{name}\n    {self._type_of[name]}")
            item.setData(Qt.ItemDataRole.UserRole, name)
            self.offers.addItem(item)

    def _fitting(self, line: QLineEdit) -> list[str]:
        """The names that fit the text of a line."""
        names = self._type_of if line is self.name else self._types
        typed = line.text().strip()
        # a chosen type is not a search: all types can be chosen instead
        if typed and typed not in self._types:
            return find(typed, names, _OFFERED)
        return [] if line is self.name and not self._ask.only_known else list(names)

    def _on_return(self) -> None:
        item = self.offers.currentItem()
        if item is not None and item.data(Qt.ItemDataRole.UserRole) != self._offered_for.text().strip():
            self._take(item)
        elif self._line() is self.name and self.kind.isVisible() and self.kind.isEnabled():
            self.kind.setFocus()
            self.kind.selectAll()
        else:
            self._answer()

    def _take(self, item: QListWidgetItem) -> None:
        self._offered_for.setText(item.data(Qt.ItemDataRole.UserRole))
        self.offers.setCurrentRow(-1)

    def _answer(self) -> None:
        if not self._problem():
            coarse, fine = self._coarse(), self._fine()
            self.leave()
            self._then(coarse, fine)
