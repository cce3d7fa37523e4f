"""A new training: what it learns from, a recipe, and the few settings that a person may want to change."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.core.paces import CPU, CUDA, Pace
from app.core.recipes import (
    BACKBONES,
    LARGEST_SIZE,
    RECIPE_WORDS,
    RECIPES,
    SIZE_STEP,
    SMALLEST_SIZE,
    STARTS,
    Recipe,
    estimate,
    is_known,
    rough,
)
from app.core.runs import HOW_TO_INSTALL
from app.core.survey import KINDS, Survey
from app.ui.widgets import ElidedLabel, WrappedLabel, label

LABELLED = "labelled"
_LABELLED_WORDS = "the photos that you labelled in this project"
_TYPING = 400  # milliseconds after the last key
_SHOWN = 500
_MEASURE = "train a few steps of this network on this computer, which takes about a minute"
_BUSY = "a training runs now, so the pace would be wrong"


class NewTraining(QDialog):
    """Shows what would be trained on as soon as it is chosen; nothing is started before the button.

    Signals:
        survey_wanted: (kind, place, also) read this data, and that of `also`; the kind LABELLED has no place, and
            no kind means that of `also` alone
        agreed: (name, arguments of the trainer)
        pace_wanted: (backbone, size) measure how fast this computer trains it
        pace_unwanted: measure no longer
    """

    survey_wanted = Signal(str, str, object)
    agreed = Signal(str, list)
    pace_wanted = Signal(str, int)
    pace_unwanted = Signal()

    def __init__(self, missing: list[str], *, gpu: bool, taken: set[str], parent: QWidget | None = None) -> None:
        """Args: missing: libraries; gpu: whether a GPU would train; taken: names of the other trainings."""
        super().__init__(parent)
        self.setWindowTitle("Train a model")
        self.resize(720, 600)
        self._missing, self._device, self._taken = missing, CUDA if gpu else CPU, taken
        self._data: Sequence[str] = ()
        self._also: tuple[str, ...] = ()
        self._survey: Survey | None = None
        self._trained: list[Pace] = []
        self._measured: list[Pace] = []
        self._measuring = self._busy = False
        self._typing = QTimer(self, interval=_TYPING, singleShot=True)
        self._make_fields()
        self._lay_out()
        self._connect()
        self._take_recipe("good")
        self._learn_also(())

    def _make_fields(self) -> None:
        self.kind = QComboBox()
        for kind, words in ({"folder": KINDS["folder"], LABELLED: _LABELLED_WORDS} | KINDS).items():
            self.kind.addItem(words, kind)
        self.place = QLineEdit()
        self.choose_button = QPushButton("choose…")
        self.more_button = QPushButton("and more…")
        self.more_button.setToolTip("learn from another place too")
        self.also = ElidedLabel(kind="muted")
        self.alone_button = QPushButton("leave them out")
        self.alone_button.setToolTip("learn only from what is chosen above")
        self.summary = WrappedLabel()
        self.preview = QListWidget()
        self.preview.setObjectName("list")
        self.skip_bad = QCheckBox("pass over the entries with problems")
        self.name = QLineEdit(f"{datetime.now():%Y-%m-%d %H.%M}")
        self.epochs, self.side = QSpinBox(), QSpinBox()
        self.epochs.setRange(1, 1000)
        self.side.setRange(SMALLEST_SIZE, LARGEST_SIZE)
        self.side.setSingleStep(SIZE_STEP)
        self.side.setSuffix(" pixels")
        for box in (self.epochs, self.side):
            box.lineEdit().setTextMargins(8, 0, 8, 0)  # the stylesheet's padding does not reach it
        self.backbone = QComboBox()
        for name, words in BACKBONES.items():
            self.backbone.addItem(f"{name}: {words}", name)
        self.weights = QComboBox()
        for name, words in STARTS.items():
            self.weights.addItem(words, name)
        self.weights.addItem("a file (.safetensors, .pth)…", "")
        self.time = label("", "muted")
        self.time.setWordWrap(True)
        self.measure_button = QPushButton("measure")
        self.start_button = QPushButton("start training")
        self.start_button.setProperty("kind", "primary")
        for field, words in (
            *((self.kind, "data"), (self.place, "place of the data"), (self.name, "name"), (self.epochs, "epochs")),
            *((self.side, "size of the picture"), (self.backbone, "backbone"), (self.weights, "starting weights")),
        ):
            field.setAccessibleName(words)

    def _lay_out(self) -> None:
        data = QHBoxLayout()
        data.setSpacing(8)
        data.addWidget(self.place, 1)
        data.addWidget(self.choose_button)
        data.addWidget(self.more_button)
        also = QHBoxLayout()
        also.addWidget(self.also, 1)
        also.addWidget(self.alone_button)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        grid.addWidget(label("learn from"), 0, 0)
        grid.addWidget(self.kind, 0, 1, 1, 3)
        grid.addLayout(data, 1, 1, 1, 3)
        grid.addLayout(also, 2, 1, 1, 3)
        grid.addWidget(self.summary, 3, 1, 1, 3)
        grid.addWidget(self.preview, 4, 1, 1, 3)
        grid.addWidget(self.skip_bad, 5, 1, 1, 3)
        grid.addWidget(label("recipe"), 6, 0)
        grid.addLayout(self._recipes(), 6, 1, 1, 3)
        for row, place, words, field in (
            *((7, 0, "name", self.name), (7, 2, "backbone", self.backbone), (8, 0, "epochs", self.epochs)),
            *((8, 2, "start from", self.weights), (9, 0, "size", self.side)),
        ):
            grid.addWidget(label(words), row, place)
            grid.addWidget(field, row, place + 1)
        time = QHBoxLayout()
        time.addWidget(self.time, 1)
        time.addWidget(self.measure_button)
        grid.addLayout(time, 9, 2, 1, 2)
        grid.setRowStretch(4, 1)
        cancel = QPushButton("cancel")
        cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        words = "It goes on when the window is closed, and can be stopped and resumed."
        if self._missing:
            words = f"Training needs more libraries: {HOW_TO_INSTALL}\nNot installed: {', '.join(self._missing)}"
        note = label(words, "muted")
        note.setWordWrap(True)
        buttons.addWidget(note, 1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.start_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        column.addLayout(grid, 1)
        column.addLayout(buttons)

    def _recipes(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(16)
        self._recipe_group = QButtonGroup(self)
        self.recipes: dict[str, QRadioButton] = {}
        for name, words in RECIPE_WORDS.items():
            button = self.recipes[name] = QRadioButton(name)
            button.setToolTip(words)
            self._recipe_group.addButton(button)
            button.clicked.connect(partial(self._take_recipe, name))
            row.addWidget(button)
        self._recipe_words = label("", "muted")
        row.addWidget(self._recipe_words, 1)
        return row

    def _connect(self) -> None:
        self.kind.currentIndexChanged.connect(lambda _place: self._on_data())
        self.place.textChanged.connect(lambda _text: self._wait())
        self._typing.timeout.connect(self._ask)
        self.choose_button.clicked.connect(self._choose)
        self.more_button.clicked.connect(self._take_more)
        self.alone_button.clicked.connect(lambda: self._learn_also(()))
        self.name.textChanged.connect(lambda _text: self._update())
        self.skip_bad.toggled.connect(lambda _on: self._update())
        for box in (self.epochs, self.side):
            box.valueChanged.connect(lambda _value: self._update())
        self.backbone.currentIndexChanged.connect(lambda _place: self._update())
        self.weights.activated.connect(self._on_weights)
        self.measure_button.clicked.connect(self._on_measure)
        self.start_button.clicked.connect(self._agree)

    # what is asked and what comes

    def show_paces(self, trained: list[Pace] | None, measured: list[Pace]) -> None:
        """How fast earlier trainings went (None: as before), and what was measured."""
        self._trained = self._trained if trained is None else trained
        self._measured = measured
        self._update()

    def show_measuring(self, measuring: bool, busy: bool) -> None:
        """Whether something is measured now; whether a training runs, beside which the pace would be wrong."""
        self._measuring, self._busy = measuring, busy
        self._update()

    def show_survey(self, data: Sequence[str], found: Survey | str) -> None:
        """What would be trained on, or what is wrong."""
        self._data = data
        self._survey = None if isinstance(found, str) else found
        self.preview.clear()
        if isinstance(found, str):
            self.summary.set_whole(found.splitlines()[0])
            self.preview.addItems(found.splitlines()[1:])
        else:
            self.summary.set_whole(found.words())
            self.preview.addItems([f"⚠ {problem}" for problem in found.problems[:_SHOWN]])
            for kind, name, count in found.classes[:_SHOWN]:
                self.preview.addItem(f"{count:,} × {name or 'class not known'} ({kind})")
            more = max(len(found.classes) - _SHOWN, 0) + max(len(found.problems) - _SHOWN, 0)
            if more:
                self.preview.addItem(f"and {more:,} more")
        self.skip_bad.setVisible(self._survey is not None and bool(self._survey.problems))
        self._update()

    def recipe(self) -> Recipe:
        """The settings as they are now."""
        return Recipe(
            self.backbone.currentData(),
            self.side.value(),
            self.epochs.value(),
            self.weights.currentData() or "imagenet",
        )

    def _take_recipe(self, name: str, _checked: bool = False) -> None:
        recipe = RECIPES[name]
        self.recipes[name].setChecked(True)
        self._recipe_words.setText(RECIPE_WORDS[name])
        self.backbone.setCurrentIndex(self.backbone.findData(recipe.backbone))
        self.side.setValue(recipe.size)
        self.epochs.setValue(recipe.epochs)
        self._update()

    def _on_data(self) -> None:
        needs_place = self.kind.currentData() not in (LABELLED, "demo")
        self.place.setVisible(needs_place)
        self.choose_button.setVisible(needs_place)
        self._wait()

    def _take_more(self) -> None:
        """Keep what is chosen, and choose another place."""
        also = tuple(self._data)
        self.place.clear()
        self.kind.setCurrentIndex(0)
        self._learn_also(also)

    def _learn_also(self, also: tuple[str, ...]) -> None:
        self._also = also
        words = [place if kind != "demo" else KINDS["demo"] for kind, _, place in (one.partition(":") for one in also)]
        self.also.set_whole(f"and from {', '.join(words)}" if words else "")
        for widget in (self.also, self.alone_button):
            widget.setVisible(bool(also))
        self._on_data()

    def _wait(self) -> None:
        self._survey, self._data = None, ()
        self.preview.clear()
        self.skip_bad.hide()
        self.skip_bad.setChecked(False)
        self.summary.set_whole("")
        self._update()
        self._typing.start()

    def _ask(self) -> None:
        kind, place = self.kind.currentData(), self.place.text().strip()
        if not place and self.place.isVisibleTo(self):
            if not self._also:
                self.summary.set_whole("choose where the photos are")
                return
            kind = ""
        self.summary.set_whole("reading the photos")
        self.survey_wanted.emit(kind, place, self._also)

    def _choose(self) -> None:
        start = self.place.text() or str(Path.home())
        if self.kind.currentData() == "table":
            name, _ = QFileDialog.getOpenFileName(self, "A table of labelled photos", start, "Tables (*.csv)")
        else:
            name = QFileDialog.getExistingDirectory(self, "A folder of labelled photos", start)
        if name:
            self.place.setText(name)

    def _on_weights(self, place: int) -> None:
        if place != self.weights.count() - 1:
            return
        name, _ = QFileDialog.getOpenFileName(
            self, "Starting weights", str(Path.home()), "Weights (*.safetensors *.pth)"
        )
        if not name:
            self.weights.setCurrentIndex(0)
            return
        self.weights.insertItem(place, Path(name).name, str(Path(name).absolute()))
        self.weights.setCurrentIndex(place)

    def _update(self) -> None:
        name, survey = self.name.text().strip(), self._survey
        problem = ""
        if survey is not None and survey.problems and not self.skip_bad.isChecked():
            problem = "Mend the entries with problems, or pass over them."
        elif not name:
            problem = "Give the training a name."
        elif name in self._taken:
            problem = f"There is a training '{name}' already; choose another name."
        self.more_button.setEnabled(survey is not None)
        self.start_button.setEnabled(survey is not None and not problem and not self._missing)
        self.time.setText(problem or self._time_words())
        known = is_known(self.recipe(), self._device, (*self._trained, *self._measured))
        self.measure_button.setText("stop" if self._measuring else "measure")
        self.measure_button.setVisible(survey is not None and not problem and (self._measuring or not known))
        self.measure_button.setEnabled(self._measuring or not (self._missing or self._busy))
        self.measure_button.setToolTip(_BUSY if self._busy else _MEASURE)

    def _time_words(self) -> str:
        if self._survey is None:
            return ""
        if self._measuring:
            return "Training a few steps on this computer, to measure."
        photos, processors = self._survey.photos, os.cpu_count() or 1
        found = estimate(self.recipe(), photos, self._device, self._trained, self._measured, processors)
        if found is None:
            return "How long it takes is known after its first steps."
        seconds, rests_on = found
        return f"Takes {rough(seconds)}, {rests_on}."

    def _on_measure(self) -> None:
        if self._measuring:
            self.pace_unwanted.emit()
        else:
            self.pace_wanted.emit(self.backbone.currentData(), self.side.value())

    def _agree(self) -> None:
        arguments = self.recipe().arguments(self._data, skip_bad=self.skip_bad.isChecked())
        self.agreed.emit(self.name.text().strip(), arguments)
        self.accept()
