"""Say what this installation consists of, whether it works, and what to do where it does not."""

from __future__ import annotations

import argparse
import platform
from importlib import metadata
from pathlib import Path

from app.cli.terminal import UsageError, add_model_option, in_words, model_file, say
from app.core import paths
from app.core.engine import Engine, EngineError
from app.core.gallery import Gallery, GalleryError
from app.core.own_gallery import own_place
from model.bundle import BundleError

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


def run(options: argparse.Namespace) -> int:
    """Print the report; 0, or 1 if something is wrong."""
    for name, distributions in _PACKAGES.items():
        say(f"{name + ':':<14}{_version(distributions)}")
    say(f"{'python:':<14}{platform.python_version()} on {platform.platform()}")
    problems: list[str] = []
    data = _report_data(problems)
    engine = _report_model(options.model, problems)
    if engine is not None:
        _report_gallery(engine, problems)
        if data:
            _report_own_gallery(engine, problems)
    for problem in problems:
        say(f"{'problem:':<14}{problem}")
    if not problems:
        say("no problems found")
    return 1 if problems else 0


def _report_data(problems: list[str]) -> bool:
    """Whether there is a folder for what the user makes."""
    try:
        say(f"{'your data:':<14}{paths.user_data_dir()}")
    except OSError as error:
        problems.append(f"{error.filename}: the folder of your data cannot be made ({error.strerror})")
        return False
    return True


def _report_model(chosen: Path | None, problems: list[str]) -> Engine | None:
    try:
        engine = Engine(model_file(chosen))
    except (UsageError, BundleError, EngineError) as error:
        problems.append(str(error))
        return None
    info = engine.info
    side = info.preprocessing.size
    say(f"{'model:':<14}{info.name}, fingerprint {info.fingerprint}, {engine.path}")
    say(
        f"{'':<14}{len(info.taxonomy.coarse)} types, {len(info.taxonomy.fine)} classes, "
        f"input {side} x {side} pixels, made on {info.created:%Y-%m-%d}"
    )
    if not info.calibrated:
        say(f"{'':<14}its confidences are not calibrated: the training had too few validation photos")
    say(f"{'processor:':<14}{engine.provider.name} ({engine.provider.reason})")
    say(f"{'':<14}onnxruntime offers {', '.join(engine.provider.available)}")
    return engine


def _report_gallery(engine: Engine, problems: list[str]) -> None:
    path = paths.bundled_gallery(engine.path)
    if path is None:
        say(f"{'gallery:':<14}none beside the model; photos are identified without reference photos")
        return
    _report_file("gallery:", path, engine, problems)


def _report_own_gallery(engine: Engine, problems: list[str]) -> None:
    own = own_place(engine.info.fingerprint)
    if own.is_file():
        _report_file("own gallery:", own, engine, problems)


def _report_file(title: str, path: Path, engine: Engine, problems: list[str]) -> None:
    try:
        with Gallery.open(path, engine.info.fingerprint, read_only=True) as gallery:
            say(f"{title:<14}{in_words(gallery)}, {path}")
    except GalleryError as error:
        problems.append(str(error))


def _version(distributions: tuple[str, ...]) -> str:
    for distribution in distributions:
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return "not installed as a package"
