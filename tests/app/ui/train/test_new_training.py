"""The form of a new training: what it learns from, what is wrong, how long it takes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.core.project.labels import Label, Verdict
from app.core.project.records import SubjectId
from app.core.training.runs import Runs, TrainingState
from app.ui.train import pace_measurement
from app.ui.train import page as page_module
from app.ui.train.data_chooser import LABELLED
from app.ui.window.main_window import MainWindow
from tests.app.ui.train.trainings import PATIENCE, Key, click, form_of, stand_in, states


def test_what_was_labelled_in_the_project_is_learned_from(
    train: Callable[[], MainWindow], photos: Path, qtbot: QtBot
) -> None:
    window = train()
    opened = window.project
    form = form_of(window, qtbot, LABELLED)
    assert "no photos yet" in form.data.summary.whole() or "have not labelled" in form.data.summary.whole()
    opened.identify([photos])
    qtbot.waitUntil(lambda: len(opened.columns) == 12 and not opened.running.active(), timeout=PATIENCE)
    opened.project.labels.set(
        {
            SubjectId(image.id): Label(Verdict.ACCEPTED, *image.path.parts[-3:-1])
            for image in opened.project.images.all()
        },
        "accept",
    )
    form.data.kind.setCurrentIndex(form.data.kind.findData("demo"))
    form.data.kind.setCurrentIndex(form.data.kind.findData(LABELLED))
    qtbot.waitUntil(lambda: "12 photos, 2 types, 4 classes" in form.data.summary.whole(), timeout=PATIENCE)
    assert form.start_button.isEnabled()
    form.reject()


def test_a_coco_file_is_chosen_as_a_file(
    train: Callable[[], MainWindow], tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "boxes.json"
    images = [{"id": number, "file_name": f"{number}.png"} for number in range(4)]
    for image in images:
        Image.new("RGB", (32, 32), (9, 9, 9)).save(tmp_path / str(image["file_name"]))
    boxes = [{"image_id": number, "category_id": number // 2, "bbox": [1, 1, 9, 9]} for number in range(4)]
    categories = [{"id": number, "name": f"car {number}", "supercategory": "sedan"} for number in range(2)]
    file.write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}), encoding="utf-8")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    form = form_of(train(), qtbot, "coco")
    click(form.data.choose_button)
    assert form.data.place.text() == str(file)
    qtbot.waitUntil(lambda: "4 photos, 1 type, 2 classes" in form.data.summary.whole(), timeout=PATIENCE)
    form.reject()


def test_several_places_are_learned_from(
    train: Callable[[], MainWindow], photos: Path, tmp_path: Path, qtbot: QtBot
) -> None:
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
    form.agreed.connect(lambda wanted: agreed.extend(wanted.arguments))
    form.agreed.disconnect(form.parentWidget().session.begin)
    click(form.start_button)
    assert agreed[:4] == ["--data", f"folder:{photos}", "--data", f"folder:{tmp_path / 'other'}"]


def test_entries_with_problems_are_listed_and_skipped_on_request(
    train: Callable[[], MainWindow], photos: Path, qtbot: QtBot
) -> None:
    (photos / "sedan" / "Rossa 2010" / "cut.jpg").write_bytes(b"no picture")
    form = form_of(train(), qtbot, "folder", str(photos))
    assert "1 problem" in form.data.summary.whole() and "cut.jpg" in form.data.preview.item(0).text()
    assert not form.start_button.isEnabled()
    form.data.skip_bad.setChecked(True)
    assert form.start_button.isEnabled()
    form.data.place.setText(str(photos / "nowhere"))
    qtbot.waitUntil(lambda: "no such file" in form.data.summary.whole(), timeout=PATIENCE)
    form.reject()


def test_one_class_cannot_be_learned(train: Callable[[], MainWindow], photos: Path, qtbot: QtBot) -> None:
    one = photos.parent / "one"
    shutil.copytree(photos / "sedan" / "Rossa 2010", one / "sedan" / "Rossa 2010")
    (one / "sedan" / "Rossa 2010" / "raw.nef").touch()
    form = form_of(train(), qtbot, "folder", str(one))
    qtbot.waitUntil(lambda: "1 RAW photo skipped" in form.data.summary.whole(), timeout=PATIENCE)
    assert not form.start_button.isEnabled()
    assert (
        form.time.text()
        == "All photos are of the one class 'Rossa 2010'; add photos of another class to compare it with."
    )
    form.reject()


def test_without_the_libraries_the_page_says_how_to_get_them(
    train: Callable[[], MainWindow],
    finished: Callable[..., Path],
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    monkeypatch.setattr(page_module, "missing_libraries", lambda: ["torch"])
    window = train()
    form = form_of(window, qtbot, "folder", str(photos))
    assert not form.start_button.isEnabled()
    told = [one.text() for one in form.findChildren(page_module.QWidget) if hasattr(one, "text")]
    assert not form.measure_button.isEnabled()
    assert any('pip install ".[train]"' in text and "torch" in text for text in told if isinstance(text, str))
    form.reject()
    window.train.session.adopt(finished("mine"))  # a model can be taken from it all the same
    qtbot.waitUntil(window.train.detail.use_button.isVisible, timeout=PATIENCE)
    assert not window.train.detail.compare_button.isVisible()


def test_the_pace_is_measured_on_request_and_remembered(
    train: Callable[[], MainWindow], photos: Path, home_runs: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    """With a stand-in for the trainer: first one that takes long and is stopped, then one that fails, then a pace."""
    told = '{"backbone": "resnet50", "size": 96, "device": "cpu", "images_per_second": 20.0}'
    programs = ["import time; time.sleep(60)", "raise SystemExit('error: no memory')", f"print({told!r})"]
    monkeypatch.setattr(pace_measurement, "pace_command", lambda *_: ["-c", programs.pop(0)])
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


def test_a_training_continues_from_an_earlier_one(
    train: Callable[[], MainWindow], finished: Callable[..., Path], photos: Path, home_runs: Path, qtbot: QtBot
) -> None:
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
    assert "'harbour' has the backbone resnet50" in form.time.text() and not form.start_button.isEnabled()
    form.backbone.setCurrentIndex(form.backbone.findData("resnet50"))
    form.name.setText("more")
    click(form.start_button)
    qtbot.waitUntil(lambda: "more" in states(window.train), timeout=PATIENCE)
    assert f"--weights={folders['harbour']}" in Runs(home_runs).record("more").arguments
    window.train.session.stop_run("more")
    qtbot.waitUntil(lambda: states(window.train)["more"] is not TrainingState.RUNNING, timeout=PATIENCE)
