"""The data for a new training: where the photos are, and what was read there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QPushButton,
    QWidget,
)

from app.core.training.data_survey import KINDS, DataSurvey
from app.ui.widgets.basics import ElidedLabel, WrappedLabel, label
from model.contract.samples import UNKNOWN_CLASS

LABELLED = "labelled"
_LABELLED_WORDS = "the photos that you labelled in this project"
_FILES = {
    "table": ("A table of labelled photos", "Tables (*.csv)"),
    "coco": ("Boxes in photos", "COCO files (*.json)"),
}
"""Kinds of data that are a file: what the dialog is called, and which files it shows."""
_TYPING = 400  # milliseconds after the last key
_SHOWN = 500
_SHORT, _TALL = 72, 16_777_215  # pixels of height that the list may have; the latter is Qt's own limit
_NAMES = 72  # pixels for the names beside the fields


@dataclass(frozen=True, eq=False)
class SurveyRequest:
    """Read this data and `also`; the kind LABELLED has no place, and an empty kind means only `also`."""

    kind: str
    place: str
    also: tuple[str, ...]


class DataChooser(QWidget):
    """Asks for the chosen data to be read, a moment after the last key.

    Attributes:
        data: the shown data, as values of the trainer's `--data`. survey: what was read; None while unknown. awaited:
        the survey that it waits for; the result of another one is outdated.

    Signals:
        survey_wanted: (SurveyRequest)
        changed: something else is chosen, was read, or is passed over
    """

    survey_wanted = Signal(SurveyRequest)
    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.data: Sequence[str] = ()
        self.survey: DataSurvey | None = None
        self.awaited: SurveyRequest | None = None
        self._also: tuple[str, ...] = ()
        self._short = False
        self._typing = QTimer(self, interval=_TYPING, singleShot=True)
        self._make_fields()
        self._lay_out()
        self.kind.currentIndexChanged.connect(lambda _place: self._on_data())
        self.place.textChanged.connect(lambda _text: self._wait())
        self._typing.timeout.connect(self._ask)
        self.choose_button.clicked.connect(self._choose)
        self.more_button.clicked.connect(self._take_more)
        self.alone_button.clicked.connect(lambda: self._learn_also(()))
        self.changed.connect(self._show_preview)
        self.skip_bad.toggled.connect(lambda _on: self.changed.emit())
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
        self.skip_bad = QCheckBox("skip the entries with problems")
        self.kind.setAccessibleName("data")
        self.place.setAccessibleName("place of the data")

    def _lay_out(self) -> None:
        data = QHBoxLayout()
        data.setSpacing(8)
        data.addWidget(self.place, 1)
        data.addWidget(self.choose_button)
        data.addWidget(self.more_button)
        data.addStretch()  # keeps the button small if there is no place to choose
        also = QHBoxLayout()
        also.addWidget(self.also, 1)
        also.addWidget(self.alone_button)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnMinimumWidth(0, _NAMES)
        grid.setColumnStretch(1, 1)
        grid.addWidget(label("learn from"), 0, 0)
        grid.addWidget(self.kind, 0, 1)
        grid.addLayout(data, 1, 1)
        grid.addLayout(also, 2, 1)
        grid.addWidget(self.summary, 3, 1)
        grid.addWidget(self.preview, 4, 1)
        grid.addWidget(self.skip_bad, 5, 1)
        grid.setRowStretch(4, 1)

    def show_survey(self, data: Sequence[str], found: DataSurvey | str) -> None:
        """Show what would be trained on, or what is wrong."""
        self.data = data
        self.survey = None if isinstance(found, str) else found
        self.preview.clear()
        if isinstance(found, str):
            self.summary.set_whole(found.splitlines()[0])
            self.preview.addItems(found.splitlines()[1:])
        else:
            self.summary.set_whole(found.words())
            self.preview.addItems([f"⚠ {problem}" for problem in found.problems[:_SHOWN]])
            for kind, name, count in found.classes[:_SHOWN]:
                self.preview.addItem(f"{count:,} × {name or UNKNOWN_CLASS[0]} ({kind})")
            more = max(len(found.classes) - _SHOWN, 0) + max(len(found.problems) - _SHOWN, 0)
            if more:
                self.preview.addItem(f"and {more:,} more")
        self.skip_bad.setVisible(self.survey is not None and bool(self.survey.problems))
        self.changed.emit()

    def set_short(self, short: bool) -> None:
        """Set whether there is only room for the summary and a few lines of problems."""
        self._short = short
        self._show_preview()

    def _show_preview(self) -> None:
        mended = self.survey is not None and (not self.survey.problems or self.skip_bad.isChecked())
        self.preview.setVisible(not (self._short and mended))
        self.preview.setMaximumHeight(_SHORT if self._short else _TALL)

    # what a person does

    def _on_data(self) -> None:
        needs_place = self.kind.currentData() not in (LABELLED, "demo")
        self.place.setVisible(needs_place)
        self.choose_button.setVisible(needs_place)
        self._wait()

    def _take_more(self) -> None:
        """Keep what is chosen, and choose another place."""
        also = tuple(self.data)
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
        self.survey, self.data = None, ()
        self.awaited = None
        self.preview.clear()
        self.skip_bad.hide()
        self.skip_bad.setChecked(False)
        self.summary.set_whole("")
        self.changed.emit()
        self._typing.start()

    def _ask(self) -> None:
        kind, place = self.kind.currentData(), self.place.text().strip()
        if not place and self.place.isVisibleTo(self):
            if not self._also:
                self.summary.set_whole("choose where the photos are")
                return
            kind = ""
        self.summary.set_whole("reading the photos")
        self.awaited = SurveyRequest(kind, place, self._also)
        self.survey_wanted.emit(self.awaited)

    def _choose(self) -> None:
        start = self.place.text() or str(Path.home())
        if (kind := self.kind.currentData()) in _FILES:
            title, names = _FILES[kind]
            name, _ = QFileDialog.getOpenFileName(self, title, start, names)
        else:
            name = QFileDialog.getExistingDirectory(self, "A folder of labelled photos", start)
        if name:
            self.place.setText(name)
