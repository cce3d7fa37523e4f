"""Filing photos into folders by their labels: where to, copy or move, and what exactly would happen."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.core.filing.filing_plan import FIELDS, PATTERN, FilingError, FilingPlan, check_pattern, shown, summary
from app.ui.review.export.export_jobs import PlanRequest
from app.ui.widgets.basics import WrappedLabel, label
from model.system.wording import counted

_SHOWN = 500
_TYPING = 300  # milliseconds after the last key


class FilingDialog(QDialog):
    """Asks for a plan whenever its settings change, and shows it; nothing is touched before the button.

    Signals:
        plan_wanted: (PlanRequest)
        agreed: (FilingPlan, whether to move)
    """

    plan_wanted = Signal(PlanRequest)
    agreed = Signal(FilingPlan, bool)

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("File photos into folders")
        self.resize(760, 560)
        self._plan: FilingPlan | None = None
        self._into = folder
        self._wanted: PlanRequest | None = None
        self.folder = QLineEdit(str(folder))
        self.folder.setAccessibleName("folder")
        self.pattern = QLineEdit(PATTERN)
        self.pattern.setAccessibleName("pattern")
        self.pattern.setToolTip(", ".join(f"{{{field}}}" for field in FIELDS))
        self.copy_choice, self.move_choice = QRadioButton("copy"), QRadioButton("move")
        self.copy_choice.setChecked(True)
        self.decided_choice = QCheckBox("only photos that you have accepted or corrected")
        self.summary = WrappedLabel("strong")
        self.preview = QListWidget()
        self.preview.setObjectName("list")
        self.action_button = QPushButton("file photos")
        self.action_button.setProperty("kind", "primary")
        self.action_button.setEnabled(False)
        self._typing = QTimer(self, interval=_TYPING, singleShot=True)
        self._lay_out()
        self._typing.timeout.connect(self._ask)
        for line in (self.folder, self.pattern):
            line.textChanged.connect(lambda _text: self._wait())
        self.decided_choice.toggled.connect(lambda _on: self._wait())
        self.move_choice.toggled.connect(lambda _on: self._show())
        self.action_button.clicked.connect(self._agree)
        self._wait()

    def _lay_out(self) -> None:
        choose, cancel = QPushButton("choose…"), QPushButton("cancel")
        choose.clicked.connect(self._choose_folder)
        cancel.clicked.connect(self.reject)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        fields = ", ".join(f"{{{field}}}" for field in FIELDS)
        grid.addWidget(label("into folder"), 0, 0)
        grid.addWidget(self.folder, 0, 1)
        grid.addWidget(choose, 0, 2)
        grid.addWidget(label("as"), 1, 0)
        grid.addWidget(self.pattern, 1, 1, 1, 2)
        grid.addWidget(label(f"made of {fields}", "caption"), 2, 1, 1, 2)
        how = QHBoxLayout()
        how.setSpacing(16)
        how.addWidget(self.copy_choice)
        how.addWidget(self.move_choice)
        how.addWidget(self.decided_choice)
        how.addStretch(1)
        grid.addLayout(how, 3, 1, 1, 2)
        buttons = QHBoxLayout()
        buttons.addWidget(label("Nothing is overwritten, and it can be undone, also next week.", "muted"), 1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.action_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        column.addLayout(grid)
        column.addWidget(self.summary)
        column.addWidget(self.preview, 1)
        column.addLayout(buttons)

    def show_plan(self, request: PlanRequest, plan: FilingPlan) -> None:
        """Show what would happen, unless the plan is for other settings."""
        if request is self._wanted:
            self._plan, self._into = plan, request.into
            self._show()

    def show_problem(self, request: PlanRequest, words: str) -> None:
        """Say why there is no plan, unless it was for other settings."""
        if request is self._wanted:
            self.summary.set_whole(words)
            self.preview.clear()

    def _show(self) -> None:
        """The plan for the choice between copy and move."""
        if self._plan is None:
            return
        move = self.move_choice.isChecked()
        plan = self._plan.for_move() if move else self._plan
        self.summary.set_whole(summary(plan) + (f", {len(plan.left):,} stay" if plan.left else ""))
        self.preview.clear()
        staying_first = sorted(shown(plan, self._into, move=move), key=lambda one: one[1]["target"] is not None)
        for number, (line, _) in enumerate(staying_first):
            if number == _SHOWN:
                more = len(plan.steps) + len(plan.sidecars) + len(plan.left) - _SHOWN
                self.preview.addItem(f"and {more:,} more")
                break
            self.preview.addItem(line)
        self.action_button.setText(f"file {counted(len(plan.steps), 'photo')}")
        self.action_button.setEnabled(bool(plan.steps))

    def _choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "File photos into", self.folder.text())
        if name:
            self.folder.setText(name)

    def _wait(self) -> None:
        self._plan = self._wanted = None
        self.action_button.setEnabled(False)
        self._typing.start()

    def _ask(self) -> None:
        try:
            check_pattern(self.pattern.text())
        except FilingError as error:
            self.summary.set_whole(str(error))
            self.preview.clear()
            return
        if not self.folder.text().strip():
            self.summary.set_whole("choose a folder")
            return
        self.summary.set_whole("preparing the preview")
        only_decided = self.decided_choice.isChecked()
        self._wanted = PlanRequest(Path(self.folder.text()), self.pattern.text(), only_decided)
        self.plan_wanted.emit(self._wanted)

    def _agree(self) -> None:
        if self._plan is not None:
            self.agreed.emit(self._plan, self.move_choice.isChecked())
            self.accept()
