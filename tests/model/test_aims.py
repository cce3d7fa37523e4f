"""The table of what was aimed at and what came of it."""

import json
import sys

import pytest

from model.aims import AimsError, main, read_aims, table

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
RATES = {"small": 60.0, "big": 10.0}


@pytest.fixture
def aims_file(tmp_path):
    path = tmp_path / "aims.toml"
    path.write_text(AIMS, encoding="utf-8")
    return path


def test_what_is_met_and_what_is_missed(aims_file):
    lines = table(read_aims(aims_file), FIGURES, RATES).splitlines()
    assert lines[2] == "| class right | at least 90.00 % | 87.54 % | missed |"
    assert lines[3] == "| lost in 8 bits | at most 0.50 % | 0.30 % | met |"
    assert lines[4] == "| speed of the small one | at least 5.0 x | 6.0 x | met |"
    assert lines[-1] == "- class right: larger pictures (+1.0)"


def test_where_all_is_met_nothing_was_tried(aims_file):
    better = {"big": {**FIGURES["big"], "metrics": {"answers": {"all": {"fine_accuracy": 0.9}}}}}
    text = table(read_aims(aims_file), better, RATES)
    assert "missed" not in text and "tried" not in text


@pytest.mark.parametrize(
    ("figures", "rates", "message"),
    [
        ({"big": {"metrics": {}}}, RATES, "class right: there is no big / metrics / answers / all / fine_accuracy"),
        ({"big": {"metrics": {"answers": {"all": {"fine_accuracy": None}}}}}, RATES, "is not a number"),
        (FIGURES, {"big": 1.0}, "no run 'small' is given"),
    ],
)
def test_what_is_not_there_is_told(figures, rates, message, aims_file):
    with pytest.raises(AimsError, match=message):
        table(read_aims(aims_file), figures, rates)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[aim]", "aims.toml: "),
        ('[[aim]]\nwords = "x"\nat_least = 1', "either figure or times"),
        ('[[aim]]\nwords = "x"\nfigure = ["a"]', "either at_least or at_most"),
        ('[[aim]]\nwords = "x"\nfigur = ["a"]\nat_least = 1', "figur"),
    ],
)
def test_a_wrong_file_is_told(text, message, tmp_path):
    path = tmp_path / "aims.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AimsError, match=message):
        read_aims(path)


def test_from_the_command_line(small_run, tmp_path, monkeypatch, capsys):
    aims = tmp_path / "aims.toml"
    first, _, last = AIMS.split("[[aim]]")[1:]
    aims.write_text(f"[[aim]]{first}[[aim]]{last}", encoding="utf-8")
    out = tmp_path / "aims.md"

    def call(*runs):
        arguments = [argument for name in runs for argument in ("--run", f"{name}={small_run.folder}")]
        monkeypatch.setattr(sys, "argv", ["aims", str(aims), *arguments, "--out", str(out)])
        return main()

    assert call("big") == 2 and "no run 'small' is given" in capsys.readouterr().err and not out.exists()
    assert call("big", "small") == 0
    text = out.read_text(encoding="utf-8")
    measured = json.loads(small_run.metrics.read_bytes())["answers"]["all"]["fine_accuracy"]
    assert f"| {100 * measured:.2f} % |" in text
    assert "- small: resnet18, 1 epochs at 32 pixels on CPU" in text
    assert str(small_run.folder) not in text
    monkeypatch.setattr(sys, "argv", ["aims", str(aims), "--run", "big", "--out", str(out)])
    assert main() == 2 and "write NAME=FOLDER" in capsys.readouterr().err
