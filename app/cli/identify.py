"""Identify photos and label whole folders; a photo that cannot be read is a row with its error."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from app.cli.project_run import into_project
from app.cli.reports import Fact, Report, speed
from app.cli.terminal import (
    UsageError,
    add_model_arguments,
    as_typed,
    gallery_place,
    interruptible,
    model_file,
    must_exist,
)
from app.core.batch.batch_runner import BatchRunner, LocalRunner, Processor
from app.core.batch.ray_runner import RayRunner, Setup
from app.core.export.label_table import KIND, LabelCsv
from app.core.gallery.references import Place, is_shared, open_references, shown
from app.core.recognition.decision import Status, percent
from app.core.recognition.engine import Engine
from app.core.recognition.identifier import Identification, Identifier
from app.core.system.files_in_use import FilesInUse
from model.system.outputs import Output
from model.system.photo_files import scan, skipped_in_words
from model.system.wording import counted, first_of

_GALLERY = "reference photos: a file, postgresql://user@host/database, or 'none' (default: beside the model)"
_LOCAL, _RAY = "local", "ray"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `marque identify`."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="photo, or folder with all its subfolders")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write a CSV table; without it, one line per photo is shown"
    )
    parser.add_argument("--force", action="store_true", help="with --out: replace a file that Marque did not write")
    parser.add_argument(
        "--project",
        type=Path,
        metavar="FILE.marque",
        help="keep the answers in this project, made if missing; photos with an answer are not identified again",
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="with --project: keep running and identify photos as they arrive in the folders, until Ctrl-C",
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="with --project: identify all its photos again, with the gallery as it is now; your labels stay",
    )
    parser.add_argument(
        "--engine",
        choices=(_LOCAL, _RAY),
        default=_LOCAL,
        help='where to run: in this process, or on Ray, which needs: pip install "marque[ray]" (default: local)',
    )
    parser.add_argument("--ray-address", metavar="HOST:PORT", help="head of a Ray cluster (default: this computer)")
    parser.add_argument("--gallery", metavar="FILE|ADDRESS", help=_GALLERY)
    add_model_arguments(parser)


def run(options: argparse.Namespace, report: Report) -> int:
    """Identify everything named; 0, or 130 after Ctrl-C (0 if it ends a watch)."""
    if options.project is not None and options.out is not None:
        export = as_typed("marque", "export", options.project, "--format", "csv", "--out", options.out)
        raise UsageError(f"--project keeps the answers itself; leave out --out, and write a table with: {export}")
    if options.watch and options.project is None:
        raise UsageError("--watch needs a project that keeps the answers: --project FILE.marque")
    if options.again and options.project is None:
        raise UsageError("--again needs a project that has answers: --project FILE.marque")
    if options.ray_address is not None and options.engine != _RAY:
        raise UsageError("--ray-address works only with --engine ray")
    model = model_file(options.model)
    gallery = gallery_place(options.gallery, model)
    read = {"model": model} | ({"gallery": gallery} if isinstance(gallery, Path) else {})
    inputs = [*options.paths, *read.values()]
    # check the place before the work
    output = None if options.out is None else Output(options.out, KIND, inputs=inputs, force=options.force)
    in_use = FilesInUse(read)
    code = _identify(options, report, model, gallery, output)
    changed = in_use.changed()
    for sentence in changed:
        report.warning(sentence)
    return code or (1 if changed else 0)


def _identify(
    options: argparse.Namespace, report: Report, model: Path, gallery: Place | None, output: Output | None
) -> int:
    """Do the run; its exit code."""
    with interruptible() as interrupted:
        files = [] if options.project is not None else _photos(options.paths, report, interrupted)
        with _runner(options, report, model, gallery) as runner:
            if options.project is not None:
                return into_project(
                    runner,
                    options.project,
                    options.paths,
                    report,
                    interrupted,
                    watched=options.watch,
                    again=options.again,
                )
            return _Files(runner, files, report, interrupted).into(output)


@contextmanager
def _runner(options: argparse.Namespace, report: Report, model: Path, gallery: Place | None) -> Iterator[BatchRunner]:
    """What decodes and identifies, as the options say."""
    engine = None if options.engine == _RAY else Engine(model, options.device, options.precision)
    if options.ray_address is not None:
        report.connecting("the Ray cluster at", options.ray_address)
    if gallery is not None and is_shared(gallery):
        report.connecting("the shared gallery", shown(gallery))
    if engine is None:
        place = gallery.absolute() if isinstance(gallery, Path) else gallery
        setup = Setup(model.absolute(), place, options.device, options.precision)
        with RayRunner(setup, batch=options.batch, address=options.ray_address) as runner:
            yield runner
        return
    info = engine.info
    with (
        nullcontext()
        if gallery is None
        else open_references(gallery, info.fingerprint, info.embedding_dim, write=False) as opened
    ):
        yield LocalRunner(Identifier(engine, opened), batch=options.batch)


def _photos(named: Sequence[Path], report: Report, interrupted: Callable[[], bool]) -> list[Path]:
    must_exist(named)
    skipped: Counter[str] = Counter()

    def problem(path: Path, reason: str) -> None:
        report.warning(f"{path}: {reason}")

    files = list(scan(named, cancelled=interrupted, problem=problem, skipped=skipped))
    if interrupted():
        raise KeyboardInterrupt
    if not files:
        nothing = f"no photo found in {', '.join(map(str, named))}"
        raise UsageError(": ".join(filter(None, (nothing, skipped_in_words(skipped)))))
    if skipped:
        report.warning(skipped_in_words(skipped))
    return files


@dataclass
class _Files:
    """A run over files, without a project."""

    runner: BatchRunner
    files: Sequence[Path]
    report: Report
    interrupted: Callable[[], bool]
    _counts: Counter[Status] = field(default_factory=Counter)
    _seconds: float = 0.0

    def into(self, output: Output | None) -> int:
        """Write a table, or show one line per photo; 0, 1 if a photo has no row, or 130 after Ctrl-C."""
        left_out: list[str] = []
        if output is None:
            self._identify_all(self._show, bar=not sys.stdout.isatty())
            self._tell("interrupted" if self._cut_off else None, None)
        else:
            with LabelCsv(output, self.runner.info.signature) as table:
                self._identify_all(table.write)
                left_out = table.left_out
                for problem in first_of(left_out):
                    self.report.warning(problem)
                if self._cut_off:
                    place = table.keep_incomplete()
                    self._tell(f"interrupted; what was done is in {place}", place)
                else:
                    written = table.finish()
                    if written.note:
                        left_out.append(written.note)
                        self.report.warning(written.note)
                    self._tell(f"table: {written.place}", written.place)
        if self._cut_off:
            return 130
        return 1 if left_out else 0

    @property
    def _cut_off(self) -> bool:
        return self._counts.total() < len(self.files)

    def _identify_all(self, take: Callable[[Sequence[Identification]], None], *, bar: bool = True) -> None:
        start = time.perf_counter()
        with self.report.running("identifying", bar=bar) as advance:
            advance(0, len(self.files))
            for found in self.runner.identify(self.files, self.interrupted):
                take(found)
                self._counts.update(Status.ERROR if one.decision is None else one.decision.status for one in found)
                advance(self._counts.total(), len(self.files))
        if self.runner.note:
            self.report.warning(self.runner.note)
        self._seconds = time.perf_counter() - start

    def _show(self, found: Sequence[Identification]) -> None:
        for one in found:
            self.report.show("photo", _line(one), _facts(one))

    def _tell(self, sentence: str | None, table: Path | None) -> None:
        counts, provider = self._counts, self.runner.provider
        facts = speed(counts.total(), self._seconds, provider, self._cut_off) | {
            "identified": counts[Status.IDENTIFIED],
            "coarse_only": counts[Status.COARSE_ONLY],
            "unknown": counts[Status.UNKNOWN],
            "errors": counts[Status.ERROR],
        }
        summary = _summary(counts, self._seconds, provider)
        self.report.done(
            [summary] if sentence is None else [summary, sentence],
            facts if table is None else facts | {"table": str(table)},
        )


def _line(identification: Identification) -> str:
    decision = identification.decision
    if decision is None:
        return f"{Status.ERROR.value:<12}  {'':>5}  {identification.path}: {identification.error}"
    figure = percent(decision.confidence) if decision.label else ""
    return f"{decision.status.value:<12}  {figure:>5}  {decision.label or '-':<32}  {identification.path}"


def _facts(identification: Identification) -> dict[str, Fact]:
    decision = identification.decision
    facts: dict[str, Fact] = {"path": str(identification.path)}
    if decision is None:
        return facts | {"status": Status.ERROR.value, "reason": identification.error}
    return facts | {
        "status": decision.status.value,
        "label": decision.label,
        "level": decision.level.value if decision.level else None,
        "confidence": round(decision.confidence, 6),
        "reason": decision.reason,
        "coarse": decision.coarse,
        "fine": decision.fine,
    }


def _summary(counts: Counter[Status], seconds: float, provider: Processor) -> str:
    return (
        f"{counted(counts.total(), 'photo')}: {counts[Status.IDENTIFIED]} identified, "
        f"{counts[Status.COARSE_ONLY]} type only, {counts[Status.UNKNOWN]} unknown, "
        f"{counted(counts[Status.ERROR], 'error')}; "
        f"{counts.total() / seconds:.1f} photos/s on {provider.name} ({provider.reason})"
    )
