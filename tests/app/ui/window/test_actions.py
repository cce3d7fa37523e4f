"""The actions of the window, page by page: what the list of keys says, what each page listens to, what menus hold."""

from collections.abc import Iterable
from typing import Any

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QLabel, QMenu, QWidget

from app.ui.train.page import TrainPage
from app.ui.widgets.action import Action, ActionSet
from app.ui.window import actions
from app.ui.window.help_sheet import HelpSheet
from app.ui.window.main_window import MainWindow
from tests.app.ui.conftest import OpenWindow

EVERYWHERE = {
    "open photos": "Ctrl+O",
    "open a folder": "Ctrl+Shift+O",
    "paste a photo or files": "Ctrl+V",
    "next photo": "J Right",
    "previous photo": "K Left",
    "fit the photo to the window": "F",
    "one pixel to one pixel, also by double-click": "O",
    "side by side with a neighbour": "Space",
    "show where the answer comes from": "H",
    "back: close side by side, clear the crop box": "Esc",
    "undo": "Ctrl+Z",
    "redo": "Ctrl+Shift+Z Ctrl+Y",
    "change between dark and light": "Ctrl+T",
    "choose the identification model": "Ctrl+I",
    "the page Identify": "1",
    "the page Review": "2",
    "the page Gallery": "3",
    "the page Explore": "4",
    "the page Train": "5",
    "show these keys": "?",
}
ON_REVIEW = {
    "accept the answer": "Return Enter",
    "give another label": "R",
    "keep the type only": "C",
    "unknown": "U",
    "exclude from exports and filing": "X",
    "enrol the chosen photos in the gallery": "E",
    "clear your label": "Backspace",
    "next undecided photo": "N",
    "previous undecided photo": "P",
    "select all that are shown as this class": "S",
    "search in file names and labels": "Ctrl+F",
    "larger thumbnails, also with Ctrl and wheel": "Ctrl++ Ctrl+=",
    "smaller thumbnails": "Ctrl+-",
}
ON_GALLERY = {
    "new class": "Ctrl+N",
    "add photos to the class": "Ctrl+O",
    "rename the class": "F2",
    "merge the class into another one": "Ctrl+M",
    "move the class to another type": "Ctrl+Shift+M",
    "another class for the chosen photos": "R",
    "remove the chosen photos, or the class": "Del",
    "clean up": "Ctrl+L",
    "search classes": "Ctrl+F",
    "choose, import or export a gallery": "Ctrl+G",
    "locate pictures that have moved": "Ctrl+Shift+L",
}
ON_EXPLORE = {
    "the map": "M",
    "classes that are taken for each other": "C",
    "types that are taken for each other": "H",
    "move the map by dragging": "V",
    "choose points with a lasso": "L",
    "choose points in a box": "B",
    "fit the map to the window": "F",
    "find the photo that is current in Review": "G",
    "find photos on the map by name or class": "Ctrl+F",
    "give the chosen photos another label": "R",
    "enrol the chosen photos in the gallery": "E",
    "open the chosen photos in Review": "Return Enter",
}
ON_TRAIN = {
    "new training": "Ctrl+N",
    "all settings of a new training": "Ctrl+E",
    "search the settings": "Ctrl+F",
    "clear the search": "Esc",
    "reset a setting to the recipe's value": "Ctrl+B",
    "logarithmic axis of the curves": "L",
    "show the trainer's log": "P",
    "find in the log": "Ctrl+F",
    "start it sooner": "Alt+Up",
    "start it later": "Alt+Down",
    "open a study": "S",
    "back to the trainings": "Esc",
    "open the study's report": "Ctrl+R",
}
LISTED = {
    "Keys": EVERYWHERE,
    "Identify": {"draw a crop box, also with Shift and drag": "B"},
    "Review": ON_REVIEW,
    "Gallery": ON_GALLERY,
    "Explore": ON_EXPLORE,
    "Train": ON_TRAIN,
}

