"""The user's work: one SQLite file with the images, what the model said of them, and what the person said.

Three labels are kept for every image, for ever: the predictions (one for each model), the person's own label
(app/core/project/labels.py), and what was written out. Running a model again never touches a person's label, and
thresholds act when the predictions are read. Every change is a committed transaction: there is nothing unsaved.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from app.core.project import filing_records, scanned_folders, schema
from app.core.project.filed import FiledTable
from app.core.project.journal_steps import StepTable
from app.core.project.labels import LabelTable
from app.core.project.prediction_table import PredictionTable
from app.core.project.project_database import ProjectDatabase
from app.core.project.project_format import KIND, ProjectError
from app.core.project.records import REPLACED, Counts, FoundFile, KnownModel, Place, ProjectImage
from app.core.project.schema import Alone, OpenProjectFile, alone_at_once
from app.core.system import database
from app.core.system.paths import is_place, tidy
from model.contract.bundle import BundleInfo, Thresholds
from model.contract.photo import MISSING, NO_PERMISSION
from model.contract.taxonomy import Taxonomy
from model.system.reading import parse_json

SUFFIX = ".marque"
"""Ending of a project's file name."""

_CHOSEN = "thresholds of "  # and the model's fingerprint: a key of the table meta


class Project:
    """An open project. Safe to use from several threads; every method that changes something is one transaction.

    Attributes:
        path: the file.
        id: a random number as text; a file that was copied by other programs has that of its original.
        read_only: whether nothing can be changed, as the place is read-only.
        note: what the person should know of how it was opened, or "".
        predictions, labels, steps, filed: its tables.
    """

    def __init__(self, path: Path, file: OpenProjectFile) -> None:
        """For `create` and `open`."""
        self.path = path
        self.read_only, self.note = file.read_only, file.note
        self._database = database = ProjectDatabase(path, file)
        self.id = database.id
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
        """An existing project; one of an older format is brought up to date, after a copy was put beside it.

        Args:
            path: the file.
            sound: read the whole file first, to see that it is sound; without, `check` can do so later.
            to_read: also from a read-only place, where nothing can be changed.
            alone: holds the project's lock while it is brought up to date.

        Raises:
            ProjectError: if it is missing, no project, damaged, or made by a newer program.
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

    # ---- sources and images

    def add_source(self, path: Path, *, watched: bool | None = None) -> int:
        """Remember a folder or file that images come from; its number. Known ones keep theirs.

        Args:
            watched: whether it is watched from now on; None leaves a known one as it is, and a new one unwatched.
        """
        with self._database.change() as connection:
            (number,) = connection.execute(
                "INSERT INTO source (path, watched) VALUES (?1, coalesce(?2, 0)) "
                "ON CONFLICT (path) DO UPDATE SET watched = coalesce(?2, watched) RETURNING id",
                (os.fsencode(tidy(path)), watched),
            ).fetchone()
        return int(number)

    def sources(self) -> list[tuple[int, Path, bool]]:
        """Number, place and whether it is watched, of every source in the order they were added."""
        rows = self._database.read("SELECT id, path, watched FROM source ORDER BY id")
        return [(number, self._place(path), bool(watched)) for number, path, watched in rows]

    def add_images(self, source: int, files: Iterable[FoundFile]) -> int:
        """Take in image files; how many are new, have changed since they were last seen, or are there again.

        A changed file loses its predictions and waits again; what a person said of it stays, and counts as an answer
        when it was identified again. One that was missing, or was not allowed to be read, waits again too.
        """
        touched = 0
        with self._database.change() as connection:
            for file in files:
                row = connection.execute(
                    "INSERT INTO image (source, path, size, modified) VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (path) DO UPDATE SET size = excluded.size, modified = excluded.modified, "
                    "digest = ?, error = NULL "
                    "WHERE size <> excluded.size OR modified <> excluded.modified RETURNING id",
                    (source, os.fsencode(file.path), file.size, file.modified, REPLACED),
                ).fetchone()
                if row is not None:
                    touched += 1
                    connection.execute("DELETE FROM prediction WHERE image = ?", row)
                else:
                    touched += connection.execute(
                        "UPDATE image SET error = NULL WHERE path = ? AND error IN (?, ?)",
                        (os.fsencode(file.path), MISSING, NO_PERMISSION),
                    ).rowcount
        return touched

    def images(self, ids: Sequence[int] | None = None) -> list[ProjectImage]:
        """All images in the order they were added, or those with these numbers in their order."""
        columns = "SELECT id, path, size, modified, digest, error FROM image"
        if ids is None:
            return [self._image(row) for row in self._database.read(f"{columns} ORDER BY id")]
        found = {row[0]: self._image(row) for row in self._database.read_each(f"{columns} WHERE id IN ({{}})", ids)}
        return [found[number] for number in ids if number in found]

    def places(self, *, after: int = 0, limit: int = -1, ids: Sequence[int] | None = None) -> list[Place]:
        """Number, path and error of images: what a long list needs, and no more, as each object counts there.

        Args:
            after, limit: at most so many (-1: all) of those that are numbered above `after`, in that order.
            ids: these ones instead, in the order of their numbers.
        """
        if ids is not None:
            rows = sorted(self._database.read_each("SELECT id, path, error FROM image WHERE id IN ({})", ids))
        else:
            query = "SELECT id, path, error FROM image WHERE id > ? ORDER BY id LIMIT ?"
            rows = self._database.read_after(after, query, (after, limit))
        # the file has all paths sorted: its two ends tell at once whether there are others than those from "/" on
        ends = "SELECT 1 FROM image WHERE path < x'2f' UNION ALL SELECT 1 FROM image WHERE path >= x'30' LIMIT 1"
        others = self._database.read(ends)
        with self._database.contents("the path of an image"):
            paths = [row[1] for row in rows]
            if b"\0" in b"".join(paths) or (others and not all(map(is_place, paths))):
                raise ValueError("it is not given in full")
        return rows

    def images_after(self, after: int, limit: int) -> list[ProjectImage]:
        """At most `limit` images that are numbered above `after`, in that order."""
        columns = "SELECT id, path, size, modified, digest, error FROM image"
        rows = self._database.read_after(after, f"{columns} WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
        return [self._image(row) for row in rows]

    def image_at(self, path: Path) -> int:
        """The number of the image at a place. Raises KeyError if there is none."""
        rows = self._database.read("SELECT id FROM image WHERE path = ?", (os.fsencode(path),))
        if not rows:
            raise KeyError(path)
        return int(rows[0][0])

    def waiting(self, model: str, *, after: int = 0, limit: int = 1000) -> list[ProjectImage]:
        """Images with neither a prediction of `model` that holds nor an error, numbered above `after`, in order."""
        query = (
            "SELECT id, path, size, modified, digest, error FROM image WHERE id > ? AND error IS NULL AND NOT "
            "EXISTS (SELECT 1 FROM prediction WHERE image = id AND model = ? AND NOT outdated) ORDER BY id LIMIT ?"
        )
        return [self._image(row) for row in self._database.read_after(after, query, (after, model, limit))]

    def counts(self, model: str) -> Counts:
        """How many images are done under a model."""
        ((total, failed),) = self._database.read("SELECT count(*), count(error) FROM image")
        ((predicted,),) = self._database.read(
            "SELECT count(*) FROM prediction JOIN image ON image = id "
            "WHERE model = ? AND error IS NULL AND NOT outdated",
            (model,),
        )
        return Counts(predicted, failed, total - failed - predicted)

    def retry_failed(self) -> int:
        """Let images that could not be read wait again; how many."""
        with self._database.change() as connection:
            return connection.execute("UPDATE image SET error = NULL WHERE error IS NOT NULL").rowcount

    def relocate(self, old: Path, new: Path) -> int:
        """Images moved: those under folder `old` are looked for under `new` from now on, where they are there.

        Returns how many were found. Predictions and labels stay with them.
        """
        moved = 0
        old, new = tidy(old), tidy(new)
        with self._database.change() as connection:
            for number, path in self._database.read("SELECT id, path FROM image"):
                place = self._place(path)
                if not place.is_relative_to(old):
                    continue
                there = new / place.relative_to(old)
                if there.is_file():
                    moved += connection.execute(
                        "UPDATE OR IGNORE image SET path = ? WHERE id = ?", (os.fsencode(there), number)
                    ).rowcount
            if moved:
                connection.execute(
                    "UPDATE OR IGNORE source SET path = ? WHERE path = ?",
                    (os.fsencode(new), os.fsencode(old)),
                )
        return moved

    # ---- models

    def keep_model(self, info: BundleInfo) -> None:
        """Remember the model that predicts from now on, or its new thresholds."""
        facts = json.dumps(
            {
                "name": info.name,
                "taxonomy": info.taxonomy.model_dump(),
                "thresholds": info.thresholds.model_dump(),
            }
        )
        with self._database.change() as connection:
            connection.execute("DELETE FROM model WHERE fingerprint = ?", (info.fingerprint,))
            connection.execute("INSERT INTO model (fingerprint, facts) VALUES (?, ?)", (info.fingerprint, facts))

    def models(self) -> list[KnownModel]:
        """The models that have predicted, the last one first; with the person's thresholds where they chose any."""
        found = []
        for fingerprint, text in self._database.read("SELECT fingerprint, facts FROM model ORDER BY number DESC"):
            with self._database.contents(f"what it says of the model {fingerprint!r}"):
                facts = parse_json(text.encode())
                taxonomy, thresholds = Taxonomy(**facts["taxonomy"]), Thresholds(**facts["thresholds"])
                if not all(isinstance(one, str) for one in (fingerprint, facts["name"])):
                    raise ValueError("its name is no text")
            chosen = self._chosen_thresholds(fingerprint) or thresholds
            found.append(KnownModel(fingerprint, facts["name"], taxonomy, chosen))
        return found

    def choose_thresholds(self, model: str, thresholds: Thresholds | None) -> None:
        """Decide by these from now on, whatever the model recommends; None: as it recommends."""
        key = _CHOSEN + model
        with self._database.change() as connection:
            connection.execute("DELETE FROM meta WHERE key = ?", (key,))
            if thresholds is not None:
                connection.execute("INSERT INTO meta VALUES (?, ?)", (key, thresholds.model_dump_json()))

    def _chosen_thresholds(self, model: str) -> Thresholds | None:
        rows = self._database.read("SELECT value FROM meta WHERE key = ?", (_CHOSEN + model,))
        with self._database.contents("the choice of thresholds"):
            return Thresholds(**parse_json(rows[0][0].encode())) if rows else None

    def _image(self, row: tuple) -> ProjectImage:
        number, path, size, modified, digest, error = row
        if type(size) is not int or type(modified) is not int or size < 0:
            raise schema.damaged(self.path, f"the size or the time of image {number}")
        if not (digest is None or type(digest) is str) or not (error is None or type(error) is str):
            raise schema.damaged(self.path, f"the content or the error of image {number}")
        return ProjectImage(number, self._place(path), size, modified, digest, error)

    def _place(self, path: object) -> Path:
        if not is_place(path):
            raise schema.damaged(self.path, f"the path {path!r}")
        return Path(os.fsdecode(path))
