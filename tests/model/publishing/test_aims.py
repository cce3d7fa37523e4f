"""The table of the aims and the figures that were reached."""

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from model.aims import main
from model.contract.bundle import Variant, beside
from model.publishing import aims as aims_room
from model.publishing.aims import AimsError, read_aims, report, table
from model.training.run_folder import RunFolder

AIMS = """
[[aim]]
words = "class right"
figure = ["big", "metrics", "answers", "all", "fine_accuracy"]
at_least = 0.9
unit = "%"
tried = "larger pictures (+1.0)"

[[aim]]
words = "lost in 8 bits"
figure = ["big", "variants", "fp32", "fine_accuracy"]
less = ["big", "variants", "int8", "fine_accuracy"]
at_most = 0.005
unit = "%"

[[aim]]
words = "speed of the small one"
times = ["small", "big"]
at_least = 5
"""
FIGURES = {
    "big": {
        "metrics": {"answers": {"all": {"fine_accuracy": 0.8754, "fine_ece": None}}},
        "variants": {"fp32": {"fine_accuracy": 0.875}, "int8": {"fine_accuracy": 0.872}},
    }
}
RATES = {("small", Variant.FP32): 60.0, ("big", Variant.FP32): 10.0}


@pytest.fixture
def aims_file(tmp_path: Path) -> Path:
    path = tmp_path / "aims.toml"
    path.write_text(AIMS, encoding="utf-8")
    return path


def test_what_is_met_and_what_is_missed(aims_file: Path) -> None:
    lines = table(read_aims(aims_file), FIGURES, RATES).splitlines()
    assert lines[2] == "| class right | at least 90.00 % | 87.54 % | missed |"
    assert lines[3] == "| lost in 8 bits | at most 0.50 % | 0.30 % | met |"
    assert lines[4] == "| speed of the small one (fp32 beside fp32) | at least 5.0 x | 6.0 x | met |"
    assert lines[-1] == "- class right: larger pictures (+1.0)"


def test_where_all_is_met_nothing_was_tried(aims_file: Path) -> None:
    better = {"big": {**FIGURES["big"], "metrics": {"answers": {"all": {"fine_accuracy": 0.9}}}}}
    text = table(read_aims(aims_file), better, RATES)
    assert "missed" not in text and "tried" not in text


def test_the_variant_that_is_timed_is_named(aims_file: Path) -> None:
    aims_file.write_text(aims_file.read_text() + 'variant = "int8"\n')
    rates = {**RATES, ("small", Variant.INT8): 90.0, ("big", Variant.INT8): 20.0}
    lines = table(read_aims(aims_file), FIGURES, rates).splitlines()
    assert lines[4] == "| speed of the small one (int8 beside int8) | at least 5.0 x | 4.5 x | missed |"


@pytest.mark.parametrize("at_least", [0.8, 0.9])
def test_a_note_is_shown_whether_it_is_met_or_not(at_least: float, aims_file: Path) -> None:
    first = AIMS.split("[[aim]]")[1].replace("0.9", str(at_least))
    aims_file.write_text(f'[[aim]]{first}note = "chosen on the same photos"\n')
    text = table(read_aims(aims_file), FIGURES, RATES)
    assert text.endswith("Notes:\n\n- class right: chosen on the same photos")
    assert ("What was tried" in text) == (at_least == 0.9)


