"""Dots in a picture."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor

from app.ui.explore.point_painter import PointPainter, radius_for

RED, BLUE = (255, 0, 0), (0, 0, 255)


def pixel(spots: list[tuple[float, float]], colours: list[tuple[int, int, int]], x: int, y: int) -> QColor:
    splatter = PointPainter()
    where, tints = np.array(spots, np.float32).reshape(-1, 2), np.array(colours, np.uint8).reshape(-1, 3)
    image = splatter.draw(where, tints, 40, 30, radius=2.0, opacity=0.5)
    assert (image.width(), image.height()) == (40, 30)
    return image.pixelColor(x, y)


@pytest.mark.parametrize("copies", [1, 20_000])
def test_a_dot_is_drawn_where_its_point_is(copies: int) -> None:
    """Both ways of drawing: one dot, and so many that pixels are drawn in place of points."""
    spots, colours = [(20.4, 10.7)] * copies, [RED] * copies
    middle = pixel(spots, colours, 20, 10)
    assert middle.red() > 250 and middle.blue() == 0 and middle.alpha() >= 126
    assert pixel(spots, colours, 21, 10).alpha() > 0 and pixel(spots, colours, 25, 10).alpha() == 0


def test_where_points_lie_close_colours_mix_and_grow_denser() -> None:
    alone, both = pixel([(20, 10)], [RED], 20, 10), pixel([(20, 10)] * 2, [RED, BLUE], 20, 10)
    assert both.alpha() > alone.alpha()
    assert abs(both.red() - 128) < 4 and abs(both.blue() - 128) < 4


def test_what_is_outside_is_left_out_and_the_edge_does_not_wrap() -> None:
    assert pixel([(-1, 5), (40, 5), (5, -0.5), (5, 30), (1e9, 1e9)], [RED] * 5, 0, 5).alpha() == 0
    assert pixel([(0, 5)], [RED], 0, 5).alpha() > 0 and pixel([(0, 5)], [RED], 39, 4).alpha() == 0
    assert pixel([], [], 0, 0).alpha() == 0


def test_dots_grow_smaller_the_more_there_are() -> None:
    sizes = [radius_for(count) for count in (0, 100, 5000, 20_000, 1_000_000)]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] == 5.0 and sizes[-1] == 1.0
