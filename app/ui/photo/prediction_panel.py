"""The right-hand panel: the answer, how sure it is and why, and the reference photos that look most alike."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.core.recognition.decision import Decision, Status
from app.core.recognition.identifier import Identification
from app.ui.background.photo_loading import Thumbnails
from app.ui.photo.neighbour_strip import Near, NeighbourStrip
from app.ui.photo.prediction_tree import DecisionTerms, PredictionTree, rows
from app.ui.widgets import theme
from app.ui.widgets.basics import ElidedLabel, IconLabel, WrappedLabel, frame, label
from app.ui.widgets.status_face import FACES, percent


class PredictionPanel(QFrame):
    """Shows one answer at a time, or what it waits for.

    Signals:
        neighbour_chosen: (Near) put this one beside the photo.
    """

    neighbour_chosen = Signal(Near)

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAccessibleName("prediction and neighbours")
        self.setMinimumWidth(260)
        self._file = ElidedLabel(kind="caption")
        self._icon = IconLabel("circle-dot", "muted", 16)
        self._word = label()
        self._answer = WrappedLabel(kind="title")
        self._under = ElidedLabel(kind="muted")
        self._figure = label(kind="figure")
        self._figure.setFont(theme.font(theme.FIGURE, strong=True))
        self._reason = label(kind="muted")
        self._reason.setWordWrap(True)
        self.tree = PredictionTree()
        self._tree_title = label("Prediction", "strong")
        self._near_title = label("Neighbours", "strong")
        self.neighbours = NeighbourStrip(thumbnails)
        self.neighbours.chosen.connect(self.neighbour_chosen)
        self._rules = [frame("rule"), frame("rule")]
        self._lay_out()
        self.show_waiting("", "")

    def _lay_out(self) -> None:
        status = QHBoxLayout()
        status.setSpacing(6)
        status.addWidget(self._icon)
        status.addWidget(self._word)
        status.addStretch(1)
        status.addWidget(self._figure)
        body = frame("panelBody")
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(4)
        column.addWidget(self._file)
        column.addLayout(status)
        column.addWidget(self._answer)
        column.addWidget(self._under)
        column.addSpacing(4)
        column.addWidget(self._reason)
        for line, title, content in (
            (self._rules[0], self._tree_title, self.tree),
            (self._rules[1], self._near_title, self.neighbours),
        ):
            column.addSpacing(8)
            column.addWidget(line)
            column.addSpacing(8)
            column.addWidget(title)
            column.addSpacing(4)
            column.addWidget(content)
        column.addStretch(1)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(body)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)

    def show_waiting(self, subject: str, word: str) -> None:
        """No answer yet: `subject` names the photo, `word` says what is happening ("identifying")."""
        self._head(subject, "circle-dot", "muted", word)
        self._say("", "", "", "")
        self._show_parts(tree=False, neighbours=False)
        self._icon.setVisible(bool(word))

    def show_error(self, subject: str, reason: str, advice: str) -> None:
        """The photo cannot be identified; why, and what to do."""
        face = FACES[Status.ERROR]
        self._head(subject, face.icon, face.token, face.word)
        self._say("", "", "", f"{reason}. {advice}")
        self._show_parts(tree=False, neighbours=False)

    def show_answer(
        self, subject: str, info: DecisionTerms, found: Identification, pictures: tuple[Path | None, ...]
    ) -> None:
        """Show an identification with its bars and neighbours.

        Args:
            subject: the photo's name, or the part of it that was identified. info: facts of the identification model
            that answered.
            found: an identification with a decision.
            pictures: the file of each neighbour, None if it is not on this computer.
        """
        decision, evidence = found.decision, found.evidence
        if decision is None or evidence is None:
            self.show_error(subject, found.error or "no answer", "")
            return
        face = FACES[decision.status]
        self._head(subject, face.icon, face.token, face.word)
        answer, under, figure = _words(decision)
        self._say(answer, under, figure, decision.reason)
        self.tree.show_rows(rows(info, decision, evidence))
        self.neighbours.show_neighbours(
            [
                Near(rank, neighbour, picture)
                for rank, (neighbour, picture) in enumerate(zip(found.neighbours, pictures, strict=True), start=1)
            ]
        )
        self._near_title.setText(f"Neighbours 1–{len(pictures)}" if len(pictures) > 1 else "Neighbour")
        self._show_parts(tree=True, neighbours=bool(pictures))

    def near(self) -> list[Near]:
        """The neighbours on show, most similar first."""
        return [card.near for card in self.neighbours.cards()]

    def texts(self) -> dict[str, str]:
        """The texts: subject, status, answer, under, figure, reason."""
        return {
            "subject": self._file.whole(),
            "status": self._word.text(),
            "answer": self._answer.whole(),
            "under": self._under.whole(),
            "figure": self._figure.text(),
            "reason": self._reason.text(),
        }

    def theme_changed(self) -> None:
        """Take the status colour of the new theme."""
        self._colour_word()

    def _head(self, subject: str, icon: str, token: str, word: str) -> None:
        self._file.set_whole(subject)
        self._icon.setVisible(True)
        self._icon.set_icon(icon, token)
        self._word.setText(word)
        self._token = token
        self._colour_word()

    def _colour_word(self) -> None:
        self._word.setStyleSheet(f"color: {getattr(theme.tokens(), self._token)}; font-weight: 600;")

    def _say(self, answer: str, under: str, figure: str, reason: str) -> None:
        self._answer.set_whole(answer)
        self._under.set_whole(under)
        self._figure.setText(figure)
        self._reason.setText(reason[:1].upper() + reason[1:])
        for widget, text in ((self._answer, answer), (self._under, under), (self._reason, reason)):
            widget.setVisible(bool(text))

    def _show_parts(self, *, tree: bool, neighbours: bool) -> None:
        parts: list[tuple[QWidget, bool]] = [(self._rules[0], tree), (self._tree_title, tree), (self.tree, tree)]
        parts += [(self._rules[1], neighbours), (self._near_title, neighbours), (self.neighbours, neighbours)]
        for widget, shown in parts:
            widget.setVisible(shown)
        if not tree:
            self.tree.show_rows([])
        if not neighbours:
            self.neighbours.show_neighbours([])


def _words(decision: Decision) -> tuple[str, str, str]:
    """The answer, the line beneath it, the figure."""
    if decision.status is Status.IDENTIFIED:
        return decision.label, decision.coarse, percent(decision.confidence)
    if decision.status is Status.COARSE_ONLY:
        guess = f"best guess: {decision.fine}, {percent(decision.fine_confidence)}" if decision.fine else ""
        return decision.label, guess, percent(decision.confidence)
    guess, sure = decision.fine, decision.fine_confidence
    if not guess:
        guess, sure = decision.coarse, decision.coarse_confidence
    return "Unknown", f"best guess: {guess}, {percent(sure)}", ""
