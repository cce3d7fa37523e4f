"""A step that was not started on this computer: shows which files it would touch and asks whether to go ahead."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.core.filing.filing import UnknownStepError
from app.ui.review.export.list_dialog import ListDialog
from model.system.wording import counted


class UnknownStepDialog(ListDialog):
    """Shows the files. Nothing is touched before the button."""

    def __init__(self, step: UnknownStepError, parent: QWidget | None = None) -> None:
        folders = counted(len(step.folders), "folder")
        super().__init__(
            "Files of a step from elsewhere",
            f"{step.words}.",
            f"It would move or remove files in {folders}. Continue only if you know them.",
            [f"{source} -> {target}" for source, target in step.files],
            parent,
        )
        self.list.setAccessibleName("files")
        self.agree_button.setText("move or remove these files")
        self.cancel_button.setText("leave them")
