"""How fast this computer trains: measured in a process of its own, and kept in the user's data folder."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from app.core.system import paths
from model.contract.commands import PaceReport
from model.system.files import make_folder, write_whole
from model.system.reading import read_file

CPU, CUDA = "cpu", "cuda"


_PACES = TypeAdapter(list[PaceReport])


def paces_file() -> Path:
    """Where the paces are kept."""
    return paths.user_data_dir() / "paces.json"


def kept(file: Path) -> list[PaceReport]:
    """The measured paces; none if the file is missing or damaged, as they can be measured again."""
    try:
        return _PACES.validate_json(read_file(file))
    except (OSError, ValidationError):
        return []


def keep(file: Path, pace: PaceReport) -> list[PaceReport]:
    """Add a pace, in place of an older one of the same kind; all of them. Raises FileError."""
    key = pace.backbone, pace.size, pace.device
    paces = [one for one in kept(file) if (one.backbone, one.size, one.device) != key] + [pace]
    make_folder(file.parent)
    write_whole(file, lambda out: out.write(_PACES.dump_json(paces, indent=1)))
    return paces


def parsed(output: str) -> PaceReport | None:
    """Read what such a process printed; None if it is not a pace."""
    lines = output.strip().splitlines()
    try:
        return PaceReport.model_validate_json(lines[-1]) if lines else None
    except ValidationError:
        return None
