"""The bottom line of the window: identification model, gallery, provider, and the running job."""

from __future__ import annotations

# onnxruntime comes before Qt; app/core/recognition/engine.py says why
from app.core.recognition.engine import ProviderReport  # isort: skip

from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from app.ui.background.model_loading import Loaded
from app.ui.widgets.basics import IconLabel, label
from app.ui.window.job_line import JobLine
from app.ui.window.model_button import ModelButton


class StatusBar(QFrame):
    """Facts on the left, the running job on the right.

    Attributes:
        model: which identification model is in use, and the choice of another one.
        jobs: where jobs are shown.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status")
        self.setFixedHeight(32)
        self.model = ModelButton()
        self._gallery = label()
        self._shared = False
        self._chip = IconLabel("cpu", "muted", 14)
        self._provider = label()
        self.jobs = JobLine()

        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(self.model)
        self._dots = [label("·"), label("·")]
        for widget in (self._dots[0], self._gallery, self._dots[1], self._chip, self._provider):
            row.addWidget(widget)
            widget.hide()
        row.addWidget(self.jobs, 1)

    def show_loading(self, name: str) -> None:
        """Show which identification model is being loaded."""
        self.model.show_words(f"loading {name}")

    def show_connecting(self, address: str) -> None:
        """Show which computer a shared gallery is on, before connecting to it."""
        self.model.show_words(f"connecting to {address}")

    def show_no_model(self) -> None:
        """Show that the program has no model."""
        self.model.show_words("no identification model")

    def show_loaded(self, loaded: Loaded) -> None:
        """Show what is in use and where it runs."""
        self.model.show_words(loaded.info.name)
        self.model.show_used(loaded.path, calibrated=loaded.info.calibrated)
        self._shared = loaded.shared
        self.show_gallery(loaded.gallery_size)
        if loaded.gallery_problem:
            self._gallery.setToolTip(loaded.gallery_problem)
        if loaded.gallery_problem and not loaded.gallery_size:
            self._gallery.setText("gallery not in use")
        self.show_provider(loaded.provider)
        for widget in (*self._dots, self._gallery, self._chip, self._provider):
            widget.show()

    def show_provider(self, provider: ProviderReport) -> None:
        """Show where the model runs."""
        on_cpu = provider.used == "CPU"
        self._chip.set_icon("cpu" if on_cpu else "zap", "muted" if on_cpu else "ok")
        # the whole reason may be a paragraph (missing libraries): the tooltip has it
        short = provider.reason if len(provider.reason) <= 40 else "reason in tooltip"
        self._provider.setText(f"{provider.name} ({short})" if on_cpu else provider.name)
        self._provider.setToolTip(
            f"{provider.reason}\nvariant of the model: {provider.variant}\navailable: {', '.join(provider.available)}"
        )

    def show_gallery(self, size: int) -> None:
        """Show how many reference photos there are."""
        self._gallery.setText(f"{'shared ' if self._shared else ''}gallery {size:,}")
        self._gallery.setToolTip("reference photos to compare with; the page Gallery (3) shows them")

    def show_lost_gallery(self, why: str) -> None:
        """Say that the shared gallery cannot be reached any longer."""
        self._gallery.setText("gallery not in use")
        self._gallery.setToolTip(why)

    def provider_text(self) -> str:
        """The provider badge's words."""
        return self._provider.text()

    def facts(self) -> tuple[str, str]:
        """The words for identification model and gallery."""
        return self.model.words(), self._gallery.text()
