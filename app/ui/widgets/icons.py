"""Icons: stroked SVG files, tinted from the palette when they are painted; a change of theme needs no new icons."""

from __future__ import annotations

from functools import cache, lru_cache

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.core.system import paths


def icon(name: str) -> QIcon:
    """The icon of the file `resources/icons/<name>.svg`, in the palette's colour at paint time.

    Raises:
        FileNotFoundError: if there is no such file.
    """
    _svg(name)
    return QIcon(_TintedEngine(name))


def paint(painter: QPainter, where: QRect, name: str, colour: QColor | str) -> None:
    """Draw an icon in the middle of a rectangle, as a square of the shorter side."""
    side = min(where.width(), where.height())
    square = QRect(QPoint(0, 0), QSize(side, side))
    square.moveCenter(where.center())
    device = painter.device()
    ratio = device.devicePixelRatioF() if device is not None else 1.0
    painter.drawPixmap(square.topLeft(), tinted(name, QColor(colour).name(), side, ratio))


@lru_cache(maxsize=512)
def tinted(name: str, colour: str, side: int, ratio: float) -> QPixmap:
    """An icon as a pixmap.

    Args:
        name: file name without its ending.
        colour: stroke colour, `#RRGGBB`.
        side: width and height in device-independent pixels.
        ratio: device pixels for each of these.
    """
    pixels = max(1, round(side * ratio))
    pixmap = QPixmap(pixels, pixels)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(_svg(name).replace("currentColor", colour).encode())).render(
        painter, QRectF(0, 0, pixels, pixels)
    )
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


@cache
def _svg(name: str) -> str:
    return (paths.resources() / "icons" / f"{name}.svg").read_text(encoding="utf-8")


class _TintedEngine(QIconEngine):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        palette = QGuiApplication.palette()
        if mode is QIcon.Mode.Disabled:
            colour = palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText)
        elif state is QIcon.State.On:
            colour = palette.color(QPalette.ColorRole.Highlight)
        else:
            colour = palette.color(QPalette.ColorRole.ButtonText)
        paint(painter, rect, self._name, colour)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        return _TintedEngine(self._name)
