"""Every key of the window: actions take their shortcuts from here, tooltips and the list of keys their words."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QKeySequence


@dataclass(frozen=True)
class Key:
    """An action's words and its key sequences; the first one is shown in tooltips."""

    words: str
    sequences: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The sequences as this desktop writes them."""
        return " or ".join(
            QKeySequence(text).toString(QKeySequence.SequenceFormat.NativeText) for text in self.sequences
        )

    @property
    def tooltip(self) -> str:
        """Words and keys for a tooltip."""
        return f"{self.words} ({self.shown})" if self.sequences else self.words


OPEN = Key("open photos", ("Ctrl+O",))
FOLDER = Key("open a folder", ("Ctrl+Shift+O",))
PASTE = Key("paste a photo or files", ("Ctrl+V",))
NEXT = Key("next photo", ("J", "Right"))
PREVIOUS = Key("previous photo", ("K", "Left"))
FIT = Key("fit the photo to the window", ("F",))
ACTUAL = Key("one pixel to one pixel, also by double-click", ("O",))
CROP = Key("draw a crop box, also with Shift and drag", ("B",))
COMPARE = Key("side by side with a neighbour", ("Space",))
BACK = Key("back: close side by side, clear the crop box", ("Esc",))
THEME = Key("change between dark and light", ("Ctrl+T",))
IDENTIFY = Key("the page Identify", ("1",))
HELP = Key("show these keys", ("?",))

ALL = (OPEN, FOLDER, PASTE, NEXT, PREVIOUS, FIT, ACTUAL, CROP, COMPARE, BACK, THEME, IDENTIFY, HELP)
