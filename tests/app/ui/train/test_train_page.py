"""What a person does on the page Train, done to the real window."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.core.project.labels import Label, Verdict
from app.core.training.runs import Runs, TrainingState
from app.ui.train import model_comparison, pace_measurement
from app.ui.train import page as page_module
from app.ui.train.data_chooser import LABELLED
from app.ui.train.new_training import NewTraining
from app.ui.train.page import TrainPage
from app.ui.widgets import theme
from app.ui.window.main_window import MainWindow
from model.contract.config import Config
from model.contract.events import EVENTS_FILE, EventWriter
from tests.app.tiny import write_tiny_model

PATIENCE = 20_000
TRAINING = 300_000
Key = Qt.Key

STAND_IN = """
import json, pathlib, signal, sys, time
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
out = pathlib.Path(sys.argv[-1])
out.mkdir(exist_ok=True)
(out / "config.json").write_text("{}")
with (out / "events.jsonl").open("a") as file:
    def tell(kind, step, **values):
        print(json.dumps({"kind": kind, "step": step, "time": time.time(), **values}), file=file, flush=True)
    tell("start", 0, epochs=2, batches=500)
    step = 0
    while not asked:
        step += 1
        tell("step", step, epoch=0, loss=1 / step, fine=0.5, images_per_second=40.0)
        time.sleep(0.02)
    tell("stopped", step)
"""


@pytest.fixture
def home_runs(marque_home: Path) -> Path:
    return marque_home / "data" / "runs"


@pytest.fixture
def finished(tmp_path: Path, tiny_model: Path) -> Callable[..., Path]:
    """Makes the folder of a finished run, whose model is the tiny one."""

    def make(name: str, steps: int = 30) -> Path:
        folder = tmp_path / "elsewhere" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
        (folder / "model.onnx").write_bytes(tiny_model.read_bytes())
        figures = {"fine_accuracy": 0.75, "coarse_accuracy": 0.9, "fine_recall_1": 0.5}
        (folder / "metrics.json").write_text(json.dumps({"test": {"all": figures}}))
        with EventWriter(folder / EVENTS_FILE) as events:
            events.write("start", 0, epochs=1, batches=steps)
            for step in range(1, steps + 1):
                events.write("step", step, epoch=0, loss=2 / step, fine=1.0, coarse=0.5, lr=1e-3, d_plus=0.2)
            events.write("epoch", steps, epoch=0, loss=0.5, val_fine=0.7)
            events.write("done", steps, model="model.onnx", fingerprint=name)
        return folder

    return make


@pytest.fixture
def train(open_marque: Callable[..., MainWindow], qtbot: QtBot) -> Callable[[], MainWindow]:
    """Opens the window on the page Train."""

    def open_one() -> MainWindow:
        window = open_marque()
        qtbot.waitUntil(lambda: window.identify.session.loaded() is not None, timeout=PATIENCE)
        QTest.keyClick(window, Key.Key_5)
        assert window.pages.currentWidget() is window.train
        return window

    return open_one


def states(page: TrainPage) -> dict[str, TrainingState]:
    return {name: row.state for name, row in page._rows.items()}


def stand_in(window: MainWindow, qtbot: QtBot, folder: Path, program: str = STAND_IN) -> None:
    """Let another program do the training."""
    watcher = window.train.desk._watcher
    qtbot.waitUntil(lambda: watcher._runs is not None, timeout=PATIENCE)  # or the first look would put its own
    watcher._runs = Runs(folder, (sys.executable, "-c", program))


def form_of(window: MainWindow, qtbot: QtBot, kind: str, place: str = "") -> NewTraining:
    """The form, with what it would learn from on show."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=PATIENCE)
    QTest.keyClick(window, Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    form = window.train.form
    assert form is not None and not form.start_button.isEnabled()
    form.data.kind.setCurrentIndex(form.data.kind.findData(kind))
    form.data.place.setText(place)
    qtbot.waitUntil(lambda: form.data.summary.whole() not in ("", "reading the photos"), timeout=PATIENCE)
    return form


def click(button) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_training_is_begun_found_again_stopped_and_removed(train, open_marque, photos, home_runs, qtbot):
    window = train()
    page = window.train
    assert page._stack.currentWidget() is page.empty
    stand_in(window, qtbot, home_runs)
    form = form_of(window, qtbot, "folder", str(photos))
    assert form.data.summary.whole() == "12 photos, 2 types, 4 classes · 3 photos a class"
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


def test_a_failure_says_why_and_can_be_started_again(train, photos, home_runs, qtbot):
    window = train()
    page = window.train
    stand_in(window, qtbot, home_runs, "import time; time.sleep(1); print('error: no disk'); exit(2)")
    page.desk.begin("mine", ["--data", f"folder:{photos}"])
    qtbot.waitUntil(lambda: page.detail.words() == "failed: no disk", timeout=PATIENCE)
    assert "has failed" in window.status.jobs.text()
    assert page.detail.resume_button.text() == "start again" and not page.detail.use_button.isVisible()
    stamp = page._rows["mine"].record.process
    click(page.detail.resume_button)
    qtbot.waitUntil(lambda: page._rows["mine"].record.process not in (None, stamp), timeout=PATIENCE)
    qtbot.waitUntil(lambda: states(page)["mine"] is TrainingState.FAILED, timeout=PATIENCE)


def test_runs_are_overlaid_hidden_smoothed_and_exported(train, finished, tmp_path, monkeypatch, qtbot):
    window = train()
    page = window.train
    for name in ("one", "two"):
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, name=name: str(finished(name)))
        click(page.toolbar.add_button)
        qtbot.waitUntil(lambda name=name: states(page).get(name) is TrainingState.FINISHED, timeout=PATIENCE)
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


