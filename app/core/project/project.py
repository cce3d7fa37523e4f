"""The user's work: one SQLite file with the images, the model's predictions and the person's labels.

Three things are kept for every image for ever: the predictions (one for each model), the person's own label
(app/core/project/labels.py), and what was written out. Running a model again never touches a person's label, and
thresholds act when the predictions are read. Every change is a committed transaction: nothing is ever unsaved.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from app.core.project import filing_records, scanned_folders, schema
from app.core.project.filed import FiledTable
from app.core.project.image_table import ImageTable
from app.core.project.journal_steps import StepTable
from app.core.project.labels import LabelTable
from app.core.project.model_table import ModelTable
from app.core.project.prediction_table import PredictionTable
from app.core.project.project_database import ProjectDatabase
from app.core.project.project_format import KIND, ProjectError
from app.core.project.schema import Alone, OpenProjectFile, alone_at_once
from app.core.project.source_table import SourceTable
from app.core.system import database

SUFFIX = ".marque"
"""Ending of a project's file name."""


class Project:
    """An open project: its tables. Safe to use from several threads.

    Each method of a table that changes something is one transaction.

    Attributes:
        path: the file.
        id: a random number as text; a file that another program copied has the number of its original.
        read_only: whether nothing can be changed, as the place is read-only. note: what the person should know about
        how it was opened, or "".
        sources, images, models, predictions, labels, steps, filed: its tables.
    """

    def __init__(self, path: Path, file: OpenProjectFile) -> None:
        """Called by `create` and `open`."""
        self.path = path
        self.read_only, self.note = file.read_only, file.note
        self._database = database = ProjectDatabase(path, file)
        self.id = database.id
        self.sources = SourceTable(database)
        self.images = ImageTable(database)
        self.models = ModelTable(database)
        self.predictions = PredictionTable(database)
        self.labels = LabelTable(database)
        self.steps = StepTable(database)
        self.filed = FiledTable(database)

    @classmethod
    def create(cls, path: Path) -> Self:
        """A new, empty project. Raises ProjectError if the file exists or cannot be written."""
        schema.create(path)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path, *, sound: bool = True, to_read: bool = False, alone: Alone = alone_at_once) -> Self:
        """An existing project; an older format is updated, after a copy was put beside it.

        Args:
            path: the file.
            sound: read the whole file first, to see that it is sound; otherwise `check` can do so later. to_read: also
            from a read-only place, where nothing can be changed. alone: holds the project's lock during an update.

        Raises:
            ProjectError: if it is missing, not a project, damaged, or made by a newer program.
        """
        file = schema.open_file(path, sound=sound, to_read=to_read, alone=alone)
        try:
            with schema.faults(path):
                return cls(path, file)
        except BaseException:
            file.held.close()
            raise

    def is_there(self) -> bool:
        """Whether the file is still the one that was opened."""
        try:
            self._database.must_be_there()
        except ProjectError:
            return False
        return True

    def check(self) -> None:
        """Read the whole file to see that it is sound, on a connection of its own. Raises ProjectError if it is not."""
        self._database.check()

    def save_as(self, path: Path) -> None:
        """Write a whole copy of the project to another place; this one stays open.

        Raises:
            ProjectError: if the file exists or cannot be written.
        """
        with database.new_file(path, ProjectError, KIND) as part:
            number = self._database.copy_to(part)
        for records in (scanned_folders, filing_records):
            records.carry_over(self.id, number)

    def close(self) -> None:
        """Close the file; the project is not used after that."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
