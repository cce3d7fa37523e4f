"""Say what this installation consists of, whether it works, and what to do if it does not."""

from __future__ import annotations

import argparse
import os
import platform
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from app.cli.reports import Report
from app.cli.terminal import add_model_option, in_words, model_file
from app.core.gallery.gallery import Gallery
from app.core.gallery.selection import own_place
from app.core.recognition.engine import Engine
from app.core.system import paths
from app.core.system.fault_report import report_lines
from model.system.errors import FileError, MarqueError

_PACKAGES = {
    "marque": ("marque",),
    "onnxruntime": ("onnxruntime-gpu", "onnxruntime"),
    "PySide6": ("PySide6-Essentials",),
    "numpy": ("numpy",),
    "faiss": ("faiss-cpu",),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `marque doctor`."""
    add_model_option(parser)
    parser.add_argument(
        "--report",
        action="store_true",
        help="a text to send with a bug report: it names no folders, photos or models",
    )


def run(options: argparse.Namespace, report: Report) -> int:
    """Print the report; 0, or 1 if something is wrong."""
    if options.report:
        return _for_a_report(options.model, report)
    found = _Findings(report)
    for name, distributions in _PACKAGES.items():
        found.tell(name, _version(distributions))
    found.tell("python", f"{platform.python_version()} on {platform.platform()}")
    data = _report_data(found)
    engine = _report_model(options.model, found)
    if engine is not None:
        _report_gallery(engine, found)
        if data:
            _report_own_gallery(engine, found)
    for problem in found.problems:
        report.show("problem", f"{'problem:':<14}{problem}", {"text": problem})
    if report.as_json:
        report.show("done", "", {"problems": len(found.problems)})
    elif not found.problems:
        report.show("done", "no problems found", {})
    return 1 if found.problems else 0


def _for_a_report(chosen: Path | None, report: Report) -> int:
    """Print a text for a bug report; 0."""
    facts = [(name, _version(distributions)) for name, distributions in _PACKAGES.items()]
    facts += [("python", f"{platform.python_version()} on {platform.platform()}")]
    facts += [("processors", str(os.cpu_count()))]
    try:
        engine = Engine(model_file(chosen))
    except MarqueError as error:
        facts += [("model", f"cannot be used ({type(error).__name__})")]
    else:
        info = engine.info
        size = f"{len(info.taxonomy.coarse)} types, {len(info.taxonomy.fine)} classes"
        facts += [("model", f"fingerprint {info.fingerprint}, {size}"), ("processor", engine.provider.name)]
    for line in report_lines(facts):
        report.show("report", line, {"text": line})
    return 0


@dataclass
class _Findings:
    """The findings, line by line, and what is wrong."""

    report: Report
    problems: list[str] = field(default_factory=list)

    def tell(self, name: str, text: str, *more: str) -> None:
        """A fact with its name; further lines of it have none."""
        for title, line in [(f"{name}:", text), *(("", line) for line in more)]:
            self.report.show("fact", f"{title:<14}{line}", {"name": name, "text": line})


def _report_data(found: _Findings) -> bool:
    """Checks the folder for what the user makes."""
    try:
        found.tell("your data", str(paths.user_data_dir()))
    except FileError as error:
        found.problems.append(f"{error.filename}: the folder for your data cannot be created ({error.strerror})")
        return False
    return True


def _report_model(chosen: Path | None, found: _Findings) -> Engine | None:
    try:
        engine = Engine(model_file(chosen))
    except MarqueError as error:
        found.problems.append(str(error))
        return None
    info = engine.info
    side = info.preprocessing.size
    lines = [
        f"{len(info.taxonomy.coarse)} types, {len(info.taxonomy.fine)} classes, "
        f"input {side} x {side} pixels, made on {info.created:%Y-%m-%d}"
    ]
    if not info.calibrated:
        lines.append("its confidences are not calibrated, because the training had too few validation photos")
    found.tell("model", f"{info.name}, fingerprint {info.fingerprint}, {engine.path}", *lines)
    found.tell(
        "processor",
        f"{engine.provider.name} ({engine.provider.reason})",
        f"onnxruntime offers {', '.join(engine.provider.available)}",
    )
    return engine


def _report_gallery(engine: Engine, found: _Findings) -> None:
    path = paths.bundled_gallery(engine.path)
    if path is None:
        found.tell("gallery", "none beside the model: photos are identified without reference photos")
        return
    _report_file("gallery", path, engine, found)


def _report_own_gallery(engine: Engine, found: _Findings) -> None:
    own = own_place(engine.info.fingerprint)
    if own.is_file():
        _report_file("own gallery", own, engine, found)


def _report_file(title: str, path: Path, engine: Engine, found: _Findings) -> None:
    try:
        with Gallery.open(path, engine.info.fingerprint, read_only=True) as gallery:
            found.tell(title, f"{in_words(gallery)}, {path}")
    except MarqueError as error:
        found.problems.append(str(error))


def _version(distributions: tuple[str, ...]) -> str:
    for distribution in distributions:
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return "not installed as a package"
