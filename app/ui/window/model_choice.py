"""Which identification model and which gallery the window uses, also after a restart."""

from __future__ import annotations

# onnxruntime comes before Qt; app/core/recognition/engine.py says why
from app.core.recognition.engine import Device, ProviderReport  # isort: skip

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.gallery.references import Place, place_of
from app.core.system import paths
from app.ui.background.model_loading import Loaded, LoadFailure, ModelLoading, ModelRequest
from app.ui.window.settings import Settings


class ModelChoice(QObject):
    """Has models loaded by the worker, and remembers what a person chose.

    Attributes:
        in_use: what answers now, None before anything does.

    Signals:
        loading: (str) a file of this name is being loaded
        loaded: (Loaded) this is in use from now on
        moved: (Loaded) the GPU failed, and what is in use runs elsewhere from now on
        failed: (words, details) a file cannot be used; the one before stays in use
    """

    loading = Signal(str)
    loaded = Signal(Loaded)
    moved = Signal(Loaded)
    failed = Signal(str, str)

    def __init__(
        self,
        loading: ModelLoading,
        settings: Settings,
        save: Callable[[], None],
        gallery: Place | None,
        device: Device,
    ) -> None:
        """Args: save: keeps the settings; gallery: the one of the command line, for the model that is opened first."""
        super().__init__(loading)
        self._loading, self._settings, self._save = loading, settings, save
        self._named_gallery, self._device = gallery, device
        self._named_for: Path | None = None
        self._supplied = paths.bundled_model()
        self._remembered: Path | None = None  # opened first, and perhaps no longer there
        self.in_use: Loaded | None = None
        self._asked: ModelRequest | None = None  # the newest, unless it failed
        self._chosen: set[Path] = set()  # chosen by a person
        loading.loaded.connect(self._on_loaded)
        loading.failed.connect(self._on_failed)
        loading.moved.connect(self._on_moved)

    def open(self, model: Path, *, remember: bool = False) -> None:
        """Load an identification model; the next start takes it too if it is to be remembered."""
        self.loading.emit(model.name)
        if remember:
            self._chosen.add(model)
        if self._named_for is None:
            self._named_for = paths.tidy(model)
        named = self._named_gallery if paths.tidy(model) == self._named_for else None
        chosen = {fingerprint: place_of(place) for fingerprint, place in self._settings.galleries.items()}
        self._asked = ModelRequest(model, named, self._device, chosen)
        self._loading.ask(self._asked)

    def open_first(self, model: Path | None) -> bool:
        """Load the requested model, else the one chosen last, else the supplied one; False without any."""
        chosen = self._settings.identification_model
        if model is None:
            self._remembered = chosen  # only the model's thread looks whether it is there: drives can hang
        found = model or chosen or self._supplied
        if found is not None:
            self.open(found)
        return found is not None

    def open_again(self) -> None:
        """Load the model in use, or the chosen one, again, with the gallery as it is now."""
        if self._asked is not None:
            self.open(self._asked.model)
        elif self.in_use is not None:
            self.open(self.in_use.path)

    def choose_gallery(self, place: Place | None) -> None:
        """Compare with another gallery, also after a restart; None: the supplied one with the user's additions."""
        if self.in_use is None:
            return
        galleries = {**self._settings.galleries, self.in_use.info.fingerprint: str(place)}
        if place is None:
            del galleries[self.in_use.info.fingerprint]
        self._settings.galleries = galleries
        self._save()
        if paths.tidy(self.in_use.path) == self._named_for:
            self._named_gallery = None
        self.open_again()

    def decline(self, fingerprint: str) -> None:
        """Do not offer to re-embed anything for this model, also after a restart."""
        self._settings.reembedding_declined = [*self._settings.reembedding_declined, fingerprint]
        self._save()

    def _on_loaded(self, loaded: Loaded) -> None:
        self.in_use = loaded
        if loaded.path in self._chosen:
            self._settings.identification_model = None if loaded.path == self._supplied else loaded.path
            self._save()
        self.loaded.emit(loaded)

    def _on_moved(self, provider: ProviderReport) -> None:
        if self.in_use is not None:
            self.in_use = replace(self.in_use, provider=provider)
            self.moved.emit(self.in_use)

    def _on_failed(self, failure: LoadFailure) -> None:
        request = failure.request
        newest = request is self._asked
        if self.in_use is None:  # --gallery still belongs to the first model
            self._named_for = None
        if newest and self.in_use is not None:
            self._asked = None
        if failure.missing and newest and request.model == self._remembered and self._supplied is not None:
            self._remembered = None
            self.open(self._supplied)
            return
        self.failed.emit(
            f"{request.model.name} cannot be used as identification model. Choose another file.", failure.message
        )
        if not newest and self._asked is not None:
            self.loading.emit(self._asked.model.name)
