from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core.batch.batch_runner import LocalRunner
from app.core.batch.project_run import RunProgress, run_project
from app.core.gallery.gallery import Gallery
from app.core.project.labels import Label, Verdict
from app.core.project.project import Project
from app.core.project.records import Counts, SubjectId
from app.core.project.schema import ProjectError
from app.core.recognition.engine import Engine, EngineError
from app.core.recognition.identifier import Identifier
from app.core.system.content_digest import content_digest
from tests.app.tiny import FailingGpu, write_tiny_model


@pytest.fixture
def folder(photos: Path) -> Path:
    """The photos, with three files that are none."""
    first = next(photos.rglob("*.*g"))
    (photos / "cut.png").write_bytes(first.read_bytes()[:200])
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "text.png").write_text("no picture")
    return photos


@pytest.fixture
def project(folder: Path, tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "work.marque") as created:
        created.sources.add(folder)
        yield created


def run(project: Project, engine: Engine, **how: Any) -> list[RunProgress]:
    return list(run_project(project, LocalRunner(Identifier(engine, None), batch=4), **how))


def all_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_every_file_is_predicted_or_has_an_error(project: Project, folder: Path, tiny_engine: Engine) -> None:
    steps = run(project, tiny_engine)
    files = all_files(folder)
    model = tiny_engine.info.fingerprint
    assert project.images.counts(model) == Counts(predicted=len(files) - 3, failed=3, waiting=0) == steps[-1].counts
    assert steps[-1].identified == len(files) and not steps[-1].scanning and steps[-1].seconds_left is not None
    assert sorted(image for step in steps for image in step.changed) == list(range(1, len(files) + 1))
    images = {image.path: image for image in project.images.all()}
    assert set(images) == set(files)
    assert {path.name: image.error for path, image in images.items() if image.error}.keys() == {
        *("empty.jpg", "text.png", "cut.png")
    }
    evidence = dict(project.predictions.evidence(model))
    for path, image in images.items():
        if image.error is None:
            assert image.digest == content_digest(path)
            assert evidence[image.id].classes[0].name == path.parent.name


def test_what_is_done_is_not_done_again(project: Project, folder: Path, tiny_engine: Engine) -> None:
    run(project, tiny_engine)
    assert run(project, tiny_engine)[-1].identified == 0
    project.labels.set({SubjectId(1): Label(Verdict.EXCLUDED)}, "exclude")
    some = next(path for path in all_files(folder) if path.suffix == ".jpg" and path.stat().st_size)
    shutil.copy(some, folder / "new.jpg")
    other = next(path for path in all_files(folder) if path.name == "empty.jpg")
    shutil.copyfile(some, other)
    assert run(project, tiny_engine)[-1].identified == 2
    assert project.images.counts(tiny_engine.info.fingerprint).failed == 2
    assert project.labels.all() == {SubjectId(1): Label(Verdict.EXCLUDED)}


def test_a_cancelled_run_resumes_where_it_was(project: Project, folder: Path, tiny_engine: Engine) -> None:
    stop = threading.Event()
    done = 0
    for step in run_project(project, LocalRunner(Identifier(tiny_engine, None), batch=3), cancelled=stop.is_set):
        done = step.identified
        if step.identified >= 3:
            stop.set()
    assert 3 <= done < len(all_files(folder))
    project.close()
    with Project.open(project.path) as again:
        assert run(again, tiny_engine)[-1].identified == len(all_files(folder)) - done
        assert again.images.counts(tiny_engine.info.fingerprint).waiting == 0


def test_a_paused_run_waits_and_the_pause_does_not_count(project: Project, tiny_engine: Engine) -> None:
    asked = []

    def paused() -> bool:
        asked.append(len(asked))
        return len(asked) <= 20

    (*_, last) = run(project, tiny_engine, paused=paused)
    assert len(asked) > 20 and last.counts.waiting == 0
    assert last.seconds >= 0


def test_a_gpu_that_fails_in_mid_run_is_replaced_by_the_cpu(project: Project, tiny_engine: Engine) -> None:
    gpu = FailingGpu(tiny_engine.path, precision="fp32")
    identifier = Identifier(gpu, None)
    (*_, last) = run_project(project, LocalRunner(identifier, batch=4))
    assert gpu.calls == 1 and last.counts.waiting == 0 and last.counts.predicted > 0
    assert last.note == "the GPU failed (the inference failed (out of memory)): continuing on the CPU"
    cpu = identifier.engine
    assert (cpu.provider.name, cpu.precision) == ("CPU", "fp32")
    assert cpu.provider.reason == "the GPU failed (the inference failed (out of memory))"
    assert LocalRunner(identifier).note == ""  # a run that begins later has nothing to tell


def test_what_is_enrolled_after_the_gpu_failed_is_seen(
    tiny_engine: Engine, tiny_gallery: Path, project: Project
) -> None:
    gpu = FailingGpu(tiny_engine.path)
    identifier = Identifier(gpu, None)
    with Gallery.open(tiny_gallery, read_only=True) as gallery:
        for _ in run_project(project, LocalRunner(identifier, batch=2)):
            if gpu.calls:
                identifier.gallery = gallery
    neighbours = [
        len(evidence.neighbours) for _, evidence in project.predictions.evidence(tiny_engine.info.fingerprint)
    ]
    assert min(neighbours) == 0 and max(neighbours) > 0


def test_a_model_that_cannot_run_on_the_cpu_either_ends_the_run(project: Project, tmp_path: Path) -> None:
    gpu = FailingGpu(write_tiny_model(tmp_path / "m.onnx"))
    gpu.path.unlink()
    with pytest.raises(EngineError, match=r"the GPU failed \(.*out of memory\)\), and on the CPU: .* does not exist"):
        run(project, gpu)


def test_a_cpu_that_fails_ends_the_run(project: Project, tiny_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = Engine(tiny_engine.path, "cpu")

    def fail(batch: np.ndarray) -> None:
        raise EngineError("the inference failed")

    monkeypatch.setattr(cpu, "run", fail)
    with pytest.raises(EngineError, match="the inference failed"):
        run(project, cpu)


def test_a_source_that_is_gone_does_not_stop_a_run(project: Project, tmp_path: Path, tiny_engine: Engine) -> None:
    project.sources.add(tmp_path / "was here once")
    assert run(project, tiny_engine)[-1].counts.waiting == 0


def test_a_project_that_cannot_be_written_says_so(
    project: Project, tiny_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise ProjectError("work.marque: the project cannot be read or written (disk full)")

    monkeypatch.setattr(project.images, "add", refuse)
    with pytest.raises(ProjectError, match="disk full"):
        run(project, tiny_engine)