# Space is heard by the photo and by the strip, Del by the classes and by the photos of the page Gallery.
HEARD = {
    "identify": "B Ctrl+O Ctrl+Shift+O Ctrl+T Ctrl+V Esc F H J K Left O Right Space Space",
    "review": "Backspace C Ctrl++ Ctrl+- Ctrl+= Ctrl+F Ctrl+Shift+O Ctrl+Shift+Z Ctrl+T Ctrl+Y Ctrl+Z E Enter Esc F H "
    "J K N O P R Return S Space U X",
    "gallery": "Ctrl+F Ctrl+G Ctrl+L Ctrl+M Ctrl+N Ctrl+O Ctrl+Shift+L Ctrl+Shift+M Ctrl+Shift+Z Ctrl+T Ctrl+Y Ctrl+Z "
    "Del Del Esc F2 R",
    "explore": "B C Ctrl+F Ctrl+Shift+O Ctrl+Shift+Z Ctrl+T Ctrl+Y Ctrl+Z E Enter Esc F G H L M R Return V",
    "train": "Alt+Down Alt+Up Ctrl+F Ctrl+N Ctrl+R Ctrl+T Esc L P S",
    "rail": "1 2 3 4 5",
}


def written(keys: str) -> str:
    """Keys as the list of keys writes them on this desktop."""
    native = QKeySequence.SequenceFormat.NativeText
    return " or ".join(QKeySequence(one).toString(native) for one in keys.split())


def listed(sheet: HelpSheet) -> dict[str, dict[str, str]]:
    """The list of keys as a person reads it: section -> title -> keys."""
    sections: dict[str, dict[str, str]] = {}
    words = iter(sheet.findChildren(QLabel))
    for one in words:
        if one.property("kind") == "title":
            section = sections.setdefault(one.text(), {})
        else:
            section[one.text()] = next(words).text()
    return sections


def heard(widget: QWidget) -> list[str]:
    """The keys that a widget and those in it listen to."""
    return sorted(one.key().toString() for one in widget.findChildren(QShortcut))


def test_the_list_of_keys_names_every_key(open_marque: OpenWindow) -> None:
    found = listed(open_marque().help)
    assert list(found) == list(LISTED)
    for title, section in LISTED.items():
        expected = {words: written(keys) for words, keys in section.items()}
        assert list(found[title].items()) == list(expected.items())


def test_each_page_listens_to_its_keys(open_marque: OpenWindow) -> None:
    window = open_marque()
    assert {name: " ".join(heard(getattr(window, name))) for name in HEARD} == HEARD


def all_sets(window: MainWindow) -> list[ActionSet[Any]]:
    """The actions of each page, and the window's own."""
    return [*(page.action_set for page in window.all_pages), actions.of_window(window.all_pages)]


def clashes(page: ActionSet[Any], of_window: Iterable[Action[object]]) -> list[str]:
    """Keys that do two things on a page; the window's own keys act on all of them."""
    return ActionSet(page.title, (*of_window, *page)).clashes()


def test_no_page_has_two_actions_with_one_key(open_marque: OpenWindow) -> None:
    pages = open_marque().all_pages
    assert [found for page in pages for found in clashes(page.action_set, actions.of_window(pages))] == []


def test_a_key_that_does_two_things_is_found() -> None:
    of_window = [TrainPage.show_action()]
    copy, cut = Action[object]("page.copy", "copy", ("C", "Del")), Action[object]("page.cut", "cut", ("Delete",))
    assert clashes(ActionSet("Page", (copy, cut)), of_window) == ["Page: Del is page.copy and page.cut"]
    fifth = Action[object]("page.fifth", "fifth", ("5",))
    assert clashes(ActionSet("Page", (copy, fifth)), of_window) == ["Page: 5 is window.train and page.fifth"]
    in_list = Action[object]("page.open", "open", ("O",), view="list")
    in_form = Action[object]("page.other", "other", ("O",), view="form")
    anywhere = Action[object]("page.out", "out", ("O",))
    assert clashes(ActionSet("Page", (in_list, in_form)), of_window) == []
    assert clashes(ActionSet("Page", (in_list, anywhere)), of_window) == ["Page: O is page.open and page.out"]


def test_an_id_names_one_action(open_marque: OpenWindow) -> None:
    for one in all_sets(open_marque()):
        names = [action.id for action in one]
        assert len(set(names)) == len(names)


def test_each_page_listens_to_the_keys_of_its_actions_and_to_no_others(open_marque: OpenWindow) -> None:
    for page in open_marque().all_pages:
        # the form of a new training is a window of its own
        keys = [key for action in page.action_set if action.view != "new training" for key in action.keys]
        assert set(heard(page)) == {QKeySequence(key).toString() for key in keys}


def test_each_menu_holds_its_actions(open_marque: OpenWindow) -> None:
    window = open_marque()
    entries = {entry.text().partition("\t")[0] for menu in window.findChildren(QMenu) for entry in menu.actions()}
    for one in all_sets(window):
        assert {action.menu_title or action.title for action in one if action.menu} <= entries
