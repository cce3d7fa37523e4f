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
HEAT = Key("show where the answer comes from", ("H",))
ACCEPT = Key("accept the answer", ("Return", "Enter"))
RELABEL = Key("give another label", ("R",))
TO_TYPE = Key("only the type is sure", ("C",))
TO_UNKNOWN = Key("unknown", ("U",))
EXCLUDE = Key("exclude from exports and filing", ("X",))
ENROL = Key("enrol the chosen photos in the gallery", ("E",))
CLEAR = Key("take your label away", ("Backspace",))
NEXT_UNDECIDED = Key("next undecided photo", ("N",))
PREVIOUS_UNDECIDED = Key("previous undecided photo", ("P",))
LIKE_THIS = Key("select all that are shown as this class", ("S",))
UNDO = Key("undo", ("Ctrl+Z",))
REDO = Key("do again", ("Ctrl+Shift+Z", "Ctrl+Y"))
SEARCH = Key("search in file names and labels", ("Ctrl+F",))
LARGER = Key("larger thumbnails, also with Ctrl and wheel", ("Ctrl++", "Ctrl+="))
SMALLER = Key("smaller thumbnails", ("Ctrl+-",))
THEME = Key("change between dark and light", ("Ctrl+T",))
MODEL_MENU = Key("which identification model is used", ("Ctrl+I",))
IDENTIFY = Key("the page Identify", ("1",))
REVIEW = Key("the page Review", ("2",))
GALLERY = Key("the page Gallery", ("3",))
NEW_CLASS = Key("new class", ("Ctrl+N",))
ADD_PHOTOS = Key("add photos to the class", ("Ctrl+O",))
RENAME = Key("rename the class", ("F2",))
MERGE = Key("merge the class into another one", ("Ctrl+M",))
MOVE = Key("move the class to another type", ("Ctrl+Shift+M",))
RELABEL_REFERENCES = Key("another class for the chosen photos", ("R",))
REMOVE = Key("remove the chosen photos, or the class", ("Del",))
GALLERY_MENU = Key("which gallery is used, import, export", ("Ctrl+G",))
LOCATE = Key("locate pictures that lie elsewhere now", ("Ctrl+Shift+L",))
CLEAN_UP = Key("clean up", ("Ctrl+L",))
SEARCH_CLASSES = Key("search classes", ("Ctrl+F",))
EXPLORE = Key("the page Explore", ("4",))
MOVE_MAP = Key("move the map by dragging", ("V",))
LASSO = Key("choose points with a lasso", ("L",))
BOX = Key("choose points in a box", ("B",))
FIT_MAP = Key("fit the map to the window", ("F",))
FIND_CURRENT = Key("find the photo that is current in Review", ("G",))
SHOW_MAP = Key("the map", ("M",))
SHOW_CONFUSIONS = Key("classes that are taken for each other", ("C",))
SHOW_HIERARCHY = Key("types that are taken for each other", ("H",))
FIND_ON_MAP = Key("find photos on the map by name or class", ("Ctrl+F",))
RELABEL_CHOSEN = Key("give the chosen photos another label", ("R",))
OPEN_CHOSEN = Key("open the chosen photos in Review", ("Return", "Enter"))
TRAIN = Key("the page Train", ("5",))
NEW_TRAINING = Key("new training", ("Ctrl+N",))
ADD_RUN = Key("add the folder of a training that was started elsewhere", ())
LOG_AXIS = Key("logarithmic axis of the curves", ("L",))
EXPORT_CURVES = Key("export the curves", ())
SOONER = Key("begin it sooner", ("Alt+Up",))
LATER = Key("begin it later", ("Alt+Down",))
TRAINER_LOG = Key("what the trainer prints", ("P",))
FIND_IN_LOG = Key("find in the log", ("Ctrl+F",))
ALL_SETTINGS = Key("all settings of a new training", ("Ctrl+E",))
FIND_SETTING = Key("search the settings", ("Ctrl+F",))
SHOW_ALL_SETTINGS = Key("take the search away", ("Esc",))
PUT_BACK = Key("put a setting back to the recipe's value", ("Ctrl+B",))
OPEN_STUDY = Key("open a study", ("S",))
CLOSE_STUDY = Key("back to the trainings", ("Esc",))
STUDY_REPORT = Key("open the study's report", ("Ctrl+R",))
HELP = Key("show these keys", ("?",))

EVERYWHERE = (
    OPEN,
    FOLDER,
    PASTE,
    NEXT,
    PREVIOUS,
    FIT,
    ACTUAL,
    COMPARE,
    HEAT,
    BACK,
    UNDO,
    REDO,
    THEME,
    MODEL_MENU,
    IDENTIFY,
    REVIEW,
    GALLERY,
    EXPLORE,
    TRAIN,
    HELP,
)
ON_IDENTIFY = (CROP,)
ON_REVIEW = (
    *(ACCEPT, RELABEL, TO_TYPE, TO_UNKNOWN, EXCLUDE, ENROL, CLEAR, NEXT_UNDECIDED, PREVIOUS_UNDECIDED),
    *(LIKE_THIS, SEARCH, LARGER, SMALLER),
)
ON_EXPLORE = (
    *(SHOW_MAP, SHOW_CONFUSIONS, SHOW_HIERARCHY, MOVE_MAP, LASSO, BOX, FIT_MAP, FIND_CURRENT, FIND_ON_MAP),
    *(RELABEL_CHOSEN, ENROL, OPEN_CHOSEN),
)

ON_GALLERY = (
    *(NEW_CLASS, ADD_PHOTOS, RENAME, MERGE, MOVE, RELABEL_REFERENCES, REMOVE, CLEAN_UP),
    *(SEARCH_CLASSES, GALLERY_MENU, LOCATE),
)
ON_TRAIN = (
    *(NEW_TRAINING, ALL_SETTINGS, FIND_SETTING, SHOW_ALL_SETTINGS, PUT_BACK, LOG_AXIS, TRAINER_LOG),
    *(FIND_IN_LOG, SOONER, LATER, OPEN_STUDY, CLOSE_STUDY, STUDY_REPORT),
)

SECTIONS = {
    "Keys": EVERYWHERE,
    "Identify": ON_IDENTIFY,
    "Review": ON_REVIEW,
    "Gallery": ON_GALLERY,
    "Explore": ON_EXPLORE,
    "Train": ON_TRAIN,
}
"""As the list of keys shows them."""
