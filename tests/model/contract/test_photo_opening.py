"""No file can do harm by being opened: no process, little memory, little time, no words on standard error."""

from __future__ import annotations

import ast
import os
import pickle
import re
import socket
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.contract import photo_opening
from model.contract.photo import PhotoError, read_rgb, upright_size
from tests.checkout import ROOT
from tests.model.contract.opened_photos import child, reason
from tests.model.odd_files import write_heic

# --- formats ---------------------------------------------------------------------------------------------------------


def test_photos_are_opened_in_one_place_with_a_list_of_formats() -> None:
    found = []
    for top in ("app", "model"):
        for file in sorted((ROOT / top).rglob("*.py")):
            text = file.read_text("utf-8")
            assert not re.search(r"QImageReader|QMovie|from PIL.Image import", text), file
            found += [
                (file.relative_to(ROOT).as_posix(), [one.arg for one in node.keywords])
                for node in (ast.walk(ast.parse(text)) if "Image.open" in text else ())
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Image.open")
            ]
    assert found
    assert {place for place, _ in found} == {"model/contract/photo_opening.py"}
    assert all("formats" in keywords for _, keywords in found)


def test_no_process_is_started_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "script.jpg").write_text(
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 20\n%%EndComments\n(x) show showpage\n%%EOF\n"
    )
    for suffix in ("pcx", "ico", "icns", "sgi", "jp2"):
        Image.new("RGB", (32, 32), (1, 2, 3)).save(tmp_path / f"other.{suffix}")
    done = child(
        """
import sys
from pathlib import Path
from model.contract.photo import PhotoError, read_rgb
events = []
starting = ("subprocess", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn")
sys.addaudithook(lambda name, _: events.append(name) if name.startswith(starting) else None)
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        print(path.name, read_rgb(path).size)
    except PhotoError as error:
        print(path.name, error.reason)
print(events)
""",
        tmp_path,
    )
    assert done.stderr == ""
    *lines, events = done.stdout.splitlines()
    assert events == "[]"
    assert len(lines) == 6
    assert all(line.endswith("in a format this program reads") or "JPEG 2000" in line for line in lines)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.CR2", "this is a RAW photo, which Marque cannot read"),
        ("a.jxl", "this is a JPEG XL photo, which Marque cannot read"),
        ("a.mp4", "this is a video, which Marque cannot read"),
    ],
)
def test_what_is_known_and_cannot_be_read_is_named(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_bytes(b"ftyp and more" * 20)
    assert reason(tmp_path / name) == said


def test_the_preview_in_a_raw_photo_is_not_taken_for_it(tmp_path: Path) -> None:
    Image.new("RGB", (160, 120)).save(tmp_path / "a.dng", "TIFF")
    assert reason(tmp_path / "a.dng") == "this is a RAW photo, which Marque cannot read"


# --- HEIC ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["phone.HEIC", "phone.jpg"])
def test_photos_of_phones_are_read(tmp_path: Path, name: str) -> None:
    write_heic(tmp_path / name, (64, 48), (200, 30, 20))
    photo = read_rgb(tmp_path / name)
    assert photo.size == upright_size(tmp_path / name) == (64, 48)
    assert np.abs(np.asarray(photo, int) - (200, 30, 20)).max() < 12


def test_a_turned_heic_photo_is_upright(tmp_path: Path) -> None:
    write_heic(tmp_path / "turned.heic", (64, 48), (200, 30, 20), orientation=6)
    assert read_rgb(tmp_path / "turned.heic").size == upright_size(tmp_path / "turned.heic") == (48, 64)


def test_a_large_or_damaged_heic_photo_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_heic(tmp_path / "a.heic", (640, 480), (200, 30, 20))
    whole = (tmp_path / "a.heic").read_bytes()
    (tmp_path / "cut.heic").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(PhotoError):
        read_rgb(tmp_path / "cut.heic")
    monkeypatch.setattr(photo_opening, "MAX_BYTES", 1_000_000)
    assert reason(tmp_path / "a.heic").startswith("640 x 480 pixels would take")


def test_without_the_extra_the_advice_is_given(tmp_path: Path) -> None:
    write_heic(tmp_path / "a.heic", (64, 48), (200, 30, 20))
    done = child(
        """
import sys
sys.modules["pillow_heif"] = None
from model.contract.photo import PhotoError, read_rgb
try:
    read_rgb(sys.argv[1])
except PhotoError as error:
    print(error.reason)
""",
        tmp_path / "a.heic",
    )
    assert (done.stdout, done.stderr) == (
        'this is a HEIC photo, which Marque cannot read; to read HEIC photos: pip install "marque[heic]"\n',
        "",
    )


# --- pipes, devices, folders -----------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_pipes_devices_and_sockets_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "pipe.jpg")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.jpg"))
        began = time.monotonic()
        assert reason(tmp_path / "pipe.jpg") == reason(tmp_path / "link.jpg")
        assert reason(tmp_path / "pipe.jpg") == "it is a named pipe, not a file"
        assert reason(tmp_path / "zero.jpg") == "it is a device, not a file"
        assert reason(tmp_path / "socket.jpg") == "it is a socket, not a file"
    assert time.monotonic() - began < 5


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_what_the_system_makes_up_is_empty() -> None:
    assert reason(Path("/proc/self/environ")) == "the file is empty"


# --- words on standard error -----------------------------------------------------------------------------------------


def test_damaged_files_put_nothing_on_standard_error(tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8))
    noise.convert("P").save(tmp_path / "palette.png", transparency=bytes(range(200)))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "x" * 300
    for suffix, how in (
        ("jpg", {"exif": exif}),
        ("png", {"exif": exif}),
        ("webp", {"exif": exif}),
        ("tif", {"compression": "tiff_lzw"}),
        ("tiff", {"compression": "jpeg"}),
    ):
        noise.save(tmp_path / f"a.{suffix}", **how)
    done = child(
        """
import logging, random, sys
from pathlib import Path
from model.contract.photo import PhotoError, read_rgb, upright_size
chance = random.Random(0)
read = refused = 0
for path in sorted(Path(sys.argv[1]).iterdir()):
    whole = path.read_bytes()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(len(data)) if chance.random() < 0.5 else chance.randrange(min(600, len(data)))] = (
                chance.randrange(256))
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)):]
        if chance.random() < 0.3:
            data[-400:] = bytes(chance.randrange(256) for _ in data[-400:])
        path.write_bytes(data)
        for reader in (upright_size, read_rgb):
            try:
                reader(path)
                read += 1
            except PhotoError:
                refused += 1
print(read > 100, refused > 100)
""",
        tmp_path,
    )
    assert (done.stdout, done.stderr) == ("True True\n", "")


def test_an_error_comes_whole_from_another_process(tmp_path: Path) -> None:
    error = pickle.loads(pickle.dumps(PhotoError(tmp_path / "a.jpg", "damaged")))
    assert (str(error), error.path, error.reason) == (f"{tmp_path / 'a.jpg'}: damaged", tmp_path / "a.jpg", "damaged")