def test_a_finished_run_is_compared_and_its_model_used(train, finished, qtbot):
    window = train()
    page = window.train
    page.desk.adopt(finished("mine"))
    qtbot.waitUntil(lambda: page.detail.figures()["fine_accuracy"][0] == "75.0\u2009%", timeout=PATIENCE)
    assert page.detail.figures()["map_at_r"] == ("–", "–")
    with qtbot.waitSignal(window.services.loading.loaded, timeout=PATIENCE):
        click(page.detail.use_button)
    assert window.settings.identification_model == page._rows["mine"].model


def test_with_a_new_model_re_embedding_is_offered(open_marque, finished, photos, tiny_model, tmp_path, qtbot):
    bare = Path(shutil.copy(tiny_model, tmp_path / "bare.onnx"))  # without a supplied gallery
    window = open_marque(model=bare, gallery=None)
    gallery = window.gallery
    qtbot.waitUntil(lambda: gallery.desk.ready, timeout=PATIENCE)
    files = sorted((photos / "ship" / "Azzurra class").glob("*.jpg"))
    gallery.commands.teach(files, ("ship", "Azzurra class"))
    qtbot.waitUntil(lambda: len(gallery.desk.contents.references) == 3, timeout=PATIENCE)
    run = finished("mine")
    write_tiny_model(run / "model.onnx", fingerprint="0ddba11")
    QTest.keyClick(window, Key.Key_5)
    window.train.desk.adopt(run)
    qtbot.waitUntil(window.train.detail.use_button.isVisible, timeout=PATIENCE)
    click(window.train.detail.use_button)
    qtbot.waitUntil(lambda: "hold 3 references made with another" in gallery.notice.text(), timeout=PATIENCE)
    assert len(gallery.desk.contents.references) == 0
    QTest.keyClick(window, Key.Key_3)
    click(gallery.notice.do_button)
    qtbot.waitUntil(lambda: len(gallery.desk.contents.references) == 3, timeout=PATIENCE)


def test_the_model_in_use_is_compared_on_the_same_photos(train, finished, monkeypatch, qtbot):
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
    monkeypatch.setattr(model_comparison.versus, "command", lambda *of: asked.append(of) or ["-c", programs.pop(0)])
    window = train()
    page, job = window.train, window.status.jobs
    page.desk.adopt(finished("mine"))
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


