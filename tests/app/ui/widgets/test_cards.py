"""The list of items behind cards."""

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.ui.widgets.cards import ITEM, ItemList


def test_a_list_gives_the_item_its_text_and_its_tooltip(qtbot: QtBot) -> None:
    items: ItemList[tuple[int, str]] = ItemList(lambda one: one[1], lambda one: f"number {one[0]}")
    with qtbot.waitSignal(items.modelReset):
        items.show(((1, "one"), (2, "two")))
    second = items.index(1)
    assert items.rowCount() == 2 and items.rowCount(second) == 0
    assert second.data() == second.data(Qt.ItemDataRole.AccessibleTextRole) == "two"
    assert second.data(Qt.ItemDataRole.ToolTipRole) == "number 2"
    assert second.data(Qt.ItemDataRole.DecorationRole) is None
    items.show(())
    assert items.rowCount() == 0


def test_an_item_comes_back_as_it_is(qtbot: QtBot) -> None:
    thing = {"a": 1}.keys()
    items: ItemList[object] = ItemList(str, str)
    items.show([thing])
    assert items.index(0).data(ITEM) is thing and items.items() == [thing]
