"""The trainer's settings as fields, as texts and as a command line that the trainer reads back."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from annotated_types import Ge, Gt, Le, Lt
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, model_validator

from app.core.training import setting_fields, setting_values
from app.core.training.recipes import RECIPES
from app.core.training.setting_fields import LEFT_OUT, FieldKind, SettingField, fields, sections
from app.core.training.setting_values import WHOLE, Checked, arguments, check, value_of
from model.contract.config import Config, MachineSettings, parse

TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=8).filter(
    lambda text: not text.startswith("-") and text != "None"
)
"""What a line of a form can hold and a command line say; the empty and the blank text stand for nothing."""


def values(path: str, field: SettingField) -> st.SearchStrategy[Any]:
    """All values that the settings themselves take."""
    info = type(getattr(Config(), field.section)).model_fields[field.name]
    bounds: dict[type, float] = {}
    for one in info.metadata:
        for kind, name in ((Ge, "ge"), (Gt, "gt"), (Le, "le"), (Lt, "lt")):
            if isinstance(one, kind):
                bounds[kind] = getattr(one, name)
    low, high = bounds.get(Ge, bounds.get(Gt)), bounds.get(Le, bounds.get(Lt))
    found: st.SearchStrategy[Any]
    if path == "data.data":
        found = st.lists(TEXT.map(lambda text: f"folder:{text}"), min_size=1, max_size=2).map(tuple)
    elif field.kind is FieldKind.WHOLE:
        ends = [None if one is None else int(one) for one in (low, high)]
        found = st.integers(*ends).filter(lambda value: value not in (bounds.get(Gt), bounds.get(Lt)))
    elif field.kind is FieldKind.NUMBER:
        open_below, open_above = Gt in bounds, Lt in bounds
        found = st.floats(
            low, high, allow_nan=False, allow_infinity=False, exclude_min=open_below, exclude_max=open_above
        )
    elif field.kind is FieldKind.TEXTS:
        found = st.lists(st.just("") | TEXT, max_size=3).map(tuple)
    else:
        kinds: dict[FieldKind, st.SearchStrategy[Any]] = {
            FieldKind.SWITCH: st.booleans(),
            FieldKind.CHOICE: st.sampled_from(field.choices),
            FieldKind.TEXT: TEXT.filter(str.strip),
        }
        found = kinds[field.kind]
    return st.none() | found if field.optional else found


def possible(drawn: dict[str, Any]) -> Config:
    """With what the settings exclude beside each other mended."""
    if drawn["optimiser.batches"] != "hierarchical":
        drawn |= {"optimiser.repeat_rare": 0}
    if drawn["optimiser.batches"] == "dense":  # a batch has to hold a photo, its neighbours and another one
        drawn |= {"optimiser.dense_neighbours": 1, "optimiser.batch_images": max(drawn["optimiser.batch_images"], 3)}
    if drawn["data.split"] == "class_disjoint":
        drawn |= {"data.unseen": 0.0}
    else:
        drawn |= {"data.fold": None, "data.test": min(drawn["data.test"], 0.5)}
    nested: dict[str, dict[str, Any]] = {section.name: {} for section in sections()}
    for path, value in drawn.items():
        nested[fields()[path].section][fields()[path].name] = value
    return Config.model_validate(nested)


CONFIGS = st.fixed_dictionaries({path: values(path, field) for path, field in fields().items()}).map(possible)


@settings(max_examples=10, deadline=None)
@given(config=CONFIGS)
def test_every_config_survives_the_form_and_the_command_line(config: Config) -> None:
    texts = {path: field.show(value_of(config, path)) for path, field in fields().items() if path not in LEFT_OUT}
    above = {path: value_of(config, path) for path in LEFT_OUT}
    assert check(texts, above) == Checked(config)
    assert parse([*arguments(config), "--out", "run"]).config == config


@settings(max_examples=200, deadline=None)
@given(names=st.lists(st.just("") | TEXT, max_size=4).map(tuple))
def test_names_with_commas_and_quotes_are_read_as_they_are_shown(names: tuple[str, ...]) -> None:
    field = fields()["loss.label_attributes"]
    assert field.read(field.show(names)) == names


def test_every_setting_is_a_field_or_left_out_for_a_reason() -> None:
    assert LEFT_OUT.keys() <= fields().keys() and all(LEFT_OUT.values())
    count = sum(len(type(getattr(Config(), name)).model_fields) for name in Config.model_fields)
    assert len(fields()) == count
    kinds = {"split": "choice", "skip_bad": "switch", "fold": "whole number", "test": "number", "weights": "text"}
    for field in fields().values():
        assert field.words and field.kind == kinds.get(field.name, field.kind)
        assert field.read(field.show(field.default)) == field.default
    assert fields()["input.fit"].choices == ("squash", "letterbox", "crop")
    assert "proxy_nca" in fields()["loss.distance"].choices


def test_a_new_setting_is_a_field_without_more(monkeypatch: pytest.MonkeyPatch) -> None:
    class Machine(MachineSettings):
        """Where it runs."""

        patience: int | None = Field(default=None, ge=2, lt=9)
        """How long it waits."""

    class NewConfig(Config):
        machine: Machine = Machine()

    monkeypatch.setattr(setting_fields, "Config", NewConfig)
    sections.cache_clear()
    fields.cache_clear()
    try:
        field = fields()["machine.patience"]
    finally:
        sections.cache_clear()
        fields.cache_clear()
    assert (field.kind, field.optional, field.words) == (FieldKind.WHOLE, True, "How long it waits.")
    assert field.accepts == "must be a whole number of at least 2 and below 9, or empty"


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("optimiser.batch_images", "1", "must be a whole number of at least 2"),
        ("optimiser.batch_images", "4.5", "must be a whole number of at least 2"),
        ("optimiser.lr", "0", "must be a number above 0"),
        ("optimiser.lr", "fast", "must be a number above 0"),
        ("optimiser.lr", "inf", "must be a number above 0"),
        ("data.validation", "0.5", "must be a number of at least 0 and below 0.5"),
        ("input.train_size", "3000", "must be a whole number of at least 16 and of at most 2048, or empty"),
        ("loss.label_attributes", 'year, "length', "must be names, with commas between them; a quote is not closed"),
        ("loss.label_attributes", "year, -x", "must not begin with a dash"),
        ("teacher.teacher", "None", "must not be the word None, which stands for nothing"),
        ("loss.rule", "best", fields()["loss.rule"].accepts),
        ("loss.unit_length", "1", "must be yes or no"),
    ],
)
def test_what_is_wrong_is_said_of_the_field(path: str, text: str, words: str) -> None:
    found = check({path: text}, {})
    assert found.config is None and found.problems == {path: words}
    assert found.first() == f"The setting '{fields()[path].title}' {words}."


def test_what_contradicts_each_other_is_said_of_the_section() -> None:
    found = check({"data.validation": "0.4", "data.test": "0.6"}, {})
    assert found.config is None and set(found.problems) == {"data"} and WHOLE not in found.problems
    assert found.first() == "Validation 0.4 and test 0.6 leave nothing to train on."


def test_what_contradicts_across_sections_is_said_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    class Strict(Config):
        @model_validator(mode="after")
        def _fits(self) -> Strict:
            if self.input.finish_share and self.optimiser.warmup > 0.5:
                raise ValueError("the warm-up is longer than what is left")
            return self

    monkeypatch.setattr(setting_values, "Config", Strict)
    found = check({"optimiser.warmup": "0.6"}, {})
    assert found.problems == {WHOLE: "the warm-up is longer than what is left"}
    assert found.first() == "The warm-up is longer than what is left."


def test_the_command_line_names_what_is_not_the_default() -> None:
    assert arguments(Config()) == []
    above = {"data.data": ("folder:x", "demo:"), "data.skip_bad": True, "network.weights": "imagenet"}
    config = check({"loss.partial_labels": "no", "loss.label_attributes": "year, length m"}, above).config
    assert config is not None and arguments(config) == [
        *("--data", "folder:x", "--data", "demo:", "--skip-bad", "--weights=imagenet"),
        *("--label-attributes", "year", "length m", "--no-partial-labels"),
    ]


def test_the_trainer_takes_every_recipe() -> None:
    for recipe in RECIPES.values():
        config = recipe.model_copy(update={"data": recipe.data.model_copy(update={"data": ("demo:",)})})
        assert parse([*arguments(config), "--out", "run"]).config == config


def test_the_fields_are_read_without_torch() -> None:
    rooms = "app.core.training.recipes, app.core.training.setting_values"
    program = f"import sys, {rooms}; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