def test_what_was_labelled_in_the_project_is_learned_from(train, photos, qtbot):
    window = train()
    opened = window.project
    form = form_of(window, qtbot, LABELLED)
    assert "no photos yet" in form.data.summary.whole() or "have not labelled" in form.data.summary.whole()
    opened.identify([photos])
    qtbot.waitUntil(lambda: len(opened.columns) == 12 and not opened.running.active(), timeout=PATIENCE)
    opened.project.labels.set(
        {image.id: Label(Verdict.ACCEPTED, *image.path.parts[-3:-1]) for image in opened.project.images.all()}, "accept"
    )
    form.data.kind.setCurrentIndex(form.data.kind.findData("demo"))
    form.data.kind.setCurrentIndex(form.data.kind.findData(LABELLED))
    qtbot.waitUntil(lambda: "12 photos, 2 types, 4 classes" in form.data.summary.whole(), timeout=PATIENCE)
    assert form.start_button.isEnabled()
    form.reject()


def test_several_places_are_learned_from(train, photos, tmp_path, qtbot):
    other = tmp_path / "other" / "sedan" / "Nova 2030"
    other.mkdir(parents=True)
    for number in range(2):
        Image.new("RGB", (32, 32), (number, 9, 9)).save(other / f"{number}.jpg")
    form = form_of(train(), qtbot, "folder", str(photos))
    qtbot.waitUntil(form.data.more_button.isEnabled, timeout=PATIENCE)
    click(form.data.more_button)
    click(form.data.alone_button)
    assert form.data.also.whole() == "" and not form.data.alone_button.isVisible()
    qtbot.waitUntil(lambda: "choose where" in form.data.summary.whole(), timeout=PATIENCE)
    form.data.place.setText(str(photos))
    qtbot.waitUntil(form.data.more_button.isEnabled, timeout=PATIENCE)
    click(form.data.more_button)
    assert str(photos) in form.data.also.whole() and form.data.place.text() == ""
    qtbot.waitUntil(lambda: "12 photos" in form.data.summary.whole(), timeout=PATIENCE)  # the first ones alone would do
    form.data.place.setText(str(photos))
    qtbot.waitUntil(lambda: "already" in form.data.summary.whole(), timeout=PATIENCE)
    form.data.place.setText(str(tmp_path / "other"))
    qtbot.waitUntil(lambda: "14 photos, 2 types, 5 classes" in form.data.summary.whole(), timeout=PATIENCE)
    agreed = []
    form.agreed.connect(lambda _name, arguments: agreed.extend(arguments))
    form.agreed.disconnect(form.parentWidget().desk.begin)
    click(form.start_button)
    assert agreed[:4] == ["--data", f"folder:{photos}", "--data", f"folder:{tmp_path / 'other'}"]


def test_entries_with_problems_are_told_and_passed_over_on_request(train, photos, qtbot):
    (photos / "sedan" / "Rossa 2010" / "cut.jpg").write_bytes(b"no picture")
    form = form_of(train(), qtbot, "folder", str(photos))
    assert "1 problem" in form.data.summary.whole() and "cut.jpg" in form.data.preview.item(0).text()
    assert not form.start_button.isEnabled()
    form.data.skip_bad.setChecked(True)
    assert form.start_button.isEnabled()
    form.data.place.setText(str(photos / "nowhere"))
    qtbot.waitUntil(lambda: "no such file" in form.data.summary.whole(), timeout=PATIENCE)
    form.reject()


def test_one_class_cannot_be_learned(train, photos, qtbot):
    one = photos.parent / "one"
    shutil.copytree(photos / "sedan" / "Rossa 2010", one / "sedan" / "Rossa 2010")
    (one / "sedan" / "Rossa 2010" / "raw.nef").touch()
    form = form_of(train(), qtbot, "folder", str(one))
    qtbot.waitUntil(lambda: "1 RAW photo skipped" in form.data.summary.whole(), timeout=PATIENCE)
    assert not form.start_button.isEnabled()
    assert (
        form.time.text() == "All photos are of the one class 'Rossa 2010'; add photos of another class to tell it from."
    )
    form.reject()


def test_without_the_libraries_the_page_says_how_to_get_them(train, finished, photos, monkeypatch, qtbot):
    monkeypatch.setattr(page_module, "missing_libraries", lambda: ["torch"])
    window = train()
    form = form_of(window, qtbot, "folder", str(photos))
    assert not form.start_button.isEnabled()
    told = [one.text() for one in form.findChildren(page_module.QWidget) if hasattr(one, "text")]
    assert not form.measure_button.isEnabled()
    assert any('pip install ".[train]"' in text and "torch" in text for text in told if isinstance(text, str))
    form.reject()
    window.train.desk.adopt(finished("mine"))  # a model can be taken from it all the same
    qtbot.waitUntil(window.train.detail.use_button.isVisible, timeout=PATIENCE)
    assert not window.train.detail.compare_button.isVisible()


