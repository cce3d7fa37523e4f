"""The identification model that answers now, with its gallery."""

from __future__ import annotations

from collections.abc import Callable

from app.core.gallery.gallery import GalleryError
from app.core.gallery.selection import GallerySelection
from app.core.recognition.engine import Engine, EngineError, ProviderReport
from app.core.recognition.identifier import Identifier

_BATCH_CPU, _BATCH_GPU = 4, 32  # small on the CPU: the photo on show waits for at most one batch


class ModelInUse:
    """Used by one thread.

    Attributes:
        identifier: identifies with the model and the gallery.
        selection: which gallery is in use.
        batch: photos of a folder that are identified at a time.
    """

    def __init__(
        self,
        engine: Engine,
        selection: GallerySelection,
        *,
        moved: Callable[[ProviderReport], None],
        gallery_lost: Callable[[str], None],
    ) -> None:
        """Args: moved: takes where the model runs once the GPU has failed; gallery_lost: takes why it was given up."""
        self.identifier = Identifier(engine, selection.gallery)
        self.selection = selection
        self.batch = _BATCH_CPU if engine.provider.used == "CPU" else _BATCH_GPU
        self._provider = engine.provider  # as it was last reported
        self._moved, self._gallery_lost = moved, gallery_lost

    def report_provider(self) -> None:
        """Report if the model runs elsewhere than before."""
        provider = self.identifier.engine.provider
        if provider is not self._provider:
            self._provider, self.batch = provider, _BATCH_CPU
            self._moved(provider)

    def leave_gpu(self, engine: Engine, error: EngineError) -> str:
        """Leave the GPU after `engine` failed in work on the gallery. Returns what to say about it."""
        try:
            if self.identifier.engine is engine:  # otherwise the model has left it meanwhile
                self.identifier.leave_gpu(error)
        except EngineError as last:
            return str(last)
        self.report_provider()  # before the message about what must be repeated, which stays visible
        return f"{self.identifier.engine.provider.reason}. The model runs on the CPU from now on: try again."

    def take_gallery(self) -> None:
        """Compare photos with the selected gallery; a change may have made another one."""
        self.identifier.gallery = self.selection.gallery

    def lose_gallery(self, error: GalleryError) -> bool:
        """Stop using a gallery on a server that failed; False if the gallery is a file, whose faults may pass."""
        gallery = self.selection.gallery
        if not self.selection.shared or gallery is None:
            return False
        try:  # it may only have refused one request
            len(gallery)
        except GalleryError:
            self.selection.give_up(str(error))
            self.identifier.gallery = None
            self._gallery_lost(str(error))
        return self.identifier.gallery is None

    def close(self) -> None:
        """Close the gallery."""
        self.selection.close()
