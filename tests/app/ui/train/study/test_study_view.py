"""A study opened on the page Train, as a person would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.ui.train.study.study_view import StudyView
from app.ui.window.main_window import MainWindow
from model.experiments.plan import StudyPlan, keep_plan

PATIENCE = 60_000
Key = Qt.Key
HEAD = "cell,seed,rule,recall_1,severity,collapsed"


def rows(cell: str, *recall: float) -> list[str]:
    return [f"{cell},{seed},{cell},{value},{2 - value:.3f},0" for seed, value in enumerate(recall)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study of two cells that is not finished: one of three seeds is wanting in one of them."""
    study = tmp_path / "study"
    study.mkdir()
    axes = {"rule": {name: {"loss.rule": name} for name in ("random", "semi_hard", "hard_hard")}}
    keep_plan(StudyPlan(title="Rules", mode="frozen", seeds=3, axes=axes, baseline=({"rule": "random"},)), study)
    lines = [HEAD, *rows("random", 0.5, 0.51, 0.52), *rows("semi_hard", 0.6, 0.62, 0.61)]
    (study / "runs.csv").write_text("\n".join(lines) + "\n")
    curve = [
        f"{cell},{seed},{epoch},{0.1 * epoch}"
        for cell in ("random", "semi_hard")
        for seed in (0, 1)
        for epoch in (1, 2)
    ]
    (study / "curves.csv").write_text("\n".join(["cell,seed,epoch,recall_1", *curve]) + "\n")
    return study


@pytest.fixture
def opened(
    open_marque: Callable[..., MainWindow], monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> Callable[[Path], MainWindow]:
    """Opens the window on the page Train and asks there for the study in a folder."""

    def open_one(place: Path) -> MainWindow:
        window = open_marque()
        QTest.keyClick(window, Key.Key_5)
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(place))
        QTest.mouseClick(window.train.toolbar.study_button, Qt.MouseButton.LeftButton)
        return window

    return open_one


def cells(view: StudyView, column: int = 0) -> list[str]:
    model = view.table.model()
    return [str(model.index(row, column).data()) for row in range(model.rowCount())]


def test_a_study_is_compared_sorted_drawn_and_followed(
    opened: Callable[[Path], MainWindow], folder: Path, qtbot: QtBot
) -> None:
    window = opened(folder)
    view = window.train.study
    qtbot.waitUntil(view.isVisible, timeout=PATIENCE)
    assert (view.title.whole(), view.count.text()) == ("Rules", "6 of 9 runs")
    assert cells(view) == ["semi_hard", "random"] and not view.report_button.isEnabled()
    assert cells(view, 3) == ["61.00 ± 1.00", "51.00 ± 1.00"]
    assert [cells(view, column)[0] for column in (1, 4, 5)] == ["random", "+10.00", "+7.52 to +12.48"]
    assert cells(view, 7) == ["better", ""]
    assert view.epochs is not None and set(view.epochs._shown) == {"semi_hard", "random"}  # with its baseline
    assert "semi_hard: 20.00 ± 0.00" in view.epochs.words_at(1.8).replace("&nbsp;", " ")

    head = view.table.horizontalHeader()
    at = QPointF(head.sectionViewportPosition(0) + 20, head.height() / 2).toPoint()
    QTest.mouseClick(head.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert cells(view) == ["random", "semi_hard"]
    QTest.mouseClick(head.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert cells(view) == ["semi_hard", "random"]

    plot = view.differences.plot
    where = plot.mapFromScene(plot.getPlotItem().getViewBox().mapViewToScene(QPointF(0.0, 0.0)))
    view.table.clearSelection()
    QTest.mouseMove(plot.viewport(), where)
    qtbot.waitUntil(view.differences.readout.isVisible, timeout=PATIENCE)
    assert "less random, 3 common seeds" in view.differences.readout.text()
    QTest.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert [line.cell for line in view.table.lines()] == ["semi_hard"]

    view.session._timer.setInterval(100)
    lines_before = (folder / "runs.csv").read_text().splitlines()
    with (folder / "runs.csv").open("a") as file:
        file.write(rows("hard_hard", 0.4)[0] + "\n")
    qtbot.waitUntil(lambda: view.count.text() == "7 of 9 runs", timeout=PATIENCE)
    assert "hard_hard" in cells(view) and [line.cell for line in view.table.lines()] == ["semi_hard"]
    view.figure.setFocus()
    QTest.keyClick(view.figure, Key.Key_End)
    qtbot.waitUntil(
        lambda: "severity" in str(view.table.model().headerData(3, Qt.Orientation.Horizontal)), timeout=PATIENCE
    )
    assert cells(view, 4)[cells(view).index("semi_hard")] == "-0.100"
    window.toggle_theme()
    (folder / "runs.csv").write_text(HEAD + "\nrandom,first,random,0.5,1,0\n")
    qtbot.waitUntil(lambda: "seed is 'first'" in window.train.errors.text(), timeout=PATIENCE)
    assert "hard_hard" in cells(view)  # what was read stays
    (folder / "runs.csv").write_text("\n".join(lines_before) + "\n")
    view.session.look()  # what it finds comes after it was left
    QTest.keyClick(view.table, Key.Key_Escape)
    qtbot.wait(200)
    assert not view.isVisible() and window.train.toolbar.isVisible()


def test_a_folder_without_a_study_and_one_without_runs_are_reported(
    opened: Callable[[Path], MainWindow], folder: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    window = opened(folder.parent)
    page = window.train
    qtbot.waitUntil(lambda: "not a study (there is no runs.csv in it)" in page.errors.text(), timeout=PATIENCE)
    assert not page.study.isVisible()
    for name in ("runs.csv", "curves.csv"):
        (folder / name).unlink()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    QTest.keyClick(page.toolbar, Key.Key_S)
    qtbot.waitUntil(page.study.isVisible, timeout=PATIENCE)
    assert page.study.notes.whole().startswith("No run has finished yet") and page.study.count.text() == "0 of 9 runs"
    assert page.study.epochs.nothing.isVisible() and page.study.differences.nothing.isVisible()
    assert page.errors.text() == ""
