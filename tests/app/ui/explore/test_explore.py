"""What a person does on the page Explore, done to the real window."""

from __future__ import annotations

import csv
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.core.explore.map_points import By, Source
from app.core.project.labels import Label, Verdict
from app.core.project.records import SubjectId
from app.ui.explore.group_colours import rgb
from app.ui.explore.map_view import Tool
from app.ui.widgets import theme
from app.ui.window.main_window import MainWindow
from tests.app.ui.conftest import OpenWindow, wait_until

PATIENCE = 15_000
Key = Qt.Key
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def explore(open_marque: Callable[..., MainWindow], qtbot: QtBot) -> Callable[..., MainWindow]:
    """Opens the window, identifies a folder into its project and shows it on the page Explore."""

    def open_one(*folders: Path) -> MainWindow:
        window = open_marque()
        opened = window.project
        qtbot.waitUntil(lambda: opened.project is not None and window.identify.session.loaded() is not None)
        if folders:
            opened.identify(list(folders))
            qtbot.waitUntil(lambda: len(opened.columns) > 0 and not opened.running.active(), timeout=PATIENCE)
            qtbot.waitUntil(lambda: bool((opened.columns.predictions["image"] > 0).all()), timeout=PATIENCE)
        QTest.keyClick(window, Key.Key_4)
        assert window.pages.currentWidget() is window.explore
        if folders:
            laid_out(qtbot, window, 12)
        return window

    return open_one


def laid_out(qtbot: QtBot, window: MainWindow, count: int) -> None:
    """Until so many points are on the map and stay where they are."""
    page = window.explore
    qtbot.waitUntil(lambda: len(page.map.places()) == count and not page.survey.unfolding(), timeout=PATIENCE)


def points_of(window: MainWindow, label: str) -> np.ndarray:
    """Points of the project's photos that are shown as this class."""
    columns = window.project.columns
    return np.flatnonzero(columns.shown.label == columns.names.place(label))


def drag(window: MainWindow, corners: list[QPointF]) -> None:
    """Draw with the left button."""
    map_ = window.explore.map
    QTest.mousePress(map_, LEFT, pos=corners[0].toPoint())
    for start, end in pairwise(corners):
        for share in np.linspace(0, 1, 6)[1:].tolist():
            QTest.mouseMove(map_, (start + (end - start) * share).toPoint())
    QTest.mouseRelease(map_, LEFT, pos=corners[-1].toPoint())


def around(window: MainWindow, points: np.ndarray, away: float = 14) -> list[QPointF]:
    """Corners of a box about points, pixels."""
    spots = [window.explore.map.spot(point) for point in points.tolist()]
    left, right = min(spot.x() for spot in spots) - away, max(spot.x() for spot in spots) + away
    top, bottom = min(spot.y() for spot in spots) - away, max(spot.y() for spot in spots) + away
    return [QPointF(left, top), QPointF(right, top), QPointF(right, bottom), QPointF(left, bottom)]


def test_an_empty_project_says_what_to_do(explore: Callable[..., MainWindow], qtbot: QtBot) -> None:
    page = explore().explore
    assert page.empty.isVisible() and page.empty.button.text() == "identify a folder"
    assert not page.toolbar.unfold_button.isEnabled() and page.toolbar.source_box.isEnabled()


def test_points_have_the_colours_of_their_types_and_classes(
    explore: Callable[..., MainWindow], photos: Path, qtbot: QtBot
) -> None:
    window = explore(photos)
    page, columns = window.explore, window.project.columns
    for name in ("dark", "light"):
        window.set_theme(theme.ThemeName(name))
        for place, kind in enumerate(("sedan", "ship")):
            expected = rgb(theme.class_colour(place))
            members = columns.shown.type == columns.names.place(kind)
            assert members.sum() == 6 and (page.map.colours()[members] == expected).all()
    assert [(word, count) for word, _, count in page.side.legend.texts()] == [("sedan", "6"), ("ship", "6")]
    page.colour_by(By.CLASS)
    ships = points_of(window, "Azzurra class")
    assert (page.map.colours()[ships] == rgb(theme.class_tint(1, 0))).all()
    assert len({tuple(colour) for colour in page.map.colours().tolist()}) == 4
    page.colour_by(By.VERDICT)
    assert page.side.legend.texts()[0][0] == "not decided"
    window.project.label({SubjectId(1): Label(Verdict.ACCEPTED, "sedan", "Gialla 2012")}, "by hand")
    qtbot.waitUntil(lambda: page.side.legend.texts()[0][0] == "accepted", timeout=PATIENCE)
    assert (page.map.colours()[0] == rgb(QColor(theme.tokens().ok))).all()


