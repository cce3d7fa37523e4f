"""The gallery's classes as a tree: types, classes beneath, number of reference photos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from app.core.gallery.gallery import Reference
from app.core.review.class_search import find
from app.ui.gallery.gallery_session import GalleryClass
from app.ui.widgets import theme
from model.system.photo_files import natural_key


class ClassTree(QTreeWidget):
    """Signals:
    chosen: another row is current (`node`)
    """

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("tree")
        self.setAccessibleName("classes of the gallery")
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setIndentation(16)
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._items: dict[GalleryClass, QTreeWidgetItem] = {}
        self._marked: QTreeWidgetItem | None = None
        self._search = ""
        self.currentItemChanged.connect(lambda: self.chosen.emit())

    def show_classes(self, references: Sequence[Reference]) -> None:
        """Show the classes of these; open rows, the current one and the search are kept."""
        current, opened = self.node(), {one.text(0) for one in self._types() if one.isExpanded()}
        self.blockSignals(True)
        self.clear()
        self._marked = None
        self._items = {}
        types = Counter(one.coarse for one in references)
        for coarse in sorted(types, key=natural_key):
            self._items[GalleryClass(coarse, None)] = self._row(self, coarse, types[coarse])
        classes = Counter((one.coarse, one.fine) for one in references if one.fine is not None)
        for coarse, fine in sorted(classes, key=lambda node: natural_key(node[1] or "")):
            row = self._row(self._items[GalleryClass(coarse, None)], fine or "", classes[coarse, fine])
            self._items[GalleryClass(coarse, fine)] = row
        self._filter()
        if not self._search:
            for one in self._types():
                one.setExpanded(one.text(0) in opened)
        if current is not None and current in self._items:
            self.setCurrentItem(self._items[current])
        self.blockSignals(False)
        self.chosen.emit()

    def search(self, text: str) -> None:
        """Show only what fits a few letters."""
        self._search = text.strip()
        self._filter()

    def node(self) -> GalleryClass | None:
        """What is current; a type's own row stands for all that is beneath it."""
        return self._node_of(self.currentItem())

    def node_at(self, point: QPoint) -> GalleryClass | None:
        """The row at a point of the viewport."""
        return self._node_of(self.itemAt(point))

    def go(self, node: GalleryClass) -> None:
        """Make a row current, if it exists."""
        item = self._items.get(node)
        if item is not None:
            self.setCurrentItem(item)
            self.scrollToItem(item)

    def nodes(self) -> list[GalleryClass]:
        """All rows that are not filtered away, as shown."""
        return [node for node, item in self._items.items() if not item.isHidden()]

    def place_of(self, node: GalleryClass) -> QPoint:
        """The middle of a row, in the viewport."""
        return self.visualItemRect(self._items[node]).center()

    def mark(self, node: GalleryClass | None) -> None:
        """Emphasise the row on which something would be dropped."""
        old, self._marked = self._marked, self._items.get(node) if node is not None else None
        if old is not None:
            old.setData(0, Qt.ItemDataRole.ForegroundRole, None)
            old.setData(0, Qt.ItemDataRole.FontRole, None)
        if self._marked is not None:
            self._marked.setForeground(0, QColor(theme.tokens().accent))
            self._marked.setFont(0, theme.font(theme.BODY, strong=True))

    def _row(self, parent: QTreeWidget | QTreeWidgetItem, name: str, count: int) -> QTreeWidgetItem:
        row = QTreeWidgetItem(parent, [name, f"{count:,}"])
        row.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.setToolTip(0, name)
        return row

    def _types(self) -> list[QTreeWidgetItem]:
        return [item for (_, fine), item in self._items.items() if fine is None]

    def _node_of(self, item: QTreeWidgetItem | None) -> GalleryClass | None:
        if item is None:
            return None
        parent = item.parent()
        return GalleryClass(item.text(0), None) if parent is None else GalleryClass(parent.text(0), item.text(0))

    def _filter(self) -> None:
        names = {name for node in self._items for name in node if name is not None}
        fitting = set(find(self._search, sorted(names), len(names))) if self._search else names
        for (coarse, fine), item in self._items.items():
            if fine is not None:
                item.setHidden(fine not in fitting and coarse not in fitting)
        shown = {coarse for (coarse, fine), item in self._items.items() if fine is not None and not item.isHidden()}
        for item in self._types():
            beneath = item.text(0) in shown
            item.setHidden(not beneath and item.text(0) not in fitting)
            if self._search:
                item.setExpanded(beneath)
