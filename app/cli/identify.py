"""Identify photos and label whole folders; a photo that cannot be read is a row with its error."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from app.cli.terminal import (
    UsageError,
    add_model_arguments,
    complain,
    interruptible,
    model_file,
    open_gallery,
    progress_bar,
    say,
)
from app.core.decide import Status
from app.core.engine import Engine, ProviderReport
from app.core.identify import Identification, Identifier
from app.core.images import scan
from app.core.labelling import label_project
from app.core.pipeline import identify_paths
from app.core.project import Project
from app.core.table import LabelTable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `marque identify`."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="photo, or folder with all folders in it")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write a CSV table; without it, a line a photo is shown"
    )
    parser.add_argument(
        "--project",
        type=Path,
        metavar="FILE.marque",
        help="keep the answers in this project, made if missing; what it holds already is not identified again",
    )
    parser.add_argument("--gallery", metavar="FILE", help="reference photos, or 'none' (default: beside the model)")
    add_model_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Identify everything named; 0, or 130 after Ctrl-C."""
    if options.project is not None and options.out is not None:
        raise UsageError("--project keeps the answers itself; write a table of it with: marque export")
    with interruptible() as interrupted:
        files = [] if options.project is not None else _photos(options.paths, interrupted)
        engine = Engine(model_file(options.model), options.device, options.precision)
        gallery = open_gallery(options.gallery, engine)
        try:
            identifier = Identifier(engine, gallery)
            if options.project is not None:
                return _into_project(identifier, options, interrupted)
            if options.out is None:
                return _show(identifier, files, options.batch, interrupted)
            return _write_table(identifier, files, options.out, options.batch, interrupted)
        finally:
            if gallery is not None:
                gallery.close()


def _into_project(identifier: Identifier, options: argparse.Namespace, interrupted: Callable[[], bool]) -> int:
    """Add the paths to the project's sources and identify what waits; 0, or 130 after Ctrl-C."""
    for path in options.paths:
        if not path.exists():
            raise UsageError(f"{path}: there is no such file or folder")
    place: Path = options.project
    with Project.open(place) if place.exists() else Project.create(place) as project:
        for path in options.paths:
            project.add_source(path)
        note, last = "", None
        with progress_bar() as progress:
            task = progress.add_task("identifying", total=None)
            for last in label_project(project, identifier, batch=options.batch, cancelled=interrupted):
                if last.note != note:
                    note = last.note
                    complain(f"marque: {note}")
                total = last.counts.waiting + last.identified
                progress.update(task, completed=last.identified, total=None if last.scanning else total)
        assert last is not None, "a run tells its progress at least once"
    counts, provider = last.counts, identifier.engine.provider
    complain(
        f"{place}: {counts.total} images, {counts.predicted} identified, {counts.failed} errors, {counts.waiting} "
        f"waiting; {last.identified} in this run, {last.rate:.1f} photos/s on {provider.name} ({provider.reason})"
    )
    return 130 if interrupted() else 0


def _photos(named: Sequence[Path], interrupted: Callable[[], bool]) -> list[Path]:
    for path in named:
        if not path.exists():
            raise UsageError(f"{path}: there is no such file or folder")
    files = list(scan(named, cancelled=interrupted, problem=lambda path, reason: complain(f"marque: {path}: {reason}")))
    if interrupted():
        raise KeyboardInterrupt
    if not files:
        raise UsageError(f"no photo found in {', '.join(map(str, named))}")
    return files


def _write_table(
    identifier: Identifier, files: Sequence[Path], out: Path, batch: int, interrupted: Callable[[], bool]
) -> int:
    with LabelTable(out, identifier.engine.info.signature) as table:
        if _identify_all(identifier, files, batch, interrupted, table.write):
            complain(f"table: {table.finish()}")
            return 0
        complain(f"interrupted; what was done is in {table.keep_incomplete()}")
        return 130


def _show(identifier: Identifier, files: Sequence[Path], batch: int, interrupted: Callable[[], bool]) -> int:
    def show(found: Sequence[Identification]) -> None:
        for identification in found:
            say(_line(identification))

    if _identify_all(identifier, files, batch, interrupted, show, bar=not sys.stdout.isatty()):
        return 0
    complain("interrupted")
    return 130


def _identify_all(
    identifier: Identifier,
    files: Sequence[Path],
    batch: int,
    interrupted: Callable[[], bool],
    take: Callable[[Sequence[Identification]], None],
    bar: bool = True,
) -> bool:
    """Hand every batch to `take` and say at the end how it went; False if it was interrupted."""
    counts: Counter[Status] = Counter()
    start = time.perf_counter()
    with progress_bar(shown=bar) as progress:
        task = progress.add_task("identifying", total=len(files))
        for found in identify_paths(identifier, files, batch=batch, cancelled=interrupted):
            take(found)
            counts.update(Status.ERROR if one.decision is None else one.decision.status for one in found)
            progress.advance(task, len(found))
    complain(_summary(counts, time.perf_counter() - start, identifier.engine.provider))
    return counts.total() == len(files)


def _line(identification: Identification) -> str:
    decision = identification.decision
    if decision is None:
        return f"{Status.ERROR.value:<12}  {'':>5}  {identification.path}: {identification.error}"
    figure = f"{100 * decision.confidence:.0f} %" if decision.label else ""
    return f"{decision.status.value:<12}  {figure:>5}  {decision.label or '-':<32}  {identification.path}"


def _summary(counts: Counter[Status], seconds: float, provider: ProviderReport) -> str:
    errors = counts[Status.ERROR]
    return (
        f"{counts.total()} photo{'' if counts.total() == 1 else 's'}: {counts[Status.IDENTIFIED]} identified, "
        f"{counts[Status.COARSE_ONLY]} type only, {counts[Status.UNKNOWN]} unknown, "
        f"{errors} error{'' if errors == 1 else 's'}; "
        f"{counts.total() / seconds:.1f} photos/s on {provider.name} ({provider.reason})"
    )
