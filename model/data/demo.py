"""A small drawn data set of vehicles and vessels, to try everything without a download.

Five types of three models each. As with real ones, the models of a type differ in details (number of masts, shape of
the cab, what stands on the deck) while colour, place, size and background say nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from platformdirs import user_cache_path

from model.contract.samples import DataError

SEED = 7
PHOTOS_PER_FINE = 24
UNKNOWN_PER_COARSE = 4
_VERSION = "demo-v1"
_MARK = "drawn-by-marque.txt"
_WIDTHS, _HEIGHTS = (150, 200), (128, 168)  # of a picture, pixels
_OVERSAMPLING = 2
_LENGTH = 100.0  # every object is 100 units long

_DARK = (38, 40, 46)
_GLASS = (176, 208, 226)
_PALE = (236, 236, 230)

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class _Pen:
    """Draws in units of the object: x from 0 at the stern or tail to 100, y upwards from the ground or waterline."""

    draw: ImageDraw.ImageDraw
    left: float
    ground: float
    unit: float
    body: Colour
    trim: Colour

    def shape(self, points: list[tuple[float, float]], colour: Colour) -> None:
        """A filled polygon."""
        self.draw.polygon([(self.left + x * self.unit, self.ground - y * self.unit) for x, y in points], fill=colour)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        """A filled rectangle."""
        self.shape([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour)

    def ball(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """A filled circle."""
        centre = (self.left + x * self.unit, self.ground - y * self.unit)
        self.draw.circle(centre, radius * self.unit, fill=colour)

    def wheels(self, radius: float, *places: float) -> None:
        """Wheels that stand on the ground."""
        for x in places:
            self.ball(x, radius, radius, _DARK)
            self.ball(x, radius, radius * 0.45, _PALE)

    def windows(self, x0: float, x1: float, y0: float, y1: float, count: int) -> None:
        """A row of windows."""
        pitch = (x1 - x0) / count
        for i in range(count):
            self.box(x0 + i * pitch, y0, x0 + (i + 0.75) * pitch, y1, _GLASS)


def _sedan(pen: _Pen) -> None:
    pen.shape([(1, 8), (99, 8), (99, 17), (94, 20), (74, 22), (62, 34), (30, 34), (18, 23), (2, 22)], pen.body)
    pen.shape([(31, 32), (45, 32), (45, 23), (22, 23)], _GLASS)
    pen.shape([(48, 32), (61, 32), (71, 23), (48, 23)], _GLASS)
    pen.wheels(8, 20, 79)


def _sedan_with_spoiler(pen: _Pen) -> None:
    _sedan(pen)
    pen.box(3, 21, 6, 33, _DARK)
    pen.box(-3, 31, 14, 35, _DARK)


def _sedan_with_rack(pen: _Pen) -> None:
    _sedan(pen)
    pen.box(32, 34, 34, 39, _DARK)
    pen.box(58, 34, 60, 39, _DARK)
    pen.box(28, 39, 66, 45, pen.trim)


def _truck_rear(pen: _Pen) -> None:
    pen.box(0, 8, 100, 12, _DARK)
    pen.box(0, 12, 66, 46, pen.trim)


def _cab_over_truck(pen: _Pen) -> None:
    _truck_rear(pen)
    pen.box(69, 10, 95, 44, pen.body)
    pen.box(83, 27, 95, 40, _GLASS)
    pen.wheels(8, 14, 32, 82)


def _bonneted_truck(pen: _Pen) -> None:
    _truck_rear(pen)
    pen.shape([(69, 10), (100, 10), (100, 24), (86, 26), (82, 40), (69, 40)], pen.body)
    pen.shape([(73, 37), (80, 37), (83, 27), (73, 27)], _GLASS)
    pen.wheels(8, 14, 32, 88)


def _tank_truck(pen: _Pen) -> None:
    pen.box(0, 8, 100, 12, _DARK)
    pen.box(12, 14, 54, 38, pen.trim)
    pen.ball(12, 26, 12, pen.trim)
    pen.ball(54, 26, 12, pen.trim)
    pen.box(20, 38, 26, 42, _DARK)
    pen.box(40, 38, 46, 42, _DARK)
    pen.box(69, 10, 95, 44, pen.body)
    pen.box(83, 27, 95, 40, _GLASS)
    pen.wheels(8, 14, 32, 82)


def _single_decker(pen: _Pen) -> None:
    pen.box(0, 6, 100, 36, pen.body)
    pen.box(0, 6, 100, 12, pen.trim)
    pen.windows(4, 98, 20, 31, 8)
    pen.wheels(7, 20, 80)


def _double_decker(pen: _Pen) -> None:
    pen.box(0, 6, 100, 62, pen.body)
    pen.box(0, 34, 100, 38, pen.trim)
    pen.windows(4, 98, 20, 31, 8)
    pen.windows(4, 98, 44, 56, 8)
    pen.wheels(7, 20, 80)


def _articulated_bus(pen: _Pen) -> None:
    pen.box(0, 6, 44, 30, pen.body)
    pen.box(56, 6, 100, 30, pen.body)
    for x in (44, 48, 52):
        pen.box(x, 8, x + 2.5, 28, _DARK)
    pen.box(0, 6, 44, 10, pen.trim)
    pen.box(56, 6, 100, 10, pen.trim)
    pen.windows(3, 43, 17, 26, 4)
    pen.windows(58, 98, 17, 26, 4)
    pen.wheels(6, 20, 66, 88)


def _ship(pen: _Pen) -> None:
    pen.shape([(3, 0), (92, 0), (100, 14), (0, 14)], pen.body)
    pen.shape([(3, 0), (92, 0), (94, 4), (2, 4)], pen.trim)
    pen.box(6, 14, 20, 34, _PALE)
    pen.windows(7, 20, 28, 31, 4)
    pen.box(8, 34, 14, 42, pen.trim)


def _crude_tanker(pen: _Pen) -> None:
    _ship(pen)
    pen.box(22, 17, 94, 19, _DARK)
    for x in (30, 46, 62, 78):
        pen.box(x, 14, x + 1.5, 18, _DARK)


def _gas_carrier(pen: _Pen) -> None:
    _ship(pen)
    for x in (34, 54, 74):
        pen.ball(x, 16, 9, _PALE)
    pen.shape([(0, 14), (100, 14), (99, 11), (1, 11)], pen.body)


def _crane_tanker(pen: _Pen) -> None:
    _ship(pen)
    for x in (40, 70):
        pen.box(x, 14, x + 3, 40, _DARK)
        pen.shape([(x + 1, 40), (x + 20, 30), (x + 20, 28), (x + 1, 36)], pen.trim)


def _sailing_hull(pen: _Pen) -> None:
    pen.shape([(6, 0), (84, 0), (100, 13), (2, 11)], pen.body)


def _sail(pen: _Pen, mast: float, foot: float, height: float) -> None:
    pen.box(mast - 0.8, 10, mast + 0.8, height, _DARK)
    pen.shape([(mast - 2, 16), (mast - foot, 16), (mast - 2, height - 2)], _PALE)


def _sloop(pen: _Pen) -> None:
    _sailing_hull(pen)
    _sail(pen, 54, 42, 92)
    pen.shape([(57, 16), (94, 16), (57, 84)], pen.trim)


def _schooner(pen: _Pen) -> None:
    _sailing_hull(pen)
    _sail(pen, 40, 32, 74)
    _sail(pen, 70, 26, 74)


def _three_master(pen: _Pen) -> None:
    _sailing_hull(pen)
    for mast in (22, 48, 74):
        pen.box(mast - 0.8, 10, mast + 0.8, 70, _DARK)
        for foot, half in ((18, 11), (36, 9.5), (53, 8)):
            pen.box(mast - half, foot, mast + half, foot + 14, _PALE)


_DRAWINGS: dict[str, dict[str, Callable[[_Pen], None]]] = {
    "sedan": {"plain_sedan": _sedan, "rack_sedan": _sedan_with_rack, "spoiler_sedan": _sedan_with_spoiler},
    "truck": {"cab_over_truck": _cab_over_truck, "bonneted_truck": _bonneted_truck, "tank_truck": _tank_truck},
    "bus": {"single_decker": _single_decker, "double_decker": _double_decker, "articulated_bus": _articulated_bus},
    "tanker": {"crude_tanker": _crude_tanker, "gas_carrier": _gas_carrier, "crane_tanker": _crane_tanker},
    "sailboat": {"sloop": _sloop, "schooner": _schooner, "three_master": _three_master},
}
_AFLOAT = ("tanker", "sailboat")
_HEIGHT = {"sedan": 45.0, "truck": 46.0, "bus": 62.0, "tanker": 42.0, "sailboat": 92.0}


def demo_folder(path: Path | None) -> Path:
    """The folder of the demo set (`coarse/fine/*.jpg`), drawn on first use.

    Args:
        path: where it is or will be; None takes the user's cache folder.

    Raises:
        DataError: if `path` holds something else, or it cannot be written.
    """
    folder = (path or user_cache_path("marque") / _VERSION).absolute()
    if (folder / _MARK).exists():
        return folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder}: the folder holds something else; name an empty or a new folder for the demo set")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=folder.name, dir=folder.parent))
        try:
            draw_demo(beside, SEED)
            _move(beside, folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise DataError(f"{folder}: the demo set cannot be written ({error.strerror})") from error
    return folder


def _move(beside: Path, folder: Path) -> None:
    beside.chmod(0o755)  # a temporary folder is for its owner alone
    try:
        if folder.is_dir():
            folder.rmdir()  # an empty folder; Windows does not move onto it
        beside.rename(folder)
    except OSError:
        if not (folder / _MARK).exists():  # otherwise another process was faster
            raise


def draw_demo(folder: Path, seed: int) -> None:
    """Draw the whole set into an existing folder; equal seeds give equal pixels."""
    for coarse_id, (coarse, drawings) in enumerate(_DRAWINGS.items()):
        for fine_id, (fine, drawing) in enumerate(drawings.items()):
            (folder / coarse / fine).mkdir(parents=True)
            for number in range(PHOTOS_PER_FINE):
                rng = np.random.default_rng((seed, coarse_id, fine_id, number))
                _save(_picture(drawing, coarse, rng), folder / coarse / fine / f"{number:03}.jpg")
        for number in range(UNKNOWN_PER_COARSE):
            rng = np.random.default_rng((seed, coarse_id, len(drawings), number))
            drawing = list(drawings.values())[number % len(drawings)]
            _save(_picture(drawing, coarse, rng), folder / coarse / f"unknown-{number:03}.jpg")
    (folder / _MARK).write_text(f"{_VERSION}, seed {seed}. Drawn by Marque; may be deleted.\n", encoding="utf-8")


def _save(picture: Image.Image, file: Path) -> None:
    with file.open("wb") as out:
        picture.save(out, "JPEG", quality=90)
        out.flush()
        os.fsync(out.fileno())


def _picture(drawing: Callable[[_Pen], None], coarse: str, rng: np.random.Generator) -> Image.Image:
    """One object before a random background, uint8 RGB."""
    width, height = (int(rng.integers(low, high + 1)) for low, high in (_WIDTHS, _HEIGHTS))
    across, down = width * _OVERSAMPLING, height * _OVERSAMPLING
    # as long as asked for, but with its whole height in the picture
    length = min(rng.uniform(0.72, 0.94) * across, 0.92 * down * _LENGTH / _HEIGHT[coarse])
    unit = length / _LENGTH
    top = _HEIGHT[coarse] * unit
    ground = rng.uniform(top + 0.02 * down, 0.97 * down)
    horizon = int(ground - rng.uniform(0.0, 0.6) * top)
    canvas = _background(across, down, horizon, coarse in _AFLOAT, rng)
    pen = _Pen(
        draw=ImageDraw.Draw(canvas),
        left=rng.uniform(0.02 * across, 0.98 * across - length),
        ground=ground,
        unit=unit,
        body=_random_colour(rng, 40, 200),
        trim=_random_colour(rng, 40, 200),
    )
    drawing(pen)
    if rng.random() < 0.5:
        canvas = canvas.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    small = canvas.resize((width, height), Image.Resampling.BOX)
    blurred = small.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.8)))
    noisy = np.asarray(blurred, dtype=np.float32) + rng.normal(0, rng.uniform(1, 6), (height, width, 1))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def _background(width: int, height: int, horizon: int, afloat: bool, rng: np.random.Generator) -> Image.Image:
    """Sky above ground or water, each of one colour that fades, with some blocks or clouds at the horizon."""
    sky, ground = _random_colour(rng, 130, 255), _random_colour(rng, 60, 190)
    fade = np.linspace(-20, 20, height, dtype=np.float32)[:, None, None]
    rows = np.where(np.arange(height)[:, None, None] < horizon, sky, ground) + fade
    canvas = Image.fromarray(np.broadcast_to(rows.clip(0, 255), (height, width, 3)).astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    for _ in range(rng.integers(1, 5)):
        left, wide = rng.uniform(0, width), rng.uniform(0.05, 0.2) * width
        tall = rng.uniform(0.05, 0.25) * height
        colour = _random_colour(rng, 90, 220)
        if afloat:
            y = rng.uniform(0, horizon)
            draw.ellipse((left, y - tall / 2, left + wide, y), fill=colour)
        else:
            draw.rectangle((left, horizon - tall, left + wide, horizon), fill=colour)
    return canvas


def _random_colour(rng: np.random.Generator, low: int, high: int) -> Colour:
    red, green, blue = (int(level) for level in rng.integers(low, high, size=3))
    return red, green, blue
