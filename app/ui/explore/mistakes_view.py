"""The views of mistakes: pairs of classes that are taken for each other, and the types between which that happens."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from app.core.explore.confusion import ConfusedPair
from app.core.recognition.features import NOBODY
from app.ui.background.photo_loading import Thumbnails
from app.ui.explore.mistake_examples import MistakeExamples, OpenedExample
from app.ui.explore.mistakes_session import Findings, KnownClass, MistakesSession, Truth, TruthChoices
from app.ui.explore.pair_table import PairTable
from app.ui.explore.type_borders import TypeBorders
from app.ui.explore.type_matrix import TypeMatrix
from app.ui.page.navigation import CurrentPhoto, PageRequest, ShowClass, ShowPhotos, ShowProject
from app.ui.project.open_project import OpenProject
from app.ui.widgets.basics import ElidedLabel, Splitter, for_button, small_button
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.status_face import percent
from model.system.wording import counted

_NOTHING = {
    KnownClass.PERSON: (
        "See what the identification model confuses",
        "Accept or correct some photos in Review; your labels are compared with its answers.",
        "go to Review",
    ),
    KnownClass.GALLERY: (
        "The gallery has nothing to compare",
        "With two photos or more, each is identified by the others.",
        "",
    ),
    KnownClass.TEST: (
        "None of its test photos is in the project",
        "Once they are identified, the answers are compared with the labels that the training has.",
        "identify the test photos",
    ),
}


class _Place(IntEnum):
    WAITING, NOTHING, CONFUSIONS, HIERARCHY = range(4)


class MistakesView(QFrame):
    """Signals:
    requested: (PageRequest) another page is to show something
    photo_wanted: (CurrentPhoto) make it current in Review
    cell_chosen: (type, type it is taken for) the pairs behind it are listed now
    """

    requested = Signal(PageRequest)
    photo_wanted = Signal(CurrentPhoto)
    cell_chosen = Signal(str, str)

    def __init__(self, project: OpenProject, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._project = project
        self.judge = MistakesSession(project, self)
        self._truths: Sequence[Truth] = (self.judge.truth,)
        self._findings: Findings | None = None
        self._known = self.judge.truth.known
        self._hierarchy = False
        self._between: tuple[str, str] | None = None
        self.summary = ElidedLabel()
        self.absent_button = QPushButton()
        self.filter_button = small_button("x", "all pairs again (Esc)")
        self.filter_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.table, self.examples, self.matrix = PairTable(), MistakeExamples(thumbnails), TypeMatrix()
        self.boundaries = TypeBorders()
        self.nothing = EmptyState("arrow-left-right", "", "", "")
        self._lay_out()
        self.judge.judged.connect(lambda: self.show_findings(self.judge.findings, self.judge.truth))
        self.judge.truths_found.connect(self._on_truths)
        self.table.chosen.connect(self._on_pair)
        self.examples.opened.connect(self._open)
        for source in (self.matrix, self.boundaries):
            source.cell_chosen.connect(self.list_between)
            source.cell_chosen.connect(self.cell_chosen)
        self.filter_button.clicked.connect(lambda: self.list_between("", ""))
        self.absent_button.clicked.connect(self._ask_for_tests)
        self.nothing.asked.connect(self._on_asked)
        self.show_findings(None, self.judge.truth)

    def _lay_out(self) -> None:
        self.columns = Splitter("mistakes", Qt.Orientation.Horizontal)
        self.columns.addWidget(self.table)
        self.columns.addWidget(self.examples)
        self.columns.setStretchFactor(0, 1)
        self.columns.setStretchFactor(1, 1)
        self.columns.set_defaults([560, 640])
        scroll = QScrollArea()
        scroll.setObjectName("cardFrame")
        scroll.setWidgetResizable(True)
        scroll.setWidget(self.matrix)
        self.rows = Splitter("types", Qt.Orientation.Horizontal)
        self.rows.addWidget(scroll)
        self.rows.addWidget(self.boundaries)
        self.rows.setStretchFactor(0, 1)
        self.rows.set_defaults([900, 300])
        self._stack = QStackedWidget()
        for widget in (QWidget(), self.nothing, self.columns, self.rows):
            self._stack.addWidget(widget)
        self._head = QFrame()
        self._head.setObjectName("filters")
        self._head.setFixedHeight(40)
        row = QHBoxLayout(self._head)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(8)
        row.addWidget(self.summary, 1)
        row.addWidget(self.filter_button)
        row.addWidget(self.absent_button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._head)
        whole.addWidget(self._stack, 1)

    def show_findings(self, findings: Findings | None, truth: Truth) -> None:
        """Show these findings; None while they are being computed."""
        if findings is None or truth.known is not self._known:
            self._between = None
        self._findings, self._known = findings, truth.known
        if findings is None:
            self.table.show_pairs(())
        else:
            self.matrix.show_crossing(findings.crossing)
            self.boundaries.show_crossing(findings.crossing)
            self._list()
        self._update()

    def choose_truth(self, place: int) -> None:
        """Compare with another one of the choices."""
        self.judge.judge_by(self._truths[place])

    def show_hierarchy(self, on: bool) -> None:
        """Show types against types, or the pairs of classes."""
        self._hierarchy = on
        self._update()

    def list_between(self, kind: str, other: str) -> None:
        """List only pairs by which a type was taken for another one (or for itself); all for two empty names."""
        self._between = (kind, other) if kind else None
        self._list()
        self._update()

    def back(self) -> None:
        """Esc: all pairs again."""
        if self._between is not None and not self._hierarchy:
            self.list_between("", "")

    def changeEvent(self, event: QEvent) -> None:
        """Painted parts follow the theme."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange:
            self.matrix.update()

    def _list(self) -> None:
        if self._findings is not None:
            self.table.show_pairs([pair for pair in self._findings.pairs if self._is_between(pair)])

    def _is_between(self, pair: ConfusedPair) -> bool:
        """Whether this pair has a photo of the one type that was taken for the other."""
        if self._between is None:
            return True
        there, back = (pair.one.type, pair.other.type), (pair.other.type, pair.one.type)
        return (there == self._between and len(pair.there) > 0) or (back == self._between and len(pair.back) > 0)

    def _update(self) -> None:
        findings, between = self._findings, self._between
        pairs = self.table.listing.rowCount()
        place = _Place.HIERARCHY if self._hierarchy else _Place.CONFUSIONS
        if findings is None:
            place = _Place.WAITING
        elif not len(findings.judged) or (not findings.pairs and not self._hierarchy):
            place = _Place.NOTHING
            self.nothing.say(*self._nothing(findings))
        self._stack.setCurrentIndex(place)
        self._head.setVisible(findings is None or len(findings.judged) > 0)
        self.summary.set_whole("" if findings is None else _summary(findings))
        self.examples.setVisible(pairs > 0)
        self.filter_button.setVisible(place == _Place.CONFUSIONS and between is not None)
        if between is not None:
            same = between[0] == between[1]
            words = f"within {between[0]}" if same else f"{between[0]} taken for {between[1]}"
            self.filter_button.setText(for_button(words))
        absent = len(findings.absent) if findings is not None else 0
        self.absent_button.setVisible(absent > 0 and place != _Place.NOTHING)
        self.absent_button.setText(f"identify {absent:,} more test photos")

    def _nothing(self, findings: Findings) -> tuple[str, str, str]:
        count = len(findings.judged)
        if not count:
            return _NOTHING[self._known]
        photos = "One photo was" if count == 1 else f"{count:,} photos were"
        return f"{photos} judged, and no class was taken for another", "", ""

    def _on_pair(self, pair: ConfusedPair) -> None:
        if self._findings is not None:
            self.examples.show_pair(self._findings.judged, pair)

    def _on_asked(self) -> None:
        if self._known is KnownClass.TEST:
            self._ask_for_tests()
        else:
            self.requested.emit(ShowProject())

    def _on_truths(self, choices: TruthChoices) -> None:
        self._truths = choices.truths

    def _open(self, example: OpenedExample) -> None:
        if self._findings is None:
            return
        judged, place = self._findings.judged, example.place
        if len(judged.images) and judged.images[place] == NOBODY:
            self._project.said.emit("this test photo is not in the project; once it is identified, Review can show it")
        elif len(judged.images):
            images = judged.images[example.shown]
            self.requested.emit(ShowPhotos(np.unique(images[images != NOBODY]), f"of {example.what}"))
            self.photo_wanted.emit(CurrentPhoto(int(judged.images[place])))
        else:
            kind, fine = (judged.names[name] for name in judged.truth[place].tolist())
            self.requested.emit(ShowClass(kind, fine or None))

    def _ask_for_tests(self) -> None:
        if self._findings is not None:
            self._project.identify(self._findings.absent)


def _summary(findings: Findings) -> str:
    count, within, across = len(findings.judged), int(findings.crossing.within.sum()), findings.crossing.across
    photos = counted(count, "photo")
    wrong = within + across
    if not wrong:
        return f"{photos} · no mistake"
    return (
        f"{photos} · {wrong:,} taken for another class ({percent(wrong / count)}): "
        f"{within:,} within the type ({percent(within / wrong)}), {across:,} across types ({percent(across / wrong)})"
    )