def test_the_pace_is_measured_on_request_and_remembered(train, photos, home_runs, monkeypatch, qtbot):
    """With a stand-in for the trainer: first one that takes long and is stopped, then one that fails, then a pace."""
    told = '{"backbone": "resnet50", "size": 96, "device": "cpu", "images_per_second": 20.0}'
    programs = ["import time; time.sleep(60)", "raise SystemExit('error: no memory')", f"print({told!r})"]
    monkeypatch.setattr(pace_measurement.paces, "command", lambda *_: ["-c", programs.pop(0)])
    window = train()
    form = form_of(window, qtbot, "folder", str(photos))
    form.backbone.setCurrentIndex(form.backbone.findData("resnet50"))
    form.side.setValue(96)
    assert form.time.text().endswith("scaled from mobilenet_v2 on another computer.")
    click(form.measure_button)
    assert "few steps" in form.time.text() and form.measure_button.text() == "stop"
    click(form.measure_button)
    assert not window.train.measuring.active() and "scaled" in form.time.text()
    click(form.measure_button)
    qtbot.waitUntil(lambda: "could not be measured" in window.train.errors.text(), timeout=PATIENCE)
    click(form.measure_button)
    qtbot.waitUntil(lambda: form.time.text().endswith("measured on this computer."), timeout=PATIENCE)
    assert not form.measure_button.isVisible()
    form.side.setValue(128)
    assert form.time.text().endswith("scaled from resnet50 at 96 pixels.") and form.measure_button.isVisible()
    form.reject()
    again = form_of(window, qtbot, "folder", str(photos))
    again.backbone.setCurrentIndex(again.backbone.findData("resnet50"))
    again.side.setValue(96)
    qtbot.waitUntil(lambda: again.time.text().endswith("measured on this computer."), timeout=PATIENCE)
    again.reject()


def test_a_training_goes_on_from_an_earlier_one(train, finished, photos, home_runs, qtbot):
    folders = {name: finished(name) for name in ("harbour", "streets", "begun")}
    for name, backbone in (("harbour", "resnet50"), ("streets", "mobilenet_v2"), ("begun", "resnet18")):
        (folders[name] / "config.json").write_text(json.dumps({"network": {"backbone": backbone}}))
        Runs(home_runs).adopt(folders[name])
    for name in ("harbour", "streets"):
        (folders[name] / "checkpoint.pt").write_bytes(b"weights")
    window = train()
    stand_in(window, qtbot, home_runs)
    form = form_of(window, qtbot, "folder", str(photos))
    qtbot.waitUntil(lambda: form.weights.findText("training 'harbour'") >= 0, timeout=PATIENCE)
    assert form.weights.findText("training 'begun'") < 0  # it has nothing to continue from
    assert form.weights.findText("identification model 'marque-lite'") >= 0
    form.weights.showPopup()
    row = form.weights.findText("training 'harbour'")
    form.weights.view().setCurrentIndex(form.weights.model().index(row, 0))
    QTest.keyClick(form.weights.view(), Key.Key_Return)
    assert form.weights.currentIndex() == row
    assert form.backbone.currentData() == "resnet50" and form.start_button.isEnabled()
    click(form.recipes["quick"])
    assert "'harbour' is of a resnet50" in form.time.text() and not form.start_button.isEnabled()
    form.backbone.setCurrentIndex(form.backbone.findData("resnet50"))
    form.name.setText("more")
    click(form.start_button)
    qtbot.waitUntil(lambda: "more" in states(window.train), timeout=PATIENCE)
    assert f"--weights={folders['harbour']}" in Runs(home_runs).record("more").arguments
    window.train.desk.stop_run("more")
    qtbot.waitUntil(lambda: states(window.train)["more"] is not TrainingState.RUNNING, timeout=PATIENCE)


@pytest.mark.slow
def test_from_the_form_to_an_identified_photo(train, open_marque, answered, home_runs, qtbot):
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
