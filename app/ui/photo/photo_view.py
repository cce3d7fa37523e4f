"""One photograph on a quiet ground: zoom to the cursor, pan, fit, one to one, and a crop box."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.ui.background.photo_loading import Photo
from app.ui.widgets import theme
from model.system.plain_text import one_line

_MARGIN = 16
_STEP = 1.0015  # zoom for each of the 120 units of a wheel notch
_MOST = 16.0  # screen pixels to one pixel of the photo
_BLOCKS_FROM = 6  # beyond this enlargement single pixels should be visible
_LEAST_CROP = 8  # pixels of the photo


class PhotoView(QWidget):
    """Shows a `Photo`. Positions are in pixels of the photo unless said otherwise.

    Signals:
        moved: the user zoomed or panned: (zoom relative to fit, centre x and y as fractions of the photo)
        cropped: (QRect) a crop box was drawn
        crop_cleared: the crop box was removed
    """

    moved = Signal(float, float, float)
    cropped = Signal(QRect)
    crop_cleared = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(160, 120)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("photo")
        self.crop_enabled = True
        self._photo: Photo | None = None
        self._message = ""
        self._caption = ""
        self._fitted = True
        self._zoom = 1.0
        self._centre = QPointF()
        self._cropping = False
        self._heat: QImage | None = None
        self._crop: QRectF | None = None
        self._crop_from: QPointF | None = None
        self._pan_from: QPointF | None = None

    # what is shown

    def show_photo(self, photo: Photo | None, caption: str = "") -> None:
        """Show a photo, fitted, without crop box; None for an empty view."""
        self._photo, self._caption, self._message, self._heat = photo, caption, "", None
        self._crop = self._crop_from = self._pan_from = None
        self.fit()

    def show_message(self, text: str) -> None:
        """Show a sentence instead of a photo."""
        self.show_photo(None)
        self._message = text
        self.update()

    def show_heat(self, heat: QImage | None) -> None:
        """Lay a picture over the photo, or over its crop box; None removes it."""
        self._heat = heat
        self.update()

    def heat(self) -> QImage | None:
        """What is drawn over the photo."""
        return self._heat

    def photo(self) -> Photo | None:
        """The photo on show."""
        return self._photo

    def crop(self) -> QRect | None:
        """The crop box, whole pixels inside the photo, or None."""
        return None if self._crop is None or self._photo is None else self._inside(self._crop)

    def clear_crop(self) -> bool:
        """Remove the crop box; True if there was one."""
        had = self._crop is not None
        self._crop = self._crop_from = None
        if had:
            self.update()
            self.crop_cleared.emit()
        return had

    def set_cropping(self, on: bool) -> None:
        """Whether a plain drag draws a crop box in place of moving the photo."""
        self._cropping = on
        self._set_cursor(on)

    # zoom and pan

    def fit(self) -> None:
        """Show the whole photo, never larger than four times its own pixels, and keep fitting when resized."""
        self._fitted = True
        if self._photo is not None:
            size = self._photo.size
            self._zoom = self._fit_zoom()
            self._centre = QPointF(size.width() / 2, size.height() / 2)
        self.update()
        self._tell()

    def actual_size(self, at: QPointF | None = None) -> None:
        """One pixel of the photo on one pixel of the screen, about a point of the widget or the middle."""
        self._zoom_to(1 / self.devicePixelRatioF(), at if at is not None else QPointF(self.rect().center()))

    def zoom(self) -> float:
        """Widget pixels to one pixel of the photo."""
        return self._zoom

    def centre(self) -> QPointF:
        """The point of the photo in the middle of the widget."""
        return QPointF(self._centre)

    def follow(self, relative: float, x: float, y: float) -> None:
        """Take zoom and place from another view, as its `moved` says; emits nothing."""
        if self._photo is None:
            return
        size = self._photo.size
        self._fitted = False
        self._zoom = self._fit_zoom() * relative
        self._centre = QPointF(x * size.width(), y * size.height())
        self.update()

    def to_photo(self, point: QPointF) -> QPointF:
        """A point of the widget in pixels of the photo."""
        return (point - QPointF(self.width() / 2, self.height() / 2)) / self._zoom + self._centre

    def to_widget(self, point: QPointF) -> QPointF:
        """A point of the photo in the widget."""
        return (point - self._centre) * self._zoom + QPointF(self.width() / 2, self.height() / 2)

    def _fit_zoom(self) -> float:
        if self._photo is None:
            return 1.0
        size, room = self._photo.size, self.size() - QSize(2 * _MARGIN, 2 * _MARGIN)
        zoom = min(max(room.width(), 1) / size.width(), max(room.height(), 1) / size.height())
        return min(zoom, 4.0)

    def _zoom_to(self, zoom: float, at: QPointF) -> None:
        if self._photo is None:
            return
        least = min(self._fit_zoom(), 1 / self.devicePixelRatioF())
        kept = self.to_photo(at)
        self._zoom = min(max(zoom, least), _MOST)
        self._fitted = False
        # the point under the cursor stays there
        self._centre = kept - (at - QPointF(self.width() / 2, self.height() / 2)) / self._zoom
        self._keep_in_sight()

    def _keep_in_sight(self) -> None:
        if self._photo is None:
            return
        size = self._photo.size
        self._centre = QPointF(
            min(max(self._centre.x(), 0.0), size.width()), min(max(self._centre.y(), 0.0), size.height())
        )
        self.update()
        self._tell()

    def _tell(self) -> None:
        if self._photo is not None:
            size = self._photo.size
            self.moved.emit(
                self._zoom / self._fit_zoom(), self._centre.x() / size.width(), self._centre.y() / size.height()
            )

    # events

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A fitted photo stays fitted."""
        super().resizeEvent(event)
        if self._fitted:
            self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom to the cursor."""
        turn = event.angleDelta().y() or event.pixelDelta().y()
        self._zoom_to(self._zoom * _STEP**turn, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to pan, or to draw a crop box."""
        if event.button() is not Qt.MouseButton.LeftButton or self._photo is None:
            return
        if self.crop_enabled and (self._cropping or event.modifiers() & Qt.KeyboardModifier.ShiftModifier):
            self._crop_from = self.to_photo(event.position())
        else:
            self._pan_from = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan, or stretch the crop box."""
        if self._crop_from is not None:
            self._crop = QRectF(self._crop_from, self.to_photo(event.position())).normalized()
            self.update()
        elif self._pan_from is not None:
            self._centre -= (event.position() - self._pan_from) / self._zoom
            self._pan_from = event.position()
            self._fitted = False
            self._keep_in_sight()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A crop box that is large enough is reported; a smaller one is a slip of the hand."""
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        self._pan_from = None
        self._set_cursor(self._cropping)
        if self._crop_from is None:
            return
        self._crop_from = None
        box = self.crop()
        if box is not None and box.width() >= _LEAST_CROP and box.height() >= _LEAST_CROP:
            self._crop = QRectF(box)
            self.update()
            self.cropped.emit(box)
        else:
            self.clear_crop()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """One to one, and back to the whole photo."""
        if self._fitted:
            self.actual_size(event.position())
        else:
            self.fit()

    def _set_cursor(self, cropping: bool) -> None:
        self.setCursor(Qt.CursorShape.CrossCursor if cropping else Qt.CursorShape.ArrowCursor)

    def _inside(self, box: QRectF) -> QRect:
        size = self._photo.size if self._photo is not None else QSize()
        return box.toAlignedRect() & QRect(0, 0, size.width(), size.height())

    # painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Ground, photo, crop box, caption."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.tokens().window))
        if self._photo is not None:
            self._paint_photo(painter, self._photo)
            self._paint_heat(painter, self._photo)
            self._paint_crop(painter)
            self._paint_caption(painter)
        elif self._message:
            painter.setFont(theme.font(theme.STRONG))
            painter.setPen(QColor(theme.tokens().muted))
            room = self.rect().adjusted(32, 32, -32, -32)
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._message)
        painter.end()

    def _paint_photo(self, painter: QPainter, photo: Photo) -> None:
        size = photo.size
        target = QRectF(self.to_widget(QPointF(0, 0)), self.to_widget(QPointF(size.width(), size.height())))
        needed = target.width() * self.devicePixelRatioF()
        # the smallest level with at least one pixel for each on the screen: this stays smooth when reduced
        level = next((one for one in reversed(photo.levels) if one.width() >= needed), photo.levels[0])
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, needed < level.width() * _BLOCKS_FROM)
        painter.drawImage(target, level)

    def _paint_heat(self, painter: QPainter, photo: Photo) -> None:
        if self._heat is None:
            return
        box = self.crop() or QRect(0, 0, photo.size.width(), photo.size.height())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(self.to_widget(QPointF(box.topLeft())), QSize(box.size()) * self._zoom), self._heat)

    def _paint_crop(self, painter: QPainter) -> None:
        box = self.crop()
        if box is None or box.isEmpty():
            return
        frame = QRectF(self.to_widget(QPointF(box.topLeft())), QSize(box.size()) * self._zoom)
        dim = QColor(0, 0, 0, 120)
        whole = QRectF(self.rect())
        painter.fillRect(QRectF(0, 0, whole.width(), frame.top()), dim)
        painter.fillRect(QRectF(0, frame.bottom(), whole.width(), whole.height() - frame.bottom()), dim)
        painter.fillRect(QRectF(0, frame.top(), frame.left(), frame.height()), dim)
        painter.fillRect(QRectF(frame.right(), frame.top(), whole.width() - frame.right(), frame.height()), dim)
        painter.setPen(QPen(QColor(theme.tokens().accent), 2))
        painter.drawRect(frame)
        self._chip(painter, f"crop {box.width()} × {box.height()}", QPointF(frame.left(), frame.bottom() + 6))

    def _paint_caption(self, painter: QPainter) -> None:
        if self._caption:
            self._chip(painter, self._caption, QPointF(12, self.height() - 34))

    def _chip(self, painter: QPainter, text: str, at: QPointF) -> None:
        painter.setFont(theme.font(theme.CAPTION))
        metrics = painter.fontMetrics()
        text = metrics.elidedText(one_line(text), Qt.TextElideMode.ElideMiddle, self.width() - 40)
        box = QRectF(0, 0, metrics.horizontalAdvance(text) + 16, 22)
        box.moveTo(max(4.0, min(at.x(), self.width() - box.width() - 4)), max(4.0, min(at.y(), self.height() - 26.0)))
        ground = QColor(theme.tokens().surface)
        ground.setAlpha(230)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)
        painter.setPen(QColor(theme.tokens().text))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
