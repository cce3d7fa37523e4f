"""Add labelled photos to a gallery of reference photos; a missing gallery is made."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from app.cli.reports import Report
from app.cli.terminal import (
    UsageError,
    add_model_arguments,
    count_argument,
    in_words,
    interruptible,
    model_file,
)
from app.core.gallery.gallery import Gallery
from app.core.gallery.references import References, is_shared, open_references, place_of, shown
from app.core.recognition.engine import Engine
from app.core.teaching.enrolment import enrol, limit_per_class
from model.console.command import INTERRUPTED
from model.contract.samples import Dataset, Sample
from model.system.wording import first_of

_KINDS = ("folder", "table", "cars196", "coco")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `marque enrol`."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="a folder with photos in type/class/, a CSV file with the columns file, coarse and fine, cars196:DIR or "
        "coco:FILE.json",
    )
    parser.add_argument(
        "--gallery",
        type=place_of,
        required=True,
        metavar="FILE|ADDRESS",
        help="the gallery to add to, made if missing: a file, or postgresql://user@host/database, shared by a team",
    )
    count_argument(parser, "--limit-per-class", "add only the first N photos of each class")
    parser.add_argument(
        "--portable",
        action="store_true",
        help="do not store where the photos are on this computer: for a gallery that is given away",
    )
    add_model_arguments(parser)


def run(options: argparse.Namespace, report: Report) -> int:
    """Enrol everything in the source.

    Returns:
        0, 1 if photos were skipped, or 130 after Ctrl-C; enrolled photos then stay in the gallery.
    """
    data = _read(source_spec(options.source))
    samples: Sequence[Sample] = data.samples
    if data.unread:
        report.tell("warning", [data.unread], {"text": data.unread})
    if options.limit_per_class is not None:
        samples = limit_per_class(samples, options.limit_per_class)
    engine = Engine(model_file(options.model), options.device, options.precision)
    fingerprint, dim = engine.info.fingerprint, engine.info.embedding_dim
    if is_shared(options.gallery):
        report.connecting("the shared gallery", shown(options.gallery))
    with open_references(options.gallery, fingerprint, dim, write=True) as gallery, interruptible() as interrupted:
        return _enrol_all(engine, gallery, samples, data.skipped, options, report, interrupted)


def source_spec(source: str) -> str:
    """The reader's `KIND:PATH` for a SOURCE.

    Raises:
        UsageError: if nothing is there.
    """
    kind, colon, rest = source.partition(":")
    path = Path(rest if colon and kind in _KINDS else source)
    if not path.exists():
        raise UsageError(f"{path}: there is no such file or folder")
    if not (colon and kind in _KINDS):
        kind = "folder" if path.is_dir() else "table"
    return f"{kind}:{path}"


def _read(spec: str) -> Dataset:
    # it loads SciPy, which the other commands and the window start without
    from model.data.readers import read_data

    return read_data([spec], skip_bad=True)


def _enrol_all(
    engine: Engine,
    gallery: References,
    samples: Sequence[Sample],
    skipped: Sequence[str],
    options: argparse.Namespace,
    report: Report,
    interrupted: Callable[[], bool],
) -> int:
    """Enrol with a progress bar and report the result; the exit code."""
    added = known = done = 0
    problems = list(skipped)
    with report.running("enrolling") as advance:
        for step in enrol(
            engine,
            gallery,
            samples,
            remember_root=not options.portable,
            batch=options.batch,
            cancelled=interrupted,
        ):
            added += step.added
            known += step.known
            problems += step.problems
            done += step.done
            advance(done, len(samples))
    if isinstance(gallery, Gallery) and gallery.indexing:
        report.tell(
            "indexing",
            [f"preparing to search {len(gallery):,} photos; this takes up to a minute"],
            {"photos": len(gallery)},
        )
        gallery.finish_index()
    finished = added + known + len(problems) == len(samples) + len(skipped)
    _summarise(gallery, report, added, known, problems, finished)
    if not finished:
        return INTERRUPTED
    return 1 if problems else 0


def _summarise(
    gallery: References, report: Report, added: int, known: int, problems: Sequence[str], finished: bool
) -> None:
    for problem in problems if report.as_json else first_of(problems):
        report.tell("warning", [f"skipped: {problem}"], {"text": f"skipped: {problem}"})
    report.done(
        [
            f"{'' if finished else 'interrupted; '}{added} added, {known} already there, {len(problems)} skipped; "
            f"{gallery.name} holds {in_words(gallery)}"
        ],
        {
            "interrupted": not finished,
            "added": added,
            "known": known,
            "skipped": len(problems),
            "gallery": gallery.name,
            "photos": len(gallery),
        },
    )