def test_the_neighbours_of_a_figure_are_named_in_the_texts(aims_file: Path) -> None:
    first = AIMS.split("[[aim]]")[1].replace("larger pictures (+1.0)", "of {photos:,} photos, {fine_ece:.2f}")
    aims_file.write_text("[[aim]]" + first + 'note = "all {photos}"\n')
    figures = {"big": {"metrics": {"answers": {"all": {"fine_accuracy": 0.8, "photos": 1047, "fine_ece": 0.0234}}}}}
    text = table(read_aims(aims_file), figures, RATES)
    assert "- class right: of 1,047 photos, 0.02" in text and "- class right: all 1047" in text
    for wrong, message in (
        ("{fotos}", "class right: there is no big / metrics / answers / all / fotos"),
        ("{photos", "class right: .*field name"),
        ("{photos:%q}", "class right: .*format"),
        ("{}", "class right: .*positional"),
    ):
        aims_file.write_text(f"[[aim]]{first}".replace("{photos:,}", wrong))
        with pytest.raises(AimsError, match=message):
            table(read_aims(aims_file), figures, RATES)


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ({"big": {"metrics": {}}}, "class right: there is no big / metrics / answers / all / fine_accuracy"),
        ({"big": {"metrics": {"answers": {"all": {"fine_accuracy": None}}}}}, "is not a number"),
    ],
)
def test_a_missing_figure_is_reported(
    figures: dict[str, dict[str, object]] | dict[str, dict[str, dict[str, dict[str, dict[str, None]]]]],
    message: str,
    aims_file: Path,
) -> None:
    with pytest.raises(AimsError, match=message):
        table(read_aims(aims_file), figures, RATES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[aim]", "aims.toml: "),
        ('[[aim]]\nwords = "x"\nat_least = 1', "either figure or times"),
        ('[[aim]]\nwords = "x"\nfigure = ["a"]', "either at_least or at_most"),
        ('[[aim]]\nwords = "x"\nfigure = ["a"]\nat_least = 1\nvariant = "int8"', "variant only with times"),
        ('[[aim]]\nwords = "x"\ntimes = ["a", "b"]\nat_least = 1\nvariant = "int4"', "variant"),
        ('[[aim]]\nwords = "x"\nfigur = ["a"]\nat_least = 1', "figur"),
    ],
)
def test_a_wrong_file_is_reported(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "aims.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AimsError, match=message):
        read_aims(path)


def test_the_command_writes_the_table_of_aims(
    small_run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aims = tmp_path / "aims.toml"
    first, _, last = AIMS.split("[[aim]]")[1:]
    aims.write_text(f"[[aim]]{first}[[aim]]{last}", encoding="utf-8")
    out = tmp_path / "aims.md"

    def call(*runs: str) -> int:
        arguments = [argument for name in runs for argument in ("--run", f"{name}={small_run.folder}")]
        monkeypatch.setattr(sys, "argv", ["aims", str(aims), *arguments, "--out", str(out)])
        return main()

    assert call("big") == 2 and "no run 'small' is given" in capsys.readouterr().err and not out.exists()
    assert call("big", "small") == 0
    text = out.read_text(encoding="utf-8")
    measured = json.loads(small_run.metrics.read_bytes())["answers"]["all"]["fine_accuracy"]
    assert f"| {100 * measured:.2f} % |" in text
    assert "- small: resnet18, 1 epochs at 32 pixels; run folder made on: CPU" in text
    assert str(small_run.folder) not in text
    monkeypatch.setattr(sys, "argv", ["aims", str(aims), "--run", "big", "--out", str(out)])
    assert main() == 2 and "write NAME=PATH" in capsys.readouterr().err


def test_variants_are_timed_beside_the_file_that_was_exported(
    small_run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aims = tmp_path / "aims.toml"
    aims.write_text(AIMS[AIMS.rindex("[[aim]]") :] + 'variant = "int8"\n', encoding="utf-8")
    runs = {"small": small_run, "big": small_run}
    asked_for = read_aims(aims)
    with pytest.raises(AimsError, match=r"no .*model\.int8\.onnx; export the run with --variants.*--model small="):
        report(asked_for, runs, {})
    exported = tmp_path / "mine.onnx"
    shutil.copy(small_run.model, beside(exported, Variant.INT8))
    timed = []
    monkeypatch.setattr(aims_room, "speeds", lambda tasks: timed.append(list(tasks)) or dict.fromkeys(tasks, 4.0))
    text = report(asked_for, runs, {"small": exported, "big": exported})
    assert "| speed of the small one (int8 beside int8) | at least 5.0 x | 1.0 x | missed |" in text
    assert timed == [[("small", Variant.INT8), ("big", Variant.INT8)]]  # in one measurement
    with pytest.raises(AimsError, match=r"--model other=.*: no run 'other' is given"):
        report(asked_for, runs, {"small": exported, "big": exported, "other": exported})
    monkeypatch.setattr(aims_room, "read_info", lambda file: SimpleNamespace(fingerprint=str(file)))
    with pytest.raises(AimsError, match=r"mine\.int8\.onnx is not a model of run 'small'"):
        report(asked_for, runs, {"small": exported, "big": exported})
