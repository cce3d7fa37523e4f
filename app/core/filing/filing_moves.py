"""One file of a filing: copied or moved to its place, and taken back; and the folders that are made for it.

Nothing is overwritten, and no file is removed unless another whole copy of it is on the disk.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from app.core.filing.filing_plan import COARSEST_TIME
from app.core.metadata.sidecars import Sidecars
from app.core.project.filed import FiledFile, FiledState, FiledTable, FolderState
from app.core.project.journal_steps import JournalStep
from app.core.project.photo_state import CHANGED
from app.core.project.records import modified
from app.core.system.content_digest import content_digest
from app.core.system.file_placement import OtherContentError, copy_new, remove_spare, same_content
from model.system.files import sync_folder


class LeftError(Exception):
    """A file was left as it is; the message names it and says why."""


class FilingMoves:
    """Changes the files of one step, and keeps the state of each in the journal; for one run over them.

    Methods raise LeftError if a file is left as it is, OSError, and ProjectError.
    """

    def __init__(self, filed: FiledTable, action: JournalStep) -> None:
        self._filed, self._action = filed, action
        self._folders = filed.folders(action)
        self._ready: set[Path] = set()
        self._sidecars = Sidecars()  # the folders at the beginning of the run

    def forward(self, row: FiledFile, photo: FiledFile) -> None:
        """Copy or move a file that is planned, or finish a move whose copy exists.

        Args:
            row: that of the file. photo: that of the photo that the file goes with, or the same.
        """
        if row.state is FiledState.PLANNED:
            # else a copy was finished just before the program died
            there = os.path.lexists(row.target) and same_content(row.source, row.target)
            digest = row.digest if there else self._copy(row)
            if not row.move:
                self._filed.change(row, FiledState.DONE, digest=digest)
                return
            self._filed.change(row, FiledState.PLACED, digest=digest, place=row.target)
        if row.sidecar and self._is_needed(row.source, photo.source):
            self._filed.change(row, FiledState.KEPT)
            return
        self._remove_source(row)
        self._filed.change(row, FiledState.DONE)

    def back(self, row: FiledFile) -> None:
        """Take a file back: return it to its source, if it was moved, and remove it from its target."""
        # a person's changes to a sidecar go back with it
        if not (os.path.lexists(row.target) if row.sidecar else is_as_filed(row)):
            raise LeftError(f"{row.target}: the file has changed or is gone; left as it is")
        brought = row.move and not os.path.lexists(row.source)
        if brought:
            self._bring_back(row)
        try:
            remove_spare(row.target, kept=row.source)
        except (OtherContentError, FileNotFoundError):
            if row.move:
                raise LeftError(f"{row.source}: another file is there now; left as it is") from None
            raise LeftError(
                f"{row.target}: stays, because the file that it was copied from has changed or is gone ({row.source})"
            ) from None
        except OSError:
            if brought:
                with suppress(OtherContentError, OSError):
                    remove_spare(row.source, kept=row.target)
            raise
        self._filed.change(row, FiledState.UNDONE, place=row.source if row.move else None)

    def remove_folders(self, *, last: bool) -> None:
        """Remove the folders that were made for the step, if they are empty.

        Args:
            last: nothing of the step is filed any more, so folders that are not empty belong to somebody else.
        """
        made = [folder for folder, state in self._folders.items() if state is FolderState.MADE]
        for folder in sorted(made, key=lambda place: -len(place.parts)):
            try:
                folder.rmdir()
                self._note(folder, FolderState.PLANNED)
            except FileNotFoundError:
                self._note(folder, FolderState.PLANNED)
            except OSError:
                if last:
                    self._note(folder, FolderState.FILLED)

    def settle_folders(self) -> None:
        """Find out whether folders exist that were about to be made when the program died."""
        for folder, state in list(self._folders.items()):
            if state is FolderState.MAKING:
                self._note(folder, FolderState.MADE if folder.is_dir() else FolderState.PLANNED)

    def _copy(self, row: FiledFile) -> str | None:
        if row.move and row.source.is_symlink():
            raise LeftError(f"{row.source}: a link; its photo can be copied, but not moved")
        if os.path.lexists(row.target):
            raise LeftError(f"{row.target}: something is there now; {row.source} is left as it is")
        if row.sidecar:
            self._make_folder(row.target.parent)
            copy_new(row.source, row.target)
            return None
        # a file whose time changed is recognised by its content
        if _is_unchanged(row, row.source) or (row.digest is not None and os.path.lexists(row.source)):
            self._make_folder(row.target.parent)
            with suppress(OtherContentError):
                return copy_new(row.source, row.target, row.digest)
        if row.source.exists():
            self._filed.identify_again([row.image])
            raise LeftError(f"{row.source}: {CHANGED}")
        raise LeftError(f"{row.source}: the file has changed or is gone; left as it is")

    def _remove_source(self, row: FiledFile) -> None:
        """The second half of a move."""
        try:
            if os.path.lexists(row.source):
                remove_spare(row.source, kept=row.target)
            elif not os.path.lexists(row.target):
                raise LeftError(f"{row.target}: the file is gone")
        except (OtherContentError, FileNotFoundError):
            self._filed.change(
                row, FiledState.KEPT if os.path.lexists(row.target) else FiledState.LEFT, place=_where(row)
            )
            raise LeftError(
                f"{row.source}: changed while it was moved, or {row.target} did; both are left as they are"
            ) from None
        except OSError:
            with suppress(LeftError, OSError):
                self.back(row)  # a file that cannot be moved stays where it is, and only there
            raise

    def _bring_back(self, row: FiledFile) -> None:
        if row.target.is_symlink():
            raise LeftError(f"{row.target}: a link has taken its place; left as it is")
        try:
            copy_new(row.target, row.source, None if row.sidecar else row.digest)
        except OtherContentError:
            raise LeftError(f"{row.target}: the file has changed or is gone; left as it is") from None

    def _is_needed(self, sidecar: Path, photo: Path) -> bool:
        """Whether a photo's sidecar also belongs to another file in its folder."""
        return any(
            os.path.lexists(other) for one in self._sidecars.of(photo) if one.path == sidecar for other in one.others
        )

    def _make_folder(self, folder: Path) -> None:
        """Make a folder and its parents, each noted before and after."""
        if folder in self._ready:
            return
        if folder.is_dir():
            if self._folders.get(folder) is FolderState.FILLED:
                self._note(folder, FolderState.MADE)  # made by this step, when it was done before
        else:
            self._make_folder(folder.parent)
            self._note(folder, FolderState.MAKING)
            try:
                folder.mkdir()
            except FileExistsError:
                self._note(folder, FolderState.FOUND)
                if not folder.is_dir():
                    raise
            except OSError:
                self._note(folder, FolderState.PLANNED)
                raise
            else:
                sync_folder(folder.parent)
                self._note(folder, FolderState.MADE)
        self._ready.add(folder)

    def _note(self, folder: Path, state: FolderState) -> None:
        self._folders[folder] = state
        self._filed.change_folder(self._action, folder, state)


def is_as_filed(row: FiledFile) -> bool:
    """Whether a photo is at its target, unchanged: by its size and time, or else by its content.

    Its time may have changed, or it may come from a backup.
    """
    if _is_unchanged(row, row.target):
        return True
    try:
        status = row.target.lstat()
        if row.digest is None or not stat.S_ISREG(status.st_mode) or status.st_size != row.size:
            return False
        return content_digest(row.target) == row.digest
    except OSError:
        return False


def _where(row: FiledFile) -> Path:
    return row.target if os.path.lexists(row.target) else row.source


def _is_unchanged(row: FiledFile, place: Path) -> bool:
    """Whether the file that a row is about is in a place, unchanged as far as size and time show."""
    copied = place == row.source and not row.move
    try:
        status = place.stat() if copied else place.lstat()  # links are copied too
    except OSError:
        return False
    # some file systems keep times in steps of two seconds, so a copy's time may differ by that much
    tolerance = 0 if copied else COARSEST_TIME
    return status.st_size == row.size and abs(modified(status) - row.modified) <= tolerance