@pytest.mark.parametrize("tool", [Tool.LASSO, Tool.BOX])
def test_what_a_lasso_or_box_encloses_is_listed_in_review(
    explore: Callable[..., MainWindow], photos: Path, qtbot: QtBot, tool: Tool
) -> None:
    window = explore(photos)
    page, review = window.explore, window.review
    wanted = points_of(window, "Celeste class")
    QTest.mouseClick(page.toolbar.tool_buttons[tool], LEFT)
    corners = around(window, wanted)
    drag(window, corners if tool is Tool.LASSO else [corners[0], corners[2]])
    assert page.map.chosen().tolist() == wanted.tolist()
    assert page.side.chosen.text() == "3 photos chosen"
    QTest.mouseClick(page.side.open_button, LEFT)
    assert window.pages.currentWidget() is review
    assert review.listing.images().tolist() == window.project.columns.ids[wanted].tolist()
    assert review.bar.text() == "3 photos chosen on the map"
    QTest.keyClick(window, Key.Key_Escape)
    assert review.listing.rowCount() == 12
    QTest.keyClick(window, Key.Key_4)
    assert page.map.chosen().tolist() == wanted.tolist()
    QTest.keyClick(window, Key.Key_Escape)
    assert not len(page.map.chosen()) and not page.side.open_button.isEnabled()


def test_the_map_can_be_pointed_at_zoomed_and_moved(
    explore: Callable[..., MainWindow], photos: Path, qtbot: QtBot
) -> None:
    window = explore(photos)
    map_ = window.explore.map
    spot = map_.spot(5)
    QTest.mouseMove(map_, spot.toPoint())
    assert map_.hovered() != -1
    near = map_.hovered()
    card = window.explore.shown.card(near)
    assert card.title == window.review.listing.index(near, 3).data() and card.beneath.endswith(".jpg")
    qtbot.waitUntil(lambda: window.explore.shown.card(near).picture is not None, timeout=PATIENCE)
    map_.grab()
    map_.zoom(3, spot)
    assert (map_.spot(5) - spot).manhattanLength() < 0.5
    before = map_.spot(0)
    drag(window, [QPointF(200, 200), QPointF(260, 240)])
    moved = map_.spot(0) - before
    assert abs(moved.x() - 60) <= 1 and abs(moved.y() - 40) <= 1
    QTest.keyClick(window, Key.Key_F)
    assert (map_.spot(5) - spot).manhattanLength() < 0.5


def test_the_photo_that_is_current_in_review_is_found_and_a_click_makes_it_so(
    explore: Callable[..., MainWindow], photos: Path, qtbot: QtBot
) -> None:
    window = explore(photos)
    page, review = window.explore, window.review
    review.chosen.go(7)
    assert page._current == review.chosen.image()
    QTest.keyClick(window, Key.Key_G)
    middle = QPointF(page.map.rect().center())
    assert (page.map.spot(7) - middle).manhattanLength() < 2
    QTest.mouseClick(page.map, LEFT, pos=page.map.rect().center() + QPoint(1, 1))
    point = page.map.chosen().tolist()
    assert len(point) == 1 and review.chosen.place() == point[0]


