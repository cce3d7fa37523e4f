from __future__ import annotations

import csv
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli import main
from app.core.batch import ray_runner
from app.core.batch.batch_runner import LocalRunner
from app.core.batch.project_run import run_project
from app.core.batch.ray_runner import DistributedError, IdentifierActor, RayRunner, Setup, decode
from app.core.gallery.gallery import Gallery
from app.core.project.project import Project
from app.core.project.results import results
from app.core.recognition.engine import Engine, EngineError
from app.core.recognition.identifier import Identifier
from app.core.system.content_digest import content_digest
from model.contract.bundle import read_info
from tests.app.tiny import FailingGpu
from tests.checkout import ROOT


@pytest.fixture
def folder(photos: Path) -> Path:
    """The 12 photos with a broken file, an empty one and one whose name cannot be decoded."""
    some = next(photos.rglob("*.jpg"))
    (photos / "broken.jpg").write_text("no picture")
    (photos / "empty.jpg").write_bytes(b"")
    shutil.copy(some, photos / os.fsdecode(b"\xe9.jpg"))
    return photos


def test_what_is_decoded_here_is_identified_there(tiny_gallery: Path, folder: Path, tiny_model: Path) -> None:
    """The two halves that run in Ray's processes, without Ray."""
    engine = Engine(tiny_model, "cpu")
    paths = sorted(folder.rglob("*.jpg"))
    names = [(number, os.fsencode(path)) for number, path in enumerate(paths)]
    decoded = decode({"photos": pickle.dumps(names)}, preprocessing=engine.info.preprocessing, digest=True)
    actor = IdentifierActor(Setup(tiny_model, tiny_gallery, "cpu", "auto"))
    found = pickle.loads(actor(decoded)["answers"])
    with Gallery.open(tiny_gallery, read_only=True) as gallery:
        wanted = [
            one
            for batch in LocalRunner(Identifier(engine, gallery), batch=15).identify(paths, lambda: False)
            for one in batch
        ]
    assert [one.number for one in found] == list(range(15))
    for answer, path, expected in zip(found, paths, wanted, strict=True):
        one = answer.identification(path)
        assert (one.path, one.error, one.decision, one.evidence) == (
            *(expected.path, expected.error, expected.decision, expected.evidence),
        )
        assert answer.digest == (None if one.error else content_digest(path))
        assert answer.processor == ("CPU", "the CPU was asked for")


def test_a_gpu_that_fails_is_replaced_by_the_cpu_in_an_actor(
    folder: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_runner, "Engine", FailingGpu)
    actor = IdentifierActor(Setup(tiny_model, None, "auto", "fp32"))
    names = [(number, os.fsencode(path)) for number, path in enumerate(sorted(folder.rglob("*.jpg")))]
    decoded = decode({"photos": pickle.dumps(names)}, preprocessing=read_info(tiny_model).preprocessing, digest=False)
    failed = "the GPU failed (the inference failed (out of memory))"
    for answer in pickle.loads(actor(decoded)["answers"]):
        assert (answer.found.evidence is None) == (answer.found.error is not None)
        assert answer.processor == ("CPU", failed)
        assert answer.note == f"{failed}: continuing on the CPU"


def test_without_ray_the_message_says_what_to_install(
    folder: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    arguments = ["identify", str(folder), "--model", str(tiny_model), "--gallery", "none"]
    assert main([*arguments, "--engine", "ray"]) == 2
    assert 'pip install "marque[ray]"' in capsys.readouterr().err
    assert main([*arguments, "--ray-address", "head:6379"]) == 2
    assert "--ray-address works only with --engine ray" in capsys.readouterr().err


@pytest.fixture(scope="module")
def ray() -> Iterator[object]:
    module = pytest.importorskip("ray", reason='Ray is not installed: pip install "marque[ray]"')
    yield module
    module.shutdown()


@pytest.mark.slow
def test_table_and_project_equal_the_local_ones(
    ray: object, tiny_gallery: Path, folder: Path, tiny_model: Path, tmp_path: Path
) -> None:
    """Through the program itself, in a process of its own; nothing of Ray's is heard on standard error."""

    def identify(*more: str) -> list[dict]:
        arguments = [
            *("identify", str(folder), "--model", str(tiny_model), "--gallery", str(tiny_gallery)),
            *("--device", "cpu", "--batch", "4", "--json", *more),
        ]
        command = [sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())", *arguments]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180)
        assert run.returncode == 0, run.stderr
        assert run.stdout == ""
        return [json.loads(line) for line in run.stderr.splitlines()]

    tables = []
    for engine in ("local", "ray"):
        told = identify("--engine", engine, "--out", str(tmp_path / f"{engine}.csv"))
        assert {one["event"] for one in told} == {"progress", "done"}
        assert (told[-1]["photos"], told[-1]["identified"], told[-1]["errors"]) == (15, 13, 2)
        with (tmp_path / f"{engine}.csv").open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            tables.append(list(csv.DictReader(file)))
    assert told[-1]["processor"] == "CPU" and told[-1]["reason"] == "1 on Ray; the CPU was asked for"
    assert tables[0] == tables[1] and len(tables[0]) == 15

    for engine in ("local", "ray"):
        told = identify("--engine", engine, "--project", str(tmp_path / f"{engine}.marque"))
        assert [told[-1][name] for name in ("photos", "predicted", "failed", "waiting")] == [15, 13, 2, 0]
    kept = []
    for engine in ("local", "ray"):
        with Project.open(tmp_path / f"{engine}.marque") as project:
            (model,) = project.models.all()
            kept.append(
                (
                    [(one.image, one.answer) for one in results(project, model)],
                    dict(project.predictions.evidence(model.fingerprint)),
                    project.predictions.embeddings(model.fingerprint)[1].tolist(),
                )
            )
    assert kept[0] == kept[1]


@pytest.mark.slow
def test_ray_works_in_this_process(ray: object, folder: Path, tiny_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    shutil.copy(tiny_model, model)
    stop = []
    with RayRunner(Setup(model, None, "cpu", "auto"), batch=2) as runner:
        paths = [next(folder.rglob("1.jpg"))] * 200
        done = 0
        for found in runner.identify(paths, lambda: bool(stop)):
            done += len(found)
            stop.append(1)
        assert 0 < done < len(paths)
        assert list(runner.identify([], lambda: False)) == []
        with Project.create(tmp_path / "work.marque") as project:
            project.sources.add(folder)
            assert [step.counts.waiting for step in run_project(project, runner)][-1] == 0
            assert [step.identified for step in run_project(project, runner)][-1] == 0
        model.unlink()
        with pytest.raises((EngineError, DistributedError), match="the model file does not exist"):
            list(runner.identify(paths[:4], lambda: False))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1", "no Ray cluster at 127.0.0.1:1 (Connection refused); on its head: ray start --head"),
        ("127.0.0.1:99999", "no Ray cluster at 127.0.0.1:99999"),
        ("head", "'head' is not the address of a Ray cluster: HOST:PORT"),
    ],
)
def test_a_cluster_that_cannot_be_reached_is_reported(
    ray: object, tiny_model: Path, address: str, message: str
) -> None:
    with pytest.raises(DistributedError, match=re.escape(message)):
        RayRunner(Setup(tiny_model, None, "cpu", "auto"), address=address)
