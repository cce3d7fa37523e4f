"""All settings of a new training: one field for each, by hand and by key."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.training.data_survey import DataSurvey
from app.core.training.recipes import RECIPES
from app.core.training.setting_fields import LEFT_OUT, FieldKind, fields
from app.core.training.setting_values import value_of
from app.ui.train import actions
from app.ui.train.new_training import NewTraining
from app.ui.train.setting_editors import ChoiceEditor, LineEditor, SwitchEditor, WholeNumber
from model.contract.config import parse

PATIENCE = 15_000
Key, Control = Qt.Key, Qt.KeyboardModifier.ControlModifier
READ = DataSurvey(120, (("car", "Rossa", 60), ("car", "Azzurra", 60)), ())


@pytest.fixture
def form(qtbot: QtBot) -> NewTraining:
    """The form by itself, with data to learn from, unfolded."""
    form = NewTraining([], gpu=False, taken=set())
    qtbot.addWidget(form)
    form.show()
    assert QTest.qWaitForWindowActive(form, PATIENCE)
    form.data.kind.setCurrentIndex(form.data.kind.findData("demo"))
    form.data.show_survey(("demo:",), READ)
    QTest.keyClick(form, Key.Key_E, Control)
    qtbot.waitUntil(lambda: form.all.rows.keys() == fields().keys() - LEFT_OUT.keys(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: form.all.rows["data.split"].isVisible(), timeout=PATIENCE)
    return form


def enter(form: NewTraining, path: str, text: str) -> None:
    """Type over what is there."""
    line = form.all.rows[path].editor
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, text) if text else QTest.keyClick(line, Key.Key_Backspace)


def begun(form: NewTraining) -> list[str]:
    """The arguments of the trainer, by the button."""
    agreed: list[list[str]] = []
    form.agreed.connect(lambda wanted: agreed.append(list(wanted.arguments)))
    QTest.mouseClick(form.start_button, Qt.MouseButton.LeftButton)
    return agreed[0]


def test_a_field_of_every_kind_reaches_the_settings_of_the_run(form: NewTraining) -> None:
    rows = form.all.rows
    kinds = {FieldKind.SWITCH: SwitchEditor, FieldKind.CHOICE: ChoiceEditor, FieldKind.WHOLE: WholeNumber}
    assert all(type(row.editor) is kinds.get(row.field.kind, LineEditor) for row in rows.values())
    QTest.keyClick(rows["loss.partial_labels"].editor, Key.Key_Space)
    rows["loss.rule"].editor.setFocus()
    QTest.keyClick(rows["loss.rule"].editor, Key.Key_Down)
    enter(form, "loss.margin_fine", "0.25")
    enter(form, "loss.label_attributes", "year, length m")
    enter(form, "teacher.teacher", "/runs/large")
    enter(form, "input.train_size", "127")
    QTest.keyClick(rows["input.train_size"].editor, Key.Key_Up)
    assert form.all.count.text() == "6 changed"
    config = parse([*begun(form), "--out", "run"]).config
    assert (config.loss.partial_labels, config.loss.rule, config.loss.margin_fine) == (False, "semi_hard", 0.25)
    assert config.loss.label_attributes == ("year", "length m") and config.teacher.teacher == "/runs/large"
    assert config.input.train_size == 128
    recipe = RECIPES["good"]
    assert (config.data.data, config.network) == (("demo:",), recipe.network)
    assert (config.input.size, config.optimiser) == (160, recipe.optimiser)


def test_a_changed_value_is_marked_and_put_back_and_a_recipe_fills_all(form: NewTraining) -> None:
    row = form.all.rows["optimiser.lr"]
    enter(form, "optimiser.lr", "0.00060")
    assert not row.back_button.isVisible()  # the same number, written otherwise
    enter(form, "optimiser.lr", "0.01")
    assert row.back_button.isVisible() and "changed" in row._name.text()
    assert actions.PUT_BACK.shown in row.back_button.toolTip() and "0.0006" in row.back_button.toolTip()
    QTest.keyClick(row.editor, Key.Key_B, Control)
    assert row.editor.entry() == "0.0006" and not row.back_button.isVisible()
    for path in ("optimiser.lr", "optimiser.clip"):
        enter(form, path, "1")
    QTest.mouseClick(form.all.back_button, Qt.MouseButton.LeftButton)
    assert form.all.changed() == [] and form.all.count.text() == "as the recipe has them"
    enter(form, "optimiser.clip", "1")
    QTest.mouseClick(form.recipes["best"], Qt.MouseButton.LeftButton)
    assert form.all.changed() == [] and form.epochs.value() == 24
    config = form.checked().config
    assert config is not None
    assert all(value_of(config, path) == value_of(RECIPES["best"], path) for path in fields() if path != "data.data")


def test_what_is_wrong_stands_beside_the_field_and_on_the_button(form: NewTraining) -> None:
    assert form.start_button.isEnabled()
    row = form.all.rows["loss.lambda_fine"]
    for text in ("-1", "much", ""):
        enter(form, "loss.lambda_fine", text)
        assert row.problem.isVisibleTo(form) and row.problem.text() == "must be a number of at least 0."
        assert not form.start_button.isEnabled() and not form.measure_button.isVisible()
        assert form.time.text() == "The setting 'lambda fine' must be a number of at least 0."
        assert form.start_button.toolTip() == form.time.text()
    enter(form, "loss.lambda_fine", "1")
    assert form.start_button.isEnabled() and not row.problem.isVisibleTo(form) and "Takes" in form.time.text()
    enter(form, "data.fold", "1")
    enter(form, "data.unseen", "0.1")
    assert form.all._parts["data"].problem.text() == "Fold needs a share of test photos, and does not go with unseen."
    assert not form.start_button.isEnabled() and "fold" in form.time.text().casefold()
    enter(form, "data.unseen", "0")
    assert form.start_button.isEnabled()


def test_the_search_finds_names_and_words(form: NewTraining) -> None:
    def found() -> set[str]:
        return {path for path, row in form.all.rows.items() if row.isVisibleTo(form)}

    QTest.keyClick(form, Key.Key_F, Control)
    assert form.all.search.hasFocus()
    QTest.keyClicks(form.all.search, "learning rate")
    assert "optimiser.lr" in found() and "loss.rule" not in found()
    form.all.search.setText("margin_")
    assert found() == {"loss.margin_fine", "loss.margin_coarse"}
    assert form.all._parts["loss"].isVisibleTo(form) and not form.all._parts["data"].isVisibleTo(form)
    form.all.search.setText("proxy_nca")  # a choice
    assert "loss.distance" in found()
    form.all.search.setText("nowhere")
    assert not found() and form.all._none.isVisibleTo(form)
    for key in (Key.Key_Return, Key.Key_Escape):  # neither starts nor closes anything
        QTest.keyClick(form.all.search, key)
    assert form.isVisible() and len(found()) == len(form.all.rows)


def test_tab_reaches_every_field_in_order(form: NewTraining) -> None:
    wanted = [row.editor for row in form.all.rows.values()]
    form.all.search.setFocus()
    reached = []
    for _ in range(len(wanted) + 1):
        focused = QApplication.focusWidget()
        assert focused is not None
        QTest.keyClick(focused, Key.Key_Tab)
        reached.append(QApplication.focusWidget())
    assert reached[:-1] == wanted and reached[-1] in form.findChildren(type(form.start_button))
    assert all("Tab" in row.editor.toolTip() and row.editor.accessibleName() for row in form.all.rows.values())
    assert actions.ALL_SETTINGS.shown in form.all.fold_button.toolTip()
    QTest.keyClick(form, Key.Key_E, Control)
    assert not form.all.rows["data.split"].isVisible() and form.data.preview.isVisible()


def test_what_was_read_makes_room_for_the_settings_but_not_its_problems(form: NewTraining) -> None:
    assert not form.data.preview.isVisible()
    form.data.show_survey(("demo:",), DataSurvey(120, READ.classes, ("cut.jpg: damaged",)))
    assert form.data.preview.isVisible() and not form.start_button.isEnabled()
    form.data.skip_bad.setChecked(True)
    assert not form.data.preview.isVisible() and form.start_button.isEnabled()
    assert "--skip-bad" in begun(form)


def test_the_estimate_and_what_is_measured_follow_the_settings_below(form: NewTraining) -> None:
    wanted = []
    form.pace_wanted.connect(lambda *asked: wanted.append(asked))
    enter(form, "input.train_size", "96")
    QTest.mouseClick(form.measure_button, Qt.MouseButton.LeftButton)
    assert wanted == [("mobilenet_v2", 96)]
