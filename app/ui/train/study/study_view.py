"""A study on the page Train: its table, the differences, and the curves of the chosen cells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QHideEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.ui.train import actions
from app.ui.train.study.study_session import StudySession
from app.ui.train.study.study_table import StudyTable
from app.ui.widgets import icons
from app.ui.widgets import standard_actions as standard
from app.ui.widgets.basics import ElidedLabel, Splitter, WrappedLabel, bind, frame, label, tool_button

if TYPE_CHECKING:
    from app.core.training.study import MeasuredStudy
    from app.ui.train.study.study_plots import Differences, Epochs


class StudyView(QWidget):
    """Signals:
    left: back to the trainings
    theme_wanted: change to the other theme
    """

    left = Signal()
    theme_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = StudySession(self)
        self._folder: Path | None = None  # of the study on show
        self._places: dict[str, int] = {}  # names of the cells in the order in which they came: their colours stay
        self.table = StudyTable()
        self.back_button = tool_button(actions.CLOSE_STUDY, "trainings")
        self.report_button = tool_button(actions.STUDY_REPORT, "report")
        self.theme_button = tool_button(standard.THEME)
        self.title, self.count = ElidedLabel(kind="strong"), label("", "muted")
        self.figure = QComboBox()
        self.figure.setAccessibleName("figure that the cells are compared by")
        self.figure.setToolTip("figure that the cells are compared by")
        self.notes = WrappedLabel("muted")
        self.notes.setContentsMargins(12, 8, 12, 8)
        self.differences: Differences | None = None
        self.epochs: Epochs | None = None
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        bar = frame("toolbar")
        bar.setFixedHeight(44)
        row = QHBoxLayout(bar)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(self.back_button)
        row.addWidget(self.title, 1)
        row.addWidget(self.count)
        row.addSpacing(8)
        for widget in (self.figure, self.report_button, self.theme_button):
            row.addWidget(widget)
        self.rows = Splitter("study", Qt.Orientation.Vertical)
        self.rows.addWidget(self.table)
        plots = QFrame()
        plots.setObjectName("page")
        self._plots = QHBoxLayout(plots)
        self._plots.setContentsMargins(12, 12, 12, 12)
        self._plots.setSpacing(12)
        self.rows.addWidget(plots)
        self.rows.set_defaults([300, 400])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(bar)
        whole.addWidget(self.notes)
        whole.addWidget(self.rows, 1)

    def _connect(self) -> None:
        self.session.read.connect(self._on_read)
        self.table.chosen.connect(self._draw)
        self.back_button.clicked.connect(self.left)
        self.report_button.clicked.connect(self.open_report)
        self.theme_button.clicked.connect(self.theme_wanted)
        self.figure.activated.connect(lambda _place: self.session.show_figure(self.figure.currentData()))
        for key, act in ((actions.CLOSE_STUDY, self.left.emit), (actions.STUDY_REPORT, self.report_button.click)):
            bind(self, key, act)

    def open_report(self) -> None:
        """Open the study's report in the program for such files."""
        study = self.session.study
        if study is not None and study.report is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(study.report)))

    def stop(self) -> None:
        """Wait for the worker."""
        self.session.stop()

    def theme_changed(self, dark: bool) -> None:
        """Colours of the other theme."""
        self.theme_button.setIcon(icons.icon("sun" if dark else "moon"))
        if self.epochs is not None and self.differences is not None:
            self.epochs.apply_theme()
            self.differences.apply_theme(self.table.lines())
            self._draw()

    def showEvent(self, event: QShowEvent) -> None:
        """Follow the folder."""
        super().showEvent(event)
        self.session.set_in_sight(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """The view is hidden."""
        super().hideEvent(event)
        self.session.set_in_sight(False)

    def _on_read(self) -> None:
        study = self.session.study
        if study is None:
            return
        another = self._folder != study.folder
        if another:
            self._places.clear()
        self._folder = study.folder
        self.title.set_whole(study.title)
        self.title.setToolTip(str(study.folder))
        planned = "" if study.planned is None else f" of {study.planned:,}"
        self.count.setText(f"{study.done:,}{planned} {'run' if study.done == 1 and not planned else 'runs'}")
        state = actions.TrainPageState(has_report=study.report is not None)
        self.report_button.setEnabled(actions.STUDY_REPORT.enabled(state))
        self.notes.set_whole("\n".join(study.notes))
        self.notes.setVisible(bool(study.notes))
        self._offer(study)
        self.table.show_study(study, choose_first=another)

    def _offer(self, study: MeasuredStudy) -> None:
        """Show the existing figures in the box."""
        if [self.figure.itemData(place) for place in range(self.figure.count())] != list(study.figures):
            self.figure.clear()
            for name, words in study.figures.items():
                self.figure.addItem(words, name)
        self.figure.setEnabled(bool(study.figures))
        self.figure.setCurrentIndex(self.figure.findData(study.figure))

    def _draw(self) -> None:
        study = self.session.study
        if study is None:
            return
        if self.differences is None or self.epochs is None:
            # pyqtgraph takes half a second to load
            from app.ui.train.study.study_plots import Differences, Epochs

            self.differences, self.epochs = Differences(), Epochs()
            self.differences.chosen.connect(self.table.choose)
            self._plots.addWidget(self.epochs, 1)
            self._plots.addWidget(self.differences, 1)
        from app.ui.train.study.study_plots import cell_colour

        chosen = self.table.lines()
        for name in sorted({line.cell for line in study.lines}):
            self._places.setdefault(name, len(self._places))
        names = [name for line in chosen for name in (line.cell, line.comparison.baseline if line.comparison else "")]
        colours = {
            name: (self._places[name], cell_colour(self._places[name]))
            for name in dict.fromkeys(names)
            if name in self._places
        }
        self.table.mark({name: colour for name, (_, colour) in colours.items()})
        self.epochs.draw(study, colours)
        self.differences.draw(study, chosen)
