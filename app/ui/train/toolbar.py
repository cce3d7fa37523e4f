"""The buttons of the page Train."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QSlider, QToolButton, QWidget

from app.ui.train import actions
from app.ui.widgets import icons
from app.ui.widgets import standard_actions as standard
from app.ui.widgets.basics import enable, fill_menu, label, tool_button

_STEPS = 100
_NARROW = 960  # below this many pixels the buttons have no words


class TrainToolbar(QFrame):
    """Signals:
    smoothing_changed: (share of the past in each value)
    table_wanted: the curves as CSV
    picture_wanted: the curves as PNG
    """

    smoothing_changed = Signal(float)
    table_wanted = Signal()
    picture_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("toolbar")
        self.setFixedHeight(44)
        self.new_button = tool_button(actions.NEW_TRAINING, "new training")
        self.add_button = tool_button(actions.ADD_RUN, "add a run")
        self.study_button = tool_button(actions.OPEN_STUDY, "open a study")
        self.smoothing = QSlider(Qt.Orientation.Horizontal)
        self.smoothing.setRange(0, _STEPS - 2)
        self.smoothing.setFixedWidth(110)
        self.smoothing.setAccessibleName("smoothing of the curves")
        self.smoothing.setToolTip("smooth the curves")
        self.log_button = tool_button(actions.LOG_AXIS, "log axis", checkable=True)
        self.trainer_button = tool_button(actions.TRAINER_LOG, "trainer's log", checkable=True)
        self.export_button = tool_button(actions.EXPORT_CURVES, "export")
        self.export_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        fill_menu(
            menu,
            {actions.EXPORT_TABLE: self.table_wanted.emit, actions.EXPORT_PICTURE: self.picture_wanted.emit},
        )
        self.export_button.setMenu(menu)
        self.theme_button = tool_button(standard.THEME)
        self._smoothing_words = label("smoothing", "muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(4)
        row.addWidget(self.new_button)
        row.addWidget(self.add_button)
        row.addWidget(self.study_button)
        row.addStretch(1)
        row.addWidget(self._smoothing_words)
        row.addSpacing(4)
        row.addWidget(self.smoothing)
        row.addSpacing(8)
        for button in (self.log_button, self.trainer_button, self.export_button, self.theme_button):
            row.addWidget(button)
        self.smoothing.valueChanged.connect(lambda value: self.smoothing_changed.emit(value / _STEPS))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Only icons if the words would not fit."""
        super().resizeEvent(event)
        narrow = self.width() < _NARROW
        style = Qt.ToolButtonStyle.ToolButtonIconOnly if narrow else Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        for button in (self.add_button, self.study_button, self.log_button, self.trainer_button, self.export_button):
            button.setToolButtonStyle(style)

    def set_filled(self, full: bool) -> None:
        """Set whether there are trainings."""
        self.smoothing.setEnabled(full)
        controls = {
            actions.LOG_AXIS: self.log_button,
            actions.TRAINER_LOG: self.trainer_button,
            actions.EXPORT_CURVES: self.export_button,
        }
        enable(controls, actions.TrainPageState(has_trainings=full))

    def theme_changed(self, dark: bool) -> None:
        """Offer the other theme."""
        self.theme_button.setIcon(icons.icon("sun" if dark else "moon"))
