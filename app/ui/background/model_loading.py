"""Another identification model: opened while work continues, used once that has ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition

from PySide6.QtCore import QObject, Signal

from app.core.gallery.gallery import Gallery
from app.core.gallery.references import Place, is_shared, shown
from app.core.gallery.selection import GallerySelection
from app.core.recognition.engine import Device, Engine, EngineError, ProviderReport
from app.core.system import paths
from app.ui.background.model_in_use import ModelInUse
from model.contract.bundle import BundleError, BundleInfo


@dataclass(frozen=True)
class ModelRequest:
    """Which files to open.

    Attributes: gallery: the one that was asked for; None: the one that was chosen for this model, else the user's own,
            else the one beside the model.
        chosen: galleries by the fingerprints of their models.
    """

    model: Path
    gallery: Place | None
    device: Device
    chosen: Mapping[str, Place] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadFailure:
    """A model that cannot be used, and why; missing: whether there is no such file."""

    request: ModelRequest
    message: str
    missing: bool


@dataclass(frozen=True)
class Loaded:
    """What is in use now.

    Attributes: path: the identification model's file. gallery_problem: why there is no gallery although one was found
        or asked for. gallery: its file, if it is one. chosen: the gallery that was asked for or chosen, even if it
        cannot be used; None: the user's own or the supplied one.
    """

    path: Path
    info: BundleInfo
    provider: ProviderReport
    gallery_size: int
    gallery_problem: str | None
    gallery: Path | None
    chosen: Place | None = None

    @property
    def shared(self) -> bool:
        """Whether the gallery is, or should be, one that a team shares."""
        return self.chosen is not None and is_shared(self.chosen)


class ModelLoading(QObject):
    """Opens models and their galleries. It makes what the services use, so it is not a service itself.

    Signals:
        connecting: (address, without password) before a shared gallery is opened
        loaded: (Loaded)
        failed: (LoadFailure)
        moved: (ProviderReport) the GPU failed, and the model runs there from now on
        gallery_lost: (message) the shared gallery cannot be reached any longer; photos are identified without it
    """

    connecting = Signal(str)
    loaded = Signal(Loaded)
    failed = Signal(LoadFailure)
    moved = Signal(ProviderReport)
    gallery_lost = Signal(str)

    def __init__(
        self, changed: Condition, dropping: Sequence[Callable[[], None]] = (), parent: QObject | None = None
    ) -> None:
        """Args: dropping: called before another model is used; each drops what is meant for the one before."""
        super().__init__(parent)
        self._changed, self._dropping = changed, dropping
        self._request: ModelRequest | None = None
        self._opened: tuple[ModelRequest, Engine] | None = None  # touched by the model's thread only

    def ask(self, request: ModelRequest) -> None:
        """Load another identification model.

        If it can be opened, the running folder and the work on the gallery are dropped, and the run over a project
        continues with it; if not, everything continues as before.
        """
        with self._changed:
            self._request = request
            self._changed.notify()

    def waits(self) -> bool:
        """Whether a model waits to be opened or used."""
        return self._request is not None or self._opened is not None

    def ready(self) -> bool:
        """Whether a model has been opened and is used next."""
        return self._opened is not None

    def open(self) -> None:
        """Open the requested model, if there is one; on the model's thread."""
        with self._changed:
            request, self._request = self._request, None
        if request is None:
            return
        try:
            self._opened = request, Engine(request.model, device=request.device)
        except (BundleError, EngineError) as error:
            self.failed.emit(LoadFailure(request, str(error), not request.model.is_file()))

    def change_over(self, before: ModelInUse | None) -> ModelInUse | None:
        """Use the opened model in place of the one before, which has no more work; without one, keep the one before."""
        if self._opened is None:
            return before
        (request, engine), self._opened = self._opened, None
        for drop in self._dropping:
            drop()
        if before is not None:
            before.close()
        info = engine.info
        chosen = request.gallery or request.chosen.get(info.fingerprint)
        if chosen is not None and is_shared(chosen):
            self.connecting.emit(shown(chosen))
        supplied = paths.bundled_gallery(request.model)
        selection = GallerySelection(info.fingerprint, info.embedding_dim, named=chosen, supplied=supplied)
        model = ModelInUse(engine, selection, moved=self.moved.emit, gallery_lost=self.gallery_lost.emit)
        gallery = selection.gallery
        size = len(gallery) if gallery is not None else 0
        place = gallery.path if isinstance(gallery, Gallery) else None
        self.loaded.emit(Loaded(request.model, info, engine.provider, size, selection.problem, place, chosen))
        return model
