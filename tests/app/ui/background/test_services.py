"""What each service does with its requests, without a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition

import pytest
from PIL import Image

from app.core.gallery.gallery import GalleryError
from app.core.gallery.selection import GallerySelection
from app.core.project.project import Project
from app.core.recognition.engine import Engine, EngineError, ProviderReport
from app.ui.background.folder_run import FolderAnswers, FolderRun
from app.ui.background.gallery_jobs import GalleryEnd, GalleryJobs, GalleryValue, GalleryWork
from app.ui.background.model_in_use import ModelInUse
from app.ui.background.model_loading import Loaded, LoadFailure, ModelLoading, ModelRequest
from app.ui.background.photo_answers import Answer, PhotoAnswers, Question
from app.ui.background.project_runs import ProjectRun, ProjectRuns, RunAdvance, RunEnd
from tests.app.tiny import COLOURS, FailingGpu, colour_picture


@dataclass
class FakeTurn:
    """A turn that does something where others would be let in."""

    others: Callable[[], None] = lambda: None
    ends: bool = False
    let_in: int = field(default=0, init=False)

    def let_others_in(self) -> None:
        self.let_in += 1
        self.others()

    def must_end(self) -> bool:
        return self.ends


@pytest.fixture
def events() -> list[object]:
    """What a model reports: where it runs now, and why its gallery is lost."""
    return []


@pytest.fixture
def model(tiny_model: Path, tiny_gallery: Path, events: list[object]) -> Iterator[ModelInUse]:
    """The tiny model on the CPU with the tiny gallery."""
    made = in_use(Engine(tiny_model, "cpu"), tiny_gallery, events)
    yield made
    made.close()


def in_use(engine: Engine, gallery: Path, events: list[object]) -> ModelInUse:
    info = engine.info
    selection = GallerySelection(info.fingerprint, info.embedding_dim, named=gallery, supplied=None)
    return ModelInUse(engine, selection, moved=events.append, gallery_lost=events.append)


def red() -> Image.Image:
    return colour_picture(COLOURS["Rossa 2010"])


def test_the_newest_question_of_each_asker_is_answered(model: ModelInUse) -> None:
    service, answers = PhotoAnswers(Condition()), list[Answer]()
    service.answered.connect(answers.append)
    assert not service.waits()
    for asker, request in (("one page", 1), ("another page", 2), ("one page", 3)):
        service.ask(asker, Question(request, red()))
    service.serve(model, FakeTurn(ends=True))  # a model that is ready waits for them
    assert [answer.request for answer in answers] == [3, 2]
    decision = answers[0].identification.decision
    assert decision is not None and decision.label == "Rossa 2010"
    assert not service.waits()


def test_a_question_after_which_the_gpu_failed_is_answered_by_the_cpu(
    tiny_model: Path, tiny_gallery: Path, events: list[object]
) -> None:
    model = in_use(FailingGpu(tiny_model), tiny_gallery, events)
    service, answers = PhotoAnswers(Condition()), list[Answer]()
    service.answered.connect(answers.append)
    service.ask(None, Question(1, red()))
    service.serve(model, FakeTurn())
    assert len(answers) == 1
    assert [type(event) for event in events] == [ProviderReport]
    model.close()


def test_work_on_the_gallery_lets_others_in_after_each_value(model: ModelInUse) -> None:
    service, values, ends = GalleryJobs(Condition()), list[GalleryValue](), list[GalleryEnd]()
    service.advanced.connect(values.append)
    service.ended.connect(ends.append)
    first, second = GalleryWork(lambda *_of: iter("ab")), GalleryWork(lambda *_of: iter("c"))
    service.add(first)
    service.add(second)
    turn = FakeTurn()
    service.serve(model, turn)
    assert values == [GalleryValue(first, "a"), GalleryValue(first, "b"), GalleryValue(second, "c")]
    assert ends == [GalleryEnd(first, ""), GalleryEnd(second, "")]
    assert turn.let_in == 3


def test_work_on_the_gallery_that_waits_for_another_model_is_dropped(model: ModelInUse) -> None:
    service, ends = GalleryJobs(Condition()), list[GalleryEnd]()
    service.ended.connect(ends.append)
    work = GalleryWork(lambda *_of: iter("a"))
    service.add(work)
    service.serve(model, FakeTurn(ends=True))
    assert service.waits() and not ends
    service.drop()
    assert ends == [GalleryEnd(work, "")] and not service.waits()


def test_failed_work_on_the_gallery_says_why(model: ModelInUse, events: list[object]) -> None:
    def fail(error: Exception) -> Callable[..., Iterator[object]]:
        def steps(*_of: object) -> Iterator[object]:
            yield None
            raise error

        return steps

    service, messages = GalleryJobs(Condition()), list[str]()
    service.ended.connect(lambda end: messages.append(end.message))
    service.add(GalleryWork(fail(GalleryError("The gallery is full."))))
    service.add(GalleryWork(fail(EngineError("the CPU failed"))))
    service.serve(model, FakeTurn())
    assert messages == ["The gallery is full.", "the CPU failed"]
    assert model.selection.gallery is not None  # a file, whose faults may pass
    assert not events


def test_a_folder_lets_others_in_and_ends_when_another_one_begins(model: ModelInUse, photos: Path) -> None:
    service, found = FolderRun(Condition()), list[FolderAnswers]()
    service.advanced.connect(found.append)
    files = sorted(photos.rglob("*.jpg"))
    service.begin(1)
    service.add(files)
    turn = FakeTurn()
    service.serve(model, turn)
    assert [one.path for answers in found for one in answers.found] == files
    assert {answers.generation for answers in found} == {1}
    assert turn.let_in == 3  # batches of 4
    found.clear()
    service.add(files)
    service.serve(model, FakeTurn(others=lambda: service.begin(2)))
    assert sum(len(answers.found) for answers in found) == 4
    assert not service.waits()


def test_a_run_that_makes_way_for_another_model_continues_with_it(
    model: ModelInUse, photos: Path, tmp_path: Path
) -> None:
    service, advances, ends = ProjectRuns(Condition()), list[RunAdvance](), list[RunEnd]()
    service.advanced.connect(advances.append)
    service.ended.connect(ends.append)
    with Project.create(tmp_path / "labels.marque") as project:
        project.sources.add(photos)
        run = ProjectRun(project)
        service.begin(run)
        service.serve(model, FakeTurn(ends=True))
        turn = FakeTurn()
        turn.others = lambda: setattr(turn, "ends", True)
        service.serve(model, turn)
        assert service.waits() and not ends
        service.serve(model, FakeTurn())
        assert not service.waits()
    assert ends == [RunEnd(run, "")]
    assert advances[-1].progress.counts.predicted == 12


def test_a_model_is_opened_at_once_and_used_when_nothing_is_under_way(tiny_model: Path, tiny_gallery: Path) -> None:
    dropped: list[bool] = []
    loading, loaded = ModelLoading(Condition(), (lambda: dropped.append(True),)), list[Loaded]()
    loading.loaded.connect(loaded.append)
    assert loading.change_over(None) is None
    loading.ask(ModelRequest(tiny_model, tiny_gallery, "cpu"))
    assert loading.waits() and not loading.ready()
    loading.open()
    assert loading.ready() and not loaded and not dropped
    model = loading.change_over(None)
    assert model is not None and dropped == [True]
    assert [(one.path, one.gallery, one.gallery_size) for one in loaded] == [(tiny_model, tiny_gallery, 12)]
    assert not loading.waits()
    assert loading.change_over(model) is model
    model.close()


def test_a_file_that_is_not_a_model_is_reported(tmp_path: Path) -> None:
    loading, failures = ModelLoading(Condition()), list[LoadFailure]()
    loading.failed.connect(failures.append)
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model")
    request = ModelRequest(bad, None, "cpu")
    loading.ask(request)
    loading.open()
    assert [failure.request for failure in failures] == [request] and failures[0].message
    assert not loading.waits()
