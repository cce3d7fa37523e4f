"""A new training: its data, a recipe, the few settings that most people need, and all others folded away."""

from __future__ import annotations

import os
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.core.training.paces import CPU, CUDA
from app.core.training.recipes import (
    BACKBONES,
    LARGEST_SIZE,
    RECIPE_WORDS,
    RECIPES,
    SIZE_STEP,
    SMALLEST_SIZE,
    STARTS,
    estimate,
    is_known,
    network_of,
    rough,
)
from app.core.training.runs import HOW_TO_INSTALL
from app.core.training.setting_values import Checked, arguments, check
from app.core.training.training_watch import StartingPoint
from app.ui.train.all_settings import AllSettings
from app.ui.train.data_chooser import DataChooser
from app.ui.train.training_session import WantedTraining
from app.ui.widgets.basics import ElidedBox, label
from model.contract.commands import PaceReport
from model.contract.config import Config

_MEASURE = "train a few steps of this network on this computer, which takes about a minute"
_BUSY = "a training is running, so the pace would be wrong"
_WIDTH, _HEIGHT, _UNFOLDED_HEIGHT = 760, 620, 860
_NAMES = 72  # pixels for the names beside the fields, as in the chooser of data
_CHOICE = 24  # least number of letters that a choice has room for


class NewTraining(QDialog):
    """Shows what would be trained on as soon as it is chosen; nothing starts before the button.

    Attributes: starting: name of the training that is being started, or empty.

    Signals:
        agreed: (WantedTraining); the form closes when `show_begun` says that it has begun
        name_wanted: (name) can a new training have it? `show_name` takes the answer
        pace_wanted: (backbone, size) measure how fast this computer trains it
        pace_unwanted: stop measuring
    """

    agreed = Signal(WantedTraining)
    name_wanted = Signal(str)
    pace_wanted = Signal(str, int)
    pace_unwanted = Signal()

    def __init__(self, missing: list[str], *, gpu: bool, taken: set[str], parent: QWidget | None = None) -> None:
        """Args: missing: libraries; gpu: whether a GPU would train; taken: names of the other trainings."""
        super().__init__(parent)
        self.setWindowTitle("Train a model")
        self.resize(_WIDTH, _HEIGHT)
        self._missing, self._gpu, self._taken = missing, gpu, taken
        self._trained: list[PaceReport] = []
        self._measured: list[PaceReport] = []
        self._measuring = self._busy = False
        self._starts: dict[str, StartingPoint] = {}
        self.starting = self._refused = self._name_refused = ""
        self._make_fields()
        self._lay_out()
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)  # Enter in a field presses no button
        self._take_recipe("good")
        self._connect()
        self._update()

    def _make_fields(self) -> None:
        self.data = DataChooser()
        self.name = QLineEdit(f"{datetime.now():%Y-%m-%d %H.%M}")
        self.name_problem = label("", "danger")
        self.name_problem.setWordWrap(True)
        self.name_problem.hide()
        self.epochs, self.side = QSpinBox(), QSpinBox()
        self.epochs.setRange(1, 1000)
        self.side.setRange(SMALLEST_SIZE, LARGEST_SIZE)
        self.side.setSingleStep(SIZE_STEP)
        self.side.setSuffix(" pixels")
        for box in (self.epochs, self.side):
            box.lineEdit().setTextMargins(8, 0, 8, 0)  # the stylesheet's padding does not reach it
        self.backbone, self.weights = ElidedBox(), ElidedBox()
        for choice in (self.backbone, self.weights):  # a long name does not push the other fields together
            choice.setSizeAdjustPolicy(choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            choice.setMinimumContentsLength(_CHOICE)
        for name, words in BACKBONES.items():
            self.backbone.addItem(f"{name}: {words}", name)
        for start, words in STARTS.items():
            self.weights.addItem(words, start)
        self.weights.addItem("a file (.onnx, .safetensors, .pth)…", "")
        self.all = AllSettings()
        self.all.bind_keys(self)
        self.time = label("", "muted")
        self.time.setWordWrap(True)
        self.measure_button = QPushButton("measure")
        self.start_button = QPushButton("start training")
        self.start_button.setProperty("kind", "primary")
        for field, words in (
            *((self.name, "name"), (self.epochs, "epochs"), (self.side, "size of the picture")),
            *((self.backbone, "backbone"), (self.weights, "starting weights")),
        ):
            field.setAccessibleName(words)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnMinimumWidth(0, _NAMES)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 2)
        grid.addWidget(label("recipe"), 0, 0)
        grid.addLayout(self._recipes(), 0, 1, 1, 3)
        grid.addWidget(self.name_problem, 2, 1, 1, 3)
        for row, place, words, field in (
            *((1, 0, "name", self.name), (1, 2, "backbone", self.backbone), (3, 0, "epochs", self.epochs)),
            *((3, 2, "start from", self.weights), (4, 0, "size", self.side)),
        ):
            grid.addWidget(label(words), row, place)
            grid.addWidget(field, row, place + 1)
        time = QHBoxLayout()
        time.addWidget(self.time, 1)
        time.addWidget(self.measure_button)
        cancel = QPushButton("cancel")
        cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        words = "It keeps running when the window is closed, and can be stopped and resumed."
        if self._missing:
            words = f"Training needs more libraries: {HOW_TO_INSTALL}\nNot installed: {', '.join(self._missing)}"
        note = label(words, "muted")
        note.setWordWrap(True)
        buttons.addWidget(note, 1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.start_button)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(24, 16, 24, 16)
        self._column.setSpacing(8)
        self._column.addWidget(self.data, 1)
        self._column.addLayout(grid)
        self._column.addWidget(self.all)
        self._column.addLayout(time)
        self._column.addLayout(buttons)

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
        self.data.changed.connect(self._update)
        self.all.edited.connect(self._update)
        self.all.unfolded.connect(self._on_unfolded)
        self.name.textChanged.connect(lambda _text: self._on_name())
        for box in (self.epochs, self.side):
            box.valueChanged.connect(lambda _value: self._update())
        for choice in (self.backbone, self.weights):
            choice.currentIndexChanged.connect(lambda _place: self._update())
        self.weights.activated.connect(self._on_weights)
        self.measure_button.clicked.connect(self._on_measure)
        self.start_button.clicked.connect(self._agree)

    # answers to the form's questions

    def show_paces(self, trained: list[PaceReport] | None, measured: list[PaceReport]) -> None:
        """Take the paces of earlier trainings (None: as before), and what was measured."""
        self._trained = self._trained if trained is None else trained
        self._measured = measured
        self._update()

    def show_starts(self, starts: list[StartingPoint]) -> None:
        """Take what this training can continue from."""
        for start in starts:
            self._starts[str(start.weights)] = start
            self.weights.insertItem(self.weights.count() - 1, start.name, str(start.weights))

    def show_name(self, name: str, problem: str) -> None:
        """Take what is wrong with a name, empty if nothing is; ignored if the name is another one by now."""
        if name == self._name():
            self._name_refused = _sentence(problem)
            self._update()

    def show_begun(self, problem: str) -> None:
        """The training has begun; or not, with the reason: then another try may succeed."""
        self.starting, self._refused = "", _sentence(problem)
        if not problem:
            self.accept()
            return
        self.name_wanted.emit(self._name())
        self._update()

    def show_measuring(self, measuring: bool, busy: bool) -> None:
        """Take whether something is measured now, and whether a training runs, beside which the pace would be wrong."""
        self._measuring, self._busy = measuring, busy
        self._update()

    def checked(self) -> Checked:
        """The current settings, those above and those folded away, and what is wrong with them."""
        above: dict[str, Any] = {
            "data.data": tuple(self.data.data),
            "data.skip_bad": self.data.skip_bad.isChecked(),
            "network.backbone": self.backbone.currentData(),
            "network.weights": self.weights.currentData() or "imagenet",
            "input.size": self.side.value(),
            "optimiser.epochs": self.epochs.value(),
        }
        return check(self.all.entries(), above)

    def _take_recipe(self, name: str, _checked: bool = False) -> None:
        recipe = RECIPES[name]
        self.recipes[name].setChecked(True)
        self._recipe_words.setText(RECIPE_WORDS[name])
        self.backbone.setCurrentIndex(self.backbone.findData(recipe.network.backbone))
        self.side.setValue(recipe.input.size or 0)
        self.epochs.setValue(recipe.optimiser.epochs or 0)
        self.all.fill(recipe)

    def _on_unfolded(self, on: bool) -> None:
        """The list of data makes room for the settings; its summary stays."""
        self.data.set_short(on)
        self._column.setStretchFactor(self.data, 0 if on else 1)
        self._column.setStretchFactor(self.all, 1 if on else 0)
        if on:
            self.resize(self.width(), max(self.height(), min(_UNFOLDED_HEIGHT, self._room())))

    def _room(self) -> int:
        """Pixels of height that the form may take: as much as the window behind it, and at least its present height."""
        behind = self.parentWidget()
        return max(_HEIGHT, behind.window().height() if behind is not None else _UNFOLDED_HEIGHT)

    def _on_weights(self, place: int) -> None:
        start = self._starts.get(self.weights.currentData())
        if start is not None:
            self.backbone.setCurrentIndex(self.backbone.findData(start.backbone))
        if place != self.weights.count() - 1:
            return
        name, _ = QFileDialog.getOpenFileName(
            self, "Starting weights", str(Path.home()), "Weights (*.onnx *.safetensors *.pth)"
        )
        if not name:
            self.weights.setCurrentIndex(0)
            return
        self.weights.insertItem(place, Path(name).name, str(Path(name).absolute()))
        self.weights.setCurrentIndex(place)

    def _on_name(self) -> None:
        self._refused = self._name_refused = ""
        self.name_wanted.emit(self._name())
        self._update()

    def _name(self) -> str:
        return self.name.text().strip()

    def _name_wrong(self) -> str:
        name = self._name()
        if not name:
            return "Give the training a name."
        if name in self._taken:
            return f"There is a training '{name}' already; choose another name."
        return self._name_refused

    def _update(self) -> None:
        name_wrong, survey, checked = self._name_wrong(), self.data.survey, self.checked()
        self.all.show_problems(checked.problems)
        self.name_problem.setText(name_wrong)
        self.name_problem.setVisible(bool(name_wrong))
        problem = ""
        if survey is not None and survey.problems and not self.data.skip_bad.isChecked():
            problem = "Correct the entries with problems, or skip them."
        elif survey is not None and survey.obstacle:
            problem = f"{survey.obstacle[0].upper()}{survey.obstacle[1:]}."
        elif name_wrong:
            problem = name_wrong
        elif checked.config is None:
            problem = checked.first()
        else:
            problem = self._start_problem()
        self.data.more_button.setEnabled(survey is not None)
        self.start_button.setEnabled(survey is not None and not (problem or self._missing or self.starting))
        self.start_button.setToolTip(problem)
        self.time.setText(problem or self._refused or self._time_words(checked.config))
        known = checked.config is not None and is_known(
            checked.config, self._device(checked.config), (*self._trained, *self._measured)
        )
        self.measure_button.setText("stop" if self._measuring else "measure")
        self.measure_button.setVisible(survey is not None and not problem and (self._measuring or not known))
        self.measure_button.setEnabled(self._measuring or not (self._missing or self._busy))
        self.measure_button.setToolTip(_BUSY if self._busy else _MEASURE)

    def _start_problem(self) -> str:
        start = self._starts.get(self.weights.currentData())
        if start is None or start.backbone == self.backbone.currentData():
            return ""
        return f"{start.name} has the backbone {start.backbone}: choose that backbone, or another start."

    def _device(self, config: Config) -> str:
        return CUDA if self._gpu and config.machine.accelerator != "cpu" else CPU

    def _time_words(self, config: Config | None) -> str:
        if self.data.survey is None or config is None:
            return ""
        if self._measuring:
            return "Training a few steps on this computer, to measure."
        photos, processors = self.data.survey.photos, os.cpu_count() or 1
        found = estimate(config, photos, self._device(config), self._trained, self._measured, processors)
        if found is None:
            return "How long it takes is known after its first steps."
        seconds, rests_on = found
        return f"Takes {rough(seconds)}, {rests_on}."

    def _on_measure(self) -> None:
        config = self.checked().config
        if self._measuring:
            self.pace_unwanted.emit()
        elif config is not None:
            self.pace_wanted.emit(*network_of(config))

    def _agree(self) -> None:
        config = self.checked().config
        assert config is not None, "the button is off while a setting is wrong"
        self.starting, self._refused = self._name(), ""
        self._update()
        self.agreed.emit(WantedTraining(self.starting, arguments(config)))


def _sentence(problem: str) -> str:
    return f"{problem[0].upper()}{problem[1:]}." if problem else ""
