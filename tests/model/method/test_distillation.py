"""A small network learns from a trained one."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from model.contract.config import Config
from model.contract.events import read_events
from model.method.distillation import Lesson, distillation
from model.method.network import NetworkOutput
from model.training import run_setup, session
from model.training.distributed import Ranks
from model.training.run_folder import RunError, RunFolder
from model.training.run_setup import new_run
from model.training.session import StopRequest, build_trainer, train
from model.training.teacher import lesson_for


def output(seed: int, dim: int = 4) -> NetworkOutput:
    generator = torch.Generator().manual_seed(seed)
    coarse, fine, raw = (torch.randn(3, n, generator=generator) for n in (2, 5, dim))
    return NetworkOutput(coarse, fine, F.normalize(raw, dim=1), raw, torch.zeros(len(raw)))


def test_both_costs_by_hand() -> None:
    own, told = output(0), output(1)
    lesson = Lesson(told.coarse_logits, told.fine_logits, told.embedding)
    answers, embedding = distillation(own, lesson, 3.0)
    expected = 0.0
    for a, b in ((own.coarse_logits, told.coarse_logits), (own.fine_logits, told.fine_logits)):
        p, q = torch.softmax(b / 3, dim=1), torch.softmax(a / 3, dim=1)
        expected += 9 * float((p * (p / q).log()).sum()) / 3
    assert answers.item() == pytest.approx(expected, rel=1e-4)
    assert embedding.item() == pytest.approx(1 - float((own.embedding * told.embedding).sum(dim=1).mean()), rel=1e-5)


def test_the_teacher_itself_costs_nothing_and_other_lengths_leave_the_embedding_out() -> None:
    own = output(0)
    answers, embedding = distillation(own, Lesson(*own[:3]), 2.0)
    assert answers.item() == pytest.approx(0, abs=1e-6) and embedding.item() == pytest.approx(0, abs=1e-6)
    _, none = distillation(own, Lesson(*output(1, dim=6)[:3]), 2.0)
    assert none.item() == 0


@pytest.fixture
def teacher(small_run: RunFolder) -> RunFolder:
    return small_run


def pupil(teacher: RunFolder, folder: Path, **data: object) -> RunFolder:
    settings = teacher.config().model_dump()
    settings["data"] |= data
    settings["teacher"]["teacher"] = str(teacher.folder)
    return new_run(folder, Config.model_validate(settings))


def test_a_run_learns_from_its_teacher(teacher: RunFolder, tmp_path: Path) -> None:
    run = pupil(teacher, tmp_path / "pupil")
    assert train(run, StopRequest())
    steps = [event.values for event in read_events(run.events) if event.kind == "step"]
    assert all(np.isfinite(step["teacher_answers"]) and step["teacher_embedding"] > 0 for step in steps)
    lesson = lesson_for(run, teacher.folder)
    assert len(lesson.embedding) == sum(split == "train" for split in run.samples()[1])


def test_a_teacher_that_has_seen_the_held_out_photos_is_refused(teacher: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds out"):
        pupil(teacher, tmp_path / "pupil", split_seed=5)
    assert not (tmp_path / "pupil").exists()


def test_a_teacher_of_other_classes_is_refused(teacher: RunFolder, tmp_path: Path) -> None:
    run = pupil(teacher, tmp_path / "early")
    other = tmp_path / "other"
    shutil.copytree(teacher.folder, other)
    text = (other / "taxonomy.json").read_text().replace("tug", "tub")
    (other / "taxonomy.json").write_text(text)
    with pytest.raises(RunError, match="other classes"):
        pupil(RunFolder.open(other), tmp_path / "late")
    assert not (tmp_path / "late").exists()
    with pytest.raises(RunError, match="other classes"):  # it was another one when the run began
        lesson_for(run, other)


def test_a_teacher_that_is_not_trained_is_refused_before_any_photo_is_opened(
    teacher: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_setup, "_decodable", lambda *_: pytest.fail("photos were opened"))
    begun = tmp_path / "begun"
    shutil.copytree(teacher.folder, begun)
    (begun / "checkpoint.pt").unlink()
    for folder, message in ((begun, "no checkpoint yet"), (tmp_path / "none", "not a training run")):
        settings = teacher.config().model_dump()
        settings["teacher"]["teacher"] = str(folder)
        with pytest.raises(RunError, match=message):
            new_run(tmp_path / "pupil", Config.model_validate(settings))
        assert not (tmp_path / "pupil").exists()


@pytest.mark.parametrize(("first", "order"), [(True, ["lesson", "wait"]), (False, ["wait", "lesson"])])
def test_of_several_processes_the_first_alone_asks_the_teacher(
    first: bool, order: list[str], teacher: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OneOfTwo(Ranks):
        is_first = first

        def wait(self) -> None:
            done.append("wait")

    done = []
    run = pupil(teacher, tmp_path / "pupil")
    monkeypatch.setattr(session, "lesson_for", lambda *given: done.append("lesson") or lesson_for(*given))
    build_trainer(run, OneOfTwo(run.config().machine))
    assert done == order
