"""What the window remembers between starts. A bad entry is dropped and a copy kept; it never makes the start fail."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.core.system.stored_path import StoredPath, StoredPlace
from app.ui.widgets.theme import ThemeName
from model.system.files import write_whole
from model.system.reading import parse_json, read_file

log = logging.getLogger(__name__)


_Pixels = Annotated[int, Field(ge=0, le=1 << 20)]


class Settings(BaseModel):
    """The entries of the settings file. None means: not chosen by the user."""

    model_config = ConfigDict(validate_assignment=True)

    theme: ThemeName | None = None
    identification_model: StoredPath | None = None
    last_folder: StoredPath | None = None
    project: StoredPath | None = None
    galleries: dict[str, StoredPlace] = Field(
        default_factory=dict, description="chosen gallery, a file or an address, by its model's fingerprint"
    )
    reembedding_declined: list[str] = Field(
        default_factory=list, description="fingerprints of models for which nothing is to be re-embedded"
    )
    recent_projects: list[StoredPath] = Field(default_factory=list)
    geometry: str | None = Field(default=None, description="Qt's window geometry, base64")
    splitters: dict[str, list[_Pixels]] = Field(default_factory=dict, description="sizes in pixels by splitter name")


def load(path: Path) -> Settings:
    """Read the settings; entries that cannot be used fall back to their defaults and the file is copied to `*.bad`."""
    try:
        content = read_file(path)
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        log.warning("settings %s cannot be read: %s", path, error.strerror)
        return Settings()
    try:
        entries = parse_json(content)
    except ValueError as error:
        log.warning("settings %s are damaged: %s", path, error)
        entries = None
    if not isinstance(entries, dict):
        _keep_copy(path, content)
        return Settings()
    return _from_entries(path, content, entries)


def save(path: Path, settings: Settings) -> None:
    """Write the chosen entries; the file appears whole or not at all.

    Raises:
        OSError: if the folder or the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = settings.model_dump_json(indent=2, exclude_defaults=True)
    write_whole(path, lambda file: file.write(text.encode()))


def _from_entries(path: Path, content: bytes, entries: dict[str, Any]) -> Settings:
    try:
        return Settings.model_validate(entries)
    except ValidationError as error:
        bad = {str(part["loc"][0]) for part in error.errors() if part["loc"]}
    log.warning("settings %s: dropped %s", path, ", ".join(sorted(bad)))
    _keep_copy(path, content)
    return Settings.model_validate({key: value for key, value in entries.items() if key not in bad})


def _keep_copy(path: Path, content: bytes) -> None:
    try:
        write_whole(path.with_name(path.name + ".bad"), lambda file: file.write(content))
    except OSError as error:
        log.warning("no copy of the damaged settings %s could be kept: %s", path, error)
