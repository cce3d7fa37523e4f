"""What a person does on the page Train, done to the real window."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.core.training.runs import Runs, TrainingState
from app.ui.gallery.gallery_session import GalleryClass
from app.ui.train import model_comparison
from app.ui.train.training_session import WantedTraining
from app.ui.widgets import theme
from app.ui.window.main_window import MainWindow
from model.contract.config import Config
from model.contract.events import EVENTS_FILE
from tests.app.tiny import write_tiny_model
from tests.app.ui.conftest import OpenWindow, wait_until
from tests.app.ui.train.trainings import PATIENCE, TRAINING, Key, click, form_of, stand_in, states


def test_a_training_is_begun_found_again_stopped_and_removed(
    train: Callable[[], MainWindow], open_marque: OpenWindow, photos: Path, home_runs: Path, qtbot: QtBot
) -> None:
    window = train()
    page = window.train
    assert page._stack.currentWidget() is page.empty
    stand_in(window, qtbot, home_runs)
    form = form_of(window, qtbot, "folder", str(photos))
    assert form.data.summary.whole() == "12 photos, 2 types, 4 classes · 3 photos per class"
    assert "scaled from mobilenet_v2" in form.time.text() and form.data.preview.count() == 4
    form.name.setText("mine")
    click(form.recipes["quick"])
    assert (form.epochs.value(), form.side.value()) == (6, 128)
    click(form.start_button)
    qtbot.waitUntil(lambda: states(page) == {"mine": TrainingState.RUNNING}, timeout=PATIENCE)
    qtbot.waitUntil(lambda: "of about 1,000" in page.detail.words(), timeout=PATIENCE)
    assert page.list.currentItem() is not None and page.detail.stop_button.isVisible()
    assert Runs(home_runs).record("mine").arguments[:4] == ("--data", f"folder:{photos}", "--backbone", "mobilenet_v2")

    form = form_of(window, qtbot, "folder", str(photos))
    form.name.setText("mine")
    assert "already" in form.time.text() and not form.start_button.isEnabled()
    form.name.setText("second")
    click(form.start_button)
    qtbot.waitUntil(lambda: states(page).get("second") is TrainingState.WAITING, timeout=PATIENCE)
    window.close()

    again = open_marque()
    QTest.keyClick(again, Key.Key_5)
    stand_in(again, qtbot, home_runs)
    page = again.train
    qtbot.waitUntil(
        lambda: states(page) == {"mine": TrainingState.RUNNING, "second": TrainingState.WAITING}, timeout=PATIENCE
    )
    page.list.choose("mine")
    click(page.detail.stop_button)
    qtbot.waitUntil(
        lambda: states(page) == {"mine": TrainingState.STOPPED, "second": TrainingState.RUNNING}, timeout=PATIENCE
    )
    click(page.detail.resume_button)
    qtbot.waitUntil(lambda: states(page)["mine"] is TrainingState.WAITING, timeout=PATIENCE)
    click(page.detail.stop_button)
    qtbot.waitUntil(lambda: states(page)["mine"] is TrainingState.STOPPED, timeout=PATIENCE)
    click(page.detail.remove_button)
    qtbot.waitUntil(lambda: set(states(page)) == {"second"}, timeout=PATIENCE)
    assert (home_runs / "mine" / EVENTS_FILE).is_file()
    page.list.choose("second")
    click(page.detail.stop_button)
    qtbot.waitUntil(lambda: states(page) == {"second": TrainingState.STOPPED}, timeout=PATIENCE)


def test_a_failure_says_why_and_can_be_started_again(
    train: Callable[[], MainWindow], photos: Path, home_runs: Path, qtbot: QtBot
) -> None:
    window = train()
    page = window.train
    stand_in(window, qtbot, home_runs, "import time; time.sleep(1); print('error: no disk'); exit(2)")
    page.session.begin(WantedTraining("mine", ["--data", f"folder:{photos}"]))
    qtbot.waitUntil(lambda: page.detail.words() == "failed: no disk", timeout=PATIENCE)
    assert "has failed" in window.status.jobs.text()
    assert page.detail.resume_button.text() == "start again" and not page.detail.use_button.isVisible()
    stamp = page._rows["mine"].record.process
    click(page.detail.resume_button)
    qtbot.waitUntil(lambda: page._rows["mine"].record.process not in (None, stamp), timeout=PATIENCE)
    qtbot.waitUntil(lambda: states(page)["mine"] is TrainingState.FAILED, timeout=PATIENCE)


def test_runs_are_overlaid_hidden_smoothed_and_exported(
    train: Callable[[], MainWindow],
    finished: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    window = train()
    page = window.train
    for name in ("one", "two"):
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, name=name: str(finished(name)))
        click(page.toolbar.add_button)
        wait_until(qtbot, lambda name: states(page).get(name) is TrainingState.FINISHED, name)
    qtbot.waitUntil(lambda: page.curves is not None and len(page.curves.charts[0]._drawn) == 2, timeout=PATIENCE)
    loss = page.curves.charts[0]
    assert loss.values_at(2.2) == {"one": "1", "two": "1"}
    box = loss.plot.getPlotItem().getViewBox()
    QTest.mouseMove(loss.plot.viewport(), loss.plot.mapFromScene(box.mapViewToScene(QPointF(2.2, 1.0))))
    qtbot.waitUntil(page.curves.readout.isVisible, timeout=PATIENCE)
    assert "step 2" in page.curves.readout.text() and "two" in page.curves.readout.text()

    click(page.list._lines["two"].swatch)
    qtbot.waitUntil(lambda: set(loss.values_at(1)) == {"one"}, timeout=PATIENCE)
    click(page.list._lines["two"].swatch)
    qtbot.waitUntil(lambda: set(loss.values_at(1)) == {"one", "two"}, timeout=PATIENCE)
    for _ in range(2):  # faster than anything is read again
        click(page.list._lines["two"].swatch)
    assert set(loss.values_at(1)) == {"one", "two"}
    page.toolbar.smoothing.setValue(90)
    qtbot.waitUntil(lambda: loss.values_at(30)["one"] not in ("0.06667", ""), timeout=PATIENCE)
    QTest.keyClick(page.list, Key.Key_L)
    assert loss.plot.getPlotItem().ctrl.logYCheck.isChecked()
    before = loss._drawn["one", "loss"].opts["pen"].color()
    window.toggle_theme()
    assert loss._drawn["one", "loss"].opts["pen"].color() != before
    assert page.curves.charts[0].plot.backgroundBrush().color().name().upper() == theme.tokens().surface

    for name, export in (("out.csv", page.export_table), ("out.png", page.export_picture)):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, name=name: (str(tmp_path / name), ""))
        export()
        qtbot.waitUntil((tmp_path / name).is_file, timeout=PATIENCE)
    qtbot.waitUntil(lambda: len((tmp_path / "out.csv").read_text().splitlines()) == 63, timeout=PATIENCE)


def test_a_finished_run_is_compared_and_its_model_used(
    train: Callable[[], MainWindow], finished: Callable[..., Path], qtbot: QtBot
) -> None:
    window = train()
    page = window.train
    page.session.adopt(finished("mine"))
    qtbot.waitUntil(lambda: page.detail.figures()["fine_accuracy"][0] == "75.0\u2009%", timeout=PATIENCE)
    assert page.detail.figures()["map_at_r"] == ("–", "–")
    with qtbot.waitSignal(window.services.loading.loaded, timeout=PATIENCE):
        click(page.detail.use_button)
    assert window.settings.identification_model == page._rows["mine"].model


def test_with_a_new_model_re_embedding_is_offered(
    open_marque: OpenWindow, finished: Callable[..., Path], photos: Path, tiny_model: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    bare = Path(shutil.copy(tiny_model, tmp_path / "bare.onnx"))  # without a supplied gallery
    window = open_marque(model=bare, gallery=None)
    gallery = window.gallery
    qtbot.waitUntil(lambda: gallery.session.ready, timeout=PATIENCE)
    files = sorted((photos / "ship" / "Azzurra class").glob("*.jpg"))
    gallery.commands.teach(files, GalleryClass("ship", "Azzurra class"))
    qtbot.waitUntil(lambda: len(gallery.session.contents.references) == 3, timeout=PATIENCE)
    run = finished("mine")
    write_tiny_model(run / "model.onnx", fingerprint="0ddba11")
    QTest.keyClick(window, Key.Key_5)
    window.train.session.adopt(run)
    qtbot.waitUntil(window.train.detail.use_button.isVisible, timeout=PATIENCE)
    click(window.train.detail.use_button)
    qtbot.waitUntil(lambda: "hold 3 references made with another" in gallery.notice.text(), timeout=PATIENCE)
    assert len(gallery.session.contents.references) == 0
    QTest.keyClick(window, Key.Key_3)
    click(gallery.notice.action_button)
    qtbot.waitUntil(lambda: len(gallery.session.contents.references) == 3, timeout=PATIENCE)


def test_the_model_in_use_is_compared_on_the_same_photos(
    train: Callable[[], MainWindow], finished: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    """With a stand-in for the trainer: one that takes long and is stopped, one that fails, one that finds something."""
    found = {"figures": {"fine_accuracy": 0.5, "map_at_r": 0.25}, "photos": 1200, "unknown": 30}
    lines = [{"done": 600, "photos": 1200}, found]
    tell = "; ".join(f"print({json.dumps(line)!r}, flush=True)" for line in lines)
    programs = [
        f"{tell.split('; ')[0]}; import time; time.sleep(60)",
        "raise SystemExit('error: a photo is gone')",
        tell,
    ]
    asked = []
    monkeypatch.setattr(model_comparison, "compare_command", lambda *of: asked.append(of) or ["-c", programs.pop(0)])
    window = train()
    page, job = window.train, window.status.jobs
    page.session.adopt(finished("mine"))
    qtbot.waitUntil(page.detail.compare_button.isVisible, timeout=PATIENCE)
    click(page.detail.compare_button)
    qtbot.waitUntil(lambda: "600" in job.text(), timeout=PATIENCE)
    assert not page.detail.compare_button.isEnabled()
    page.comparing.cancel()
    assert page.detail.compare_button.isEnabled() and "stopped" in job.text()
    click(page.detail.compare_button)
    qtbot.waitUntil(lambda: "could not be measured" in page.errors.text(), timeout=PATIENCE)
    click(page.detail.compare_button)
    qtbot.waitUntil(lambda: page.detail.figures()["fine_accuracy"] == ("75.0\u2009%", "50.0\u2009%"), timeout=PATIENCE)
    assert page.detail.figures()["coarse_accuracy"][1] == "–" and not page.detail.compare_button.isVisible()
    told = page.detail._note.text()
    assert "the same 1,200 photos" in told and "30, which count as wrong" in told
    assert asked[-1] == (page._rows["mine"].record.folder, window.identify.session.loaded().path)


@pytest.mark.slow
def test_a_training_from_the_form_gives_a_model_that_identifies(
    train: Callable[[], MainWindow],
    open_marque: OpenWindow,
    answered: Callable[[MainWindow, str], None],
    home_runs: Path,
    qtbot: QtBot,
) -> None:
    window = train()
    form = form_of(window, qtbot, "demo")
    assert "380 photos" in form.data.summary.whole()
    form.name.setText("drawn")
    form.backbone.setCurrentIndex(form.backbone.findData("resnet18"))
    form.weights.setCurrentIndex(form.weights.findData("none"))
    form.side.setValue(32)
    form.epochs.setValue(3)
    click(form.all.fold_button)
    qtbot.waitUntil(lambda: "machine.workers" in form.all.rows, timeout=PATIENCE)
    form.all.rows["loss.rule"].editor.set_entry("class_aware")
    form.all.rows["machine.workers"].editor.set_entry("2")
    wanted = form.checked().config
    click(form.start_button)
    page = window.train
    qtbot.waitUntil(lambda: "drawn" in page._rows and page._rows["drawn"].progress.step > 0, timeout=TRAINING)
    assert wanted is not None and (wanted.loss.rule, wanted.machine.workers) == ("class_aware", 2)
    assert Config.model_validate_json((home_runs / "drawn" / "config.json").read_bytes()) == wanted.resolved()
    window.close()

    again = open_marque()
    QTest.keyClick(again, Key.Key_5)
    page = again.train
    qtbot.waitUntil(lambda: "drawn" in states(page), timeout=PATIENCE)
    assert states(page)["drawn"] is TrainingState.RUNNING
    click(page.detail.stop_button)
    qtbot.waitUntil(lambda: states(page)["drawn"] is TrainingState.STOPPED, timeout=TRAINING)
    click(page.detail.resume_button)
    qtbot.waitUntil(lambda: states(page)["drawn"] in (TrainingState.FINISHED, TrainingState.FAILED), timeout=TRAINING)
    assert states(page)["drawn"] is TrainingState.FINISHED, page.detail.words()
    with qtbot.waitSignal(again.services.loading.loaded, timeout=PATIENCE) as loaded:
        click(page.detail.use_button)
    assert "drawn" in loaded.args[0].info.name and not page.detail.use_button.isEnabled()
    rows = (home_runs / "drawn" / "split.csv").read_text().splitlines()
    photo = Path(rows[1].split(",")[0])
    QTest.keyClick(again, Key.Key_1)
    again.identify.session.open([photo])
    answered(again, photo.name)
