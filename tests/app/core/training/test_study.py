"""A study's folder as the page Train reads it."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from app.core.training.study import StudyError, StudyReader
from model.experiments.comparison import interval, read_cells
from model.experiments.plan import PLANS, keep_plan, read_plan

KEPT = PLANS.parent / "selection"
HEAD = "cell,seed,recall_1,collapsed\n"


def test_the_study_that_comes_with_the_project_reads_as_its_report_says(tmp_path: Path) -> None:
    study = StudyReader(KEPT).poll("recall_1")
    assert study is not None and (study.title, study.done, study.planned) == ("Selection of quadruplets", 360, 360)
    assert study.report == KEPT / "report.md" and not study.notes and "severity" in study.figures
    line = next(line for line in study.lines if line.cell == "class_aware / ratio")
    own = line.comparison
    assert own is not None and own.baseline == "random / ratio" and own.verdict == "better"
    assert (round(100 * own.mean, 2), round(own.holm_t, 3), line.seeds) == (0.69, 0.049, 10)
    cell = next(cell for cell in read_cells(KEPT / "runs.csv", []) if cell.name == line.cell)
    assert line.mean == interval(cell.values("recall_1"))[0]

    # a folder from before there were plans in it: the report names the baselines
    older = tmp_path / "older"
    shutil.copytree(KEPT, older)
    (older / "plan.json").unlink()
    again = StudyReader(older).poll("recall_1")
    assert again is not None and again.lines == study.lines and again.planned is None and again.title == study.title


def test_a_study_is_followed_as_it_grows(tmp_path: Path) -> None:
    plan = read_plan("selection")
    keep_plan(plan, tmp_path)
    reader = StudyReader(tmp_path)
    young = reader.poll("recall_1")
    assert young is not None and young.lines == () and "No run has finished yet" in young.notes[0]
    assert reader.poll("recall_1") is None
    head = "cell,seed,rule,cost,recall_1,severity,collapsed\n"
    rows = ["random / hinge,0,random,hinge,0.5,1.5,0", "hard_hard / hinge,0,hard_hard,hinge,0.6,1.4,1"]
    (tmp_path / "runs.csv").write_text(head + "\n".join(rows) + "\n")
    (tmp_path / "curves.csv").write_text("cell,seed,epoch,recall_1\nrandom / hinge,0,1,0.4\nrandom / hinge,0,2,0.5\n")
    grown = reader.poll("recall_1")
    assert grown is not None and (grown.done, grown.planned, len(grown.lines)) == (2, 360, 2)
    best = grown.lines[0]
    assert best.cell == "hard_hard / hinge" and best.collapsed == 1 and math.isnan(best.spread)
    assert best.comparison is not None and best.comparison.verdict.startswith("not tested")
    assert grown.curves["random / hinge"].mean.tolist() == [0.4, 0.5]
    by_other = reader.poll("severity")
    assert by_other is not None and by_other.scale == 1.0 and by_other.lines[0].comparison.mean == pytest.approx(-0.1)


def test_the_plan_says_by_which_figure_and_the_best_is_first(tmp_path: Path) -> None:
    keep_plan(read_plan("recipe"), tmp_path)
    rows = ["as it is,0,as it is,0.5,0.6,0", "letterbox,0,letterbox,0.4,0.7,0"]
    (tmp_path / "runs.csv").write_text("cell,seed,recipe,recall_1,fine_accuracy,collapsed\n" + "\n".join(rows) + "\n")
    study = StudyReader(tmp_path).poll()
    assert study is not None and (study.figure, study.words) == ("fine_accuracy", "class right")
    assert [line.cell for line in study.lines] == ["letterbox", "as it is"]
    by_other = StudyReader(tmp_path).poll("recall_1")
    assert by_other is not None and [line.cell for line in by_other.lines] == ["as it is", "letterbox"]


def test_without_plan_and_report_it_says_that_the_comparisons_are_unknown(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text(HEAD + "one,0,0.5,0\n")
    (tmp_path / "curves.csv").write_text("cell,seed,epoch,recall_1\none,0,first,0.4\n")
    study = StudyReader(tmp_path).poll("recall_1")
    assert study is not None and len(study.lines) == 1 and not study.curves
    assert "curves.csv:2: epoch is 'first'" in study.notes[0] and "not known what cells are compared" in study.notes[1]


def test_paths_other_than_folders_are_reported(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no such folder"):
        StudyReader(tmp_path / "nowhere")
    with pytest.raises(StudyError, match=r"not a study \(there is no runs.csv"):
        StudyReader(tmp_path)
    for name, text, said in (
        ("runs.csv", HEAD + "one,0,much,0\n", "recall_1 is 'much'"),
        ("runs.csv", "cell,seed\none,0\n", "column 'recall_1' is missing"),
        ("plan.json", "{}", "not a study plan"),
    ):
        folder = Path(tmp_path / said.split()[0] / name).parent
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / name).write_text(text)
        reader = StudyReader(folder)
        with pytest.raises(StudyError, match=said):
            reader.poll("recall_1")
        assert reader.poll("recall_1") is None  # reported once