def test_gallery_and_project_are_shown_together(explore: Callable[..., MainWindow], photos: Path, qtbot: QtBot) -> None:
    window = explore(photos)
    page = window.explore
    page.survey.set_source(Source.BOTH)
    laid_out(qtbot, window, 24)
    page.colour_by(By.SOURCE)
    assert [(word, count) for word, _, count in page.side.legend.texts()] == [
        *(("photos of the project", "12"), ("references of the gallery", "12")),
    ]
    page.side.legend.group_clicked.emit(1)
    assert page.side.chosen.text() == "12 references chosen" and not page.side.open_button.isEnabled()
    page.survey.set_source(Source.GALLERY)
    laid_out(qtbot, window, 12)
    page.colour_by(By.TYPE)
    assert page.side.total.text() == "12 photos" and page.shown.card(0).beneath.startswith("reference")


def test_unfolding_can_be_stopped_and_begun_again(
    explore: Callable[..., MainWindow], photos: Path, qtbot: QtBot
) -> None:
    window = explore(photos)
    page = window.explore
    assert "map of 12 photos" in window.status.jobs.text() and "stopped" not in window.status.jobs.text()
    QTest.mouseClick(page.toolbar.unfold_button, LEFT)
    assert page.survey.unfolding() and page.toolbar.unfold_button.text().strip() == "stop"
    QTest.mouseClick(page.toolbar.unfold_button, LEFT)
    laid_out(qtbot, window, 12)
    assert "stopped after" in window.status.jobs.text()
    assert page.toolbar.unfold_button.text().strip() == "unfold"


def test_photos_that_come_later_are_on_the_map_too(
    explore: Callable[..., MainWindow], photos: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    window = explore(photos)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "13.jpg").write_bytes(next(photos.rglob("1.jpg")).read_bytes())
    window.project.identify([tmp_path / "more"])
    laid_out(qtbot, window, 13)
    assert window.explore.side.total.text() == "13 photos"


def test_nothing_is_laid_out_while_another_page_is_on_show(open_marque: OpenWindow, photos: Path, qtbot: QtBot) -> None:
    window = open_marque()
    opened = window.project
    qtbot.waitUntil(lambda: opened.project is not None and window.identify.session.loaded() is not None)
    opened.identify([photos])
    qtbot.waitUntil(lambda: len(opened.columns) == 12 and not opened.running.active(), timeout=PATIENCE)
    qtbot.wait(700)
    assert len(window.explore.survey.points) == 0 and "12 of 12 photos done" in window.status.jobs.text()


def test_another_project_has_a_map_of_its_own(
    explore: Callable[..., MainWindow], photos: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    window = explore(photos)
    first = window.project.project.path
    window.project.open(tmp_path / "other.marque", create=True)
    qtbot.waitUntil(window.explore.empty.isVisible, timeout=PATIENCE)
    window.project.open(first)
    laid_out(qtbot, window, 12)
    assert window.explore.map.isVisible() and len(set(window.explore.map.colours()[:, 0].tolist())) == 2


def test_the_map_is_saved_as_picture_drawing_and_table(
    explore: Callable[..., MainWindow], photos: Path, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = explore(photos)
    page = window.explore
    for kind in ("png", "svg", "csv"):
        out = tmp_path / f"map.{kind}"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, out=out, **_k: (str(out), ""))
        page.toolbar.save_wanted.emit(kind)
        wait_until(qtbot, lambda out: f"written: {out}" in window.status.jobs.text(), out)
    assert QImage(str(tmp_path / "map.png")).width() == 2 * page.map.width()
    assert (tmp_path / "map.svg").read_text(encoding="utf-8").count("<circle") == 12 + 2
    rows = list(csv.DictReader((tmp_path / "map.csv").open(encoding="utf-8")))
    assert {row["class"] for row in rows} == {"Gialla 2012", "Rossa 2010", "Azzurra class", "Celeste class"}
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(tmp_path / "no" / "map.png"), ""))
    page.toolbar.save_wanted.emit("png")
    qtbot.waitUntil(lambda: "does not exist; make it first" in page.errors.text(), timeout=PATIENCE)
