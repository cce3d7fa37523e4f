"""What a person can do, declared once: buttons, menus, tooltips, shortcuts and the list of keys come from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Generic, TypeVar

from PySide6.QtGui import QKeySequence

PageState = TypeVar("PageState", contravariant=True)
"""The state of a page in plain values, from which it decides what can be done."""
OtherState = TypeVar("OtherState")


def always(_state: object) -> bool:
    """For actions that are always possible."""
    return True


@dataclass(frozen=True)
class Action(Generic[PageState]):
    """One thing that a person can do.

    Attributes:
        id: `page.name`; an action that many pages have is called by its name alone.
        title: in tooltips, menus and the list of keys.
        keys: its key sequences; any of them does it.
        menu: its menu and section, as `export/photos`; empty for none. menu_title: its title there, if that differs.
        icon: of its buttons. view: the view that the keys are for, if a page has several; empty for the whole page.
        enabled: whether it can be done now.
    """

    id: str
    title: str
    keys: tuple[str, ...] = ()
    menu: str = ""
    menu_title: str = ""
    icon: str = ""
    view: str = ""
    enabled: Callable[[PageState], bool] = always

    @property
    def shown(self) -> str:
        """The keys as this desktop writes them."""
        return " or ".join(QKeySequence(text).toString(QKeySequence.SequenceFormat.NativeText) for text in self.keys)

    @property
    def tooltip(self) -> str:
        """Title and keys for a tooltip."""
        return f"{self.title} ({self.shown})" if self.keys else self.title

    def when(self, enabled: Callable[[OtherState], bool]) -> Action[OtherState]:
        """The same action, on a page that knows when it can be done."""
        return Action(self.id, self.title, self.keys, self.menu, self.menu_title, self.icon, self.view, enabled)


@dataclass(frozen=True)
class ActionSet(Generic[PageState]):
    """All actions of a page.

    Attributes:
        title: of the page, as the list of keys has it.
    """

    title: str
    actions: tuple[Action[PageState], ...]

    def __iter__(self) -> Iterator[Action[PageState]]:
        return iter(self.actions)

    def clashes(self) -> list[str]:
        """Keys that two actions would have at the same time."""
        return [
            f"{self.title}: {key} is {first.id} and {second.id}"
            for first, second in combinations(self.actions, 2)
            if first.view == second.view or not (first.view and second.view)
            for key in sorted(_sequences(first) & _sequences(second))
        ]


def _sequences(action: Action[PageState]) -> set[str]:
    """The keys, each in one spelling."""
    return {QKeySequence(text).toString() for text in action.keys}
