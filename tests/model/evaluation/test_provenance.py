"""Figures of another checkpoint, or from before the last choice on the validation photos, are not the run's."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from model.aims import main as aims_main
from model.card import main as card_main
from model.contract.bundle import Calibration, Domain, Fusion, read_info
from model.evaluation import calibration as calibrate_room
from model.evaluation.calibration import CalibrationChoice, calibrate
from model.evaluation.held_out_metrics import evaluate
from model.evaluation.provenance import CHOICE, digest, metrics_of, variants_of
from model.export import main as export_main
from model.publishing import aims, card
from model.publishing import export as export_room
from model.publishing.export import export
from model.publishing.variants import half_stored
from model.training.run_folder import RunError, RunFolder

AIM = '[[aim]]\nwords = "class right"\nfigure = ["big", "metrics", "test", "all", "fine_accuracy"]\nat_least = 0.9\n'
STEP_LATER = r"figures are those of step \d+, the training is at step \d+"


@pytest.fixture(scope="module")
def finished(small_run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunFolder]:
    """A run that is calibrated, evaluated and exported with enough photos to choose something by."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrate_room, "MIN_PHOTOS", 5)
        found = RunFolder.open(shutil.copytree(small_run.folder, tmp_path_factory.mktemp("runs") / "finished"))
        calibrate(found)
        evaluate(found)
        export(found, found.model)
        yield found


@pytest.fixture
def run(finished: RunFolder, tmp_path: Path) -> RunFolder:
    """The same, which may be changed."""
    return RunFolder.open(shutil.copytree(finished.folder, tmp_path / "run"))


def go_on(run: RunFolder) -> None:
    state = run.load_checkpoint()
    run.save_checkpoint({**state, "step": state["step"] + 7})


def call(command: Callable[[], int], monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["command", *map(str, arguments)])
    return command()


def made_by_an_earlier_version(file: Path) -> None:
    content = json.loads(file.read_bytes())
    del content[CHOICE]
    file.write_text(json.dumps(content))


def test_a_choice_is_known_by_what_was_chosen() -> None:
    domain = Domain(types=("a",), coarse_temperature=0.4, fine_temperature=0.6)
    one = CalibrationChoice(calibration=Calibration(coarse_weight=0.3, domains=(domain,)), step=4)
    again = CalibrationChoice.model_validate_json(one.model_dump_json())
    assert digest(one) == digest(again) == digest(one.model_copy(update={"step": 9, "bound_taken_over": True}))
    others = [one.model_copy(update={"fusion": Fusion(references=1.0)}), CalibrationChoice()]
    assert len({digest(one), *map(digest, others)}) == 3


@pytest.mark.slow
def test_after_another_choice_nothing_takes_the_figures(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aims_file, out, table = tmp_path / "aims.toml", tmp_path / "out.md", tmp_path / "aims.md"
    aims_file.write_text(AIM)
    described = partial(
        call, card_main, monkeypatch, run.folder, "--model", run.model, "--origin", "none.", "--out", out
    )
    aimed_at = partial(call, aims_main, monkeypatch, aims_file, "--run", f"big={run.folder}", "--out", table)
    assert described() == 0 and aimed_at() == 0
    out.unlink()
    calibrate(run, bound=0.25)
    for command in (described, aimed_at):
        capsys.readouterr()
        assert command() == 2
        told = capsys.readouterr().err
        assert "figures are those of an earlier calibration" in told
        assert f"python -m model.evaluate {run.folder}" in told
    later = tmp_path / "later.onnx"
    assert call(export_main, monkeypatch, run.folder, "--out", later) == 0
    assert f"python -m model.evaluate {run.folder}" in capsys.readouterr().err
    assert "metrics" not in read_info(later).training and not out.exists()
    evaluate(run)
    export(run, run.model)
    assert described() == 0 and aimed_at() == 0


def test_what_is_written_at_a_named_place_replaces_nothing_else(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aims_file, mine = tmp_path / "aims.toml", tmp_path / "mine.md"
    aims_file.write_text(AIM)
    mine.write_text("my notes")
    described = partial(call, card_main, monkeypatch, run.folder, "--model", run.model, "--origin", "none.", "--out")
    aimed_at = partial(call, aims_main, monkeypatch, aims_file, "--run", f"big={run.folder}", "--out")
    exported = partial(call, export_main, monkeypatch, run.folder, "--out")
    with_references = partial(exported, tmp_path / "x.onnx", "--references")
    for command in (described, aimed_at, exported, with_references):
        assert command(mine) == 2, command
        assert f"{mine}: a file that Marque did not write is there" in capsys.readouterr().err
    for place in (run.metrics, run.checkpoint, aims_file):
        before = place.read_bytes()
        assert aimed_at(place, "--force") == 2
        assert "this is what is being read" in capsys.readouterr().err and place.read_bytes() == before
    assert exported(run.folder / "config.json", "--force") == 2
    assert mine.read_text() == "my notes" and not (tmp_path / "x.onnx").exists()
    assert described(mine, "--force") == 0 and described(mine) == 0
    assert aimed_at(mine) == 2
    assert "a model card, not a table of aims is there" in capsys.readouterr().err


def test_after_the_training_went_on_the_aims_do_not_take_the_figures(run: RunFolder) -> None:
    go_on(run)
    with pytest.raises(RunError, match=rf"metrics\.json: its {STEP_LATER}; evaluate it"):
        metrics_of(run)
    with pytest.raises(RunError, match=STEP_LATER):
        aims.report((), {"big": run}, {})


@pytest.mark.slow
def test_variants_say_of_which_checkpoint_and_choice_they_are(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("to_fp16", "to_int8"):
        monkeypatch.setattr(export_room, name, lambda graph, *_: half_stored(graph))
    export(run, run.model, variants=True)
    assert "## Variants" in card.card(run, run.model, "none.")
    calibrate(run, bound=0.25)
    with pytest.raises(RunError, match=r"variants\.json: .* earlier calibration; .*--variants"):
        variants_of(run)
    evaluate(run)
    export(run, run.model)
    with pytest.raises(RunError, match=r"variants\.json: .* earlier calibration"):
        card.card(run, run.model, "none.")
    go_on(run)
    with pytest.raises(RunError, match=rf"variants\.json: its {STEP_LATER}"):
        variants_of(run)


def test_figures_of_an_earlier_version_are_judged_by_their_step(run: RunFolder) -> None:
    calibrate(run, bound=0.25)
    made_by_an_earlier_version(run.metrics)
    assert "answers" in metrics_of(run)
    run.variants.write_text('{"fp32": {"images_per_second": 9.0}}')
    assert variants_of(run) == {"fp32": {"images_per_second": 9.0}}
    go_on(run)
    with pytest.raises(RunError, match=STEP_LATER):
        metrics_of(run)


def test_a_model_file_with_another_choice_than_the_run_has_no_card(run: RunFolder) -> None:
    made_by_an_earlier_version(run.metrics)
    export(run, run.model)
    card.card(run, run.model, "none.")
    calibrate(run, bound=0.25)
    with pytest.raises(RunError, match=r"model\.onnx: its calibration is not that of"):
        card.card(run, run.model, "none.")
