"""Pixels, frames, text and profiles of a photo take no more memory and time than the limits."""

from __future__ import annotations

import io
import struct
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.contract import photo_opening
from model.contract.photo import PhotoError, read_object, read_rgb, read_small, upright_size
from tests.model.contract.opened_photos import child, reason
from tests.model.odd_files import jpeg_of_many_scans, png, png_chunk

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="measures as Linux does")


# --- memory ----------------------------------------------------------------------------------------------------------

MEASURE = """
import sys
from pathlib import Path
from model.contract import photo_opening
from model.contract.photo import PhotoError, read_rgb, read_small, upright_size
photo_opening.MAX_BYTES = int(sys.argv[1])
def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
first = Path(sys.argv[2])
read_rgb(first)
for path in map(Path, sys.argv[3:]):
    for read in (read_rgb, upright_size):
        Path("/proc/self/clear_refs").write_text("5")
        before = status("VmRSS")
        try:
            got = read(path)
            said = f"read {getattr(got, 'size', got)}"
        except PhotoError as error:
            said = error.reason
        print(path.name, (status("VmHWM") - before) >> 20, said, sep="|")
        got = None
"""


def measured(limit: int, *paths: Path) -> dict[str, tuple[int, str]]:
    """For each file the most MiB that reading it, or its size, took on top, and what came of the former."""
    small = paths[0].parent / "small.png"
    Image.new("RGB", (8, 8)).save(small)
    done = child(MEASURE, limit, small, *paths)
    assert done.stderr == ""
    found: dict[str, tuple[int, str]] = {}
    for line in done.stdout.splitlines():
        name, peak, said = line.split("|")
        known = found.get(name)
        found[name] = (int(peak), said) if known is None else (max(int(peak), known[0]), known[1])
    return found


@LINUX
def test_pixels_take_no_more_memory_than_the_limit(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    wide, large = Image.new("I;16", (1900, 1900), 700), Image.new("I;16", (3000, 3000), 700)
    wide.putpixel((5, 5), 60000)
    wide.save(tmp_path / "wide.png")
    large.save(tmp_path / "large.png")
    Image.new("F", (1700, 1700), 0.5).save(tmp_path / "float.tif")
    plain = Image.new("RGB", (3000, 2500), (90, 60, 30))
    plain.save(tmp_path / "reduced.jpg")
    plain.save(tmp_path / "turned.jpg", exif=turned)
    plain.crop((0, 0, 2500, 2400)).save(tmp_path / "late.png")
    (tmp_path / "late.png").write_bytes(
        (tmp_path / "late.png").read_bytes()[:-12] + png_chunk(b"eXIf", turned.tobytes()[6:]) + png_chunk(b"IEND", b"")
    )
    Image.new("RGBA", (1750, 1750), (9, 9, 9, 90)).save(tmp_path / "clear.png")
    plain.save(tmp_path / "large.webp")
    plain.save(tmp_path / "large.tif", compression="tiff_deflate")
    limit, slack = 24 << 20, 60
    names = "wide.png large.png float.tif reduced.jpg turned.jpg late.png clear.png large.webp large.tif"
    found = measured(limit, *(tmp_path / name for name in names.split()))
    assert {name: said for name, (_, said) in found.items()} == {
        "wide.png": "read (1900, 1900)",
        "large.png": "3,000 x 3,000 pixels would take 51 MiB of memory, more than this program uses for a photo "
        "(24 MiB)",
        "float.tif": "read (1700, 1700)",
        "reduced.jpg": "read (1500, 1250)",
        "turned.jpg": "read (1250, 1500)",
        "late.png": found["late.png"][1],
        "clear.png": "read (1750, 1750)",
        "large.webp": found["large.tif"][1],
        "large.tif": found["large.tif"][1],
    }
    assert found["late.png"][1].startswith("2,500 x 2,400 pixels would take 45 MiB")
    assert found["large.tif"][1].startswith("3,000 x 2,500 pixels would take 28 MiB")
    over = {name: peak for name, (peak, _) in found.items() if peak > (limit >> 20) + slack}
    assert over.keys() <= {"large.webp"}  # the library makes room for the picture as the file is opened


@LINUX
@pytest.mark.slow
def test_the_real_limit_holds(tmp_path: Path) -> None:
    rows = zlib.compressobj(9)
    packed = b"".join([*(rows.compress(bytes(1 + 2 * 20_000)) for _ in range(20_000)), rows.flush()])
    png(tmp_path / "bomb.png", 20_000, 20_000, packed, depth=16, colour=0)
    assert (tmp_path / "bomb.png").stat().st_size < 1_000_000
    Image.new("I;16", (13_000, 13_000), 5).save(tmp_path / "wide.png")
    Image.new("RGB", (25_000, 20_000)).save(tmp_path / "panorama.jpg")
    found = measured(1 << 30, *(tmp_path / name for name in ("bomb.png", "wide.png", "panorama.jpg")))
    assert found["bomb.png"][1].startswith("20,000 x 20,000 pixels would take 2,288 MiB of memory")
    assert found["bomb.png"][0] < 50
    assert found["wide.png"][1] == "read (13000, 13000)"
    assert found["wide.png"][0] < 1200
    assert found["panorama.jpg"] == (found["panorama.jpg"][0], "read (12500, 10000)")
    assert found["panorama.jpg"][0] < 1200


def test_a_box_of_a_reduced_photo_is_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Image.new("RGB", (800, 400))
    picture.paste((250, 10, 10), (400, 100, 600, 300))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "a.jpg", quality=95, exif=exif)
    box = (100, 400, 300, 600)  # the red part, upright
    whole = read_object(tmp_path / "a.jpg", box)
    monkeypatch.setattr(photo_opening, "MAX_BYTES", 700_000)
    assert upright_size(tmp_path / "a.jpg") == (400, 800)
    assert read_rgb(tmp_path / "a.jpg").size == read_object(tmp_path / "a.jpg", None).size == (200, 400)
    part = read_object(tmp_path / "a.jpg", box)
    assert (whole.size, part.size) == ((200, 200), (100, 100))
    assert np.asarray(part)[4:-4, 4:-4, 0].min() > 200


def test_a_huge_jpeg_of_many_scans_is_refused_as_it_cannot_be_read_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_opening, "MAX_PIXELS", 1000)
    Image.new("RGB", (60, 50)).save(tmp_path / "lines.jpg")
    Image.new("RGB", (60, 50)).save(tmp_path / "scans.jpg", progressive=True)
    assert read_rgb(tmp_path / "lines.jpg").size == (60, 50)
    assert "more than this program opens" in reason(tmp_path / "scans.jpg")


@LINUX
def test_bombs_in_text_and_profiles_take_no_memory(tmp_path: Path) -> None:
    bomb = zlib.compress(bytes(80 << 20), 9)
    inside = zlib.compress(bytes(1 + 3 * 8) * 8)
    for name, chunk in (
        ("text.png", png_chunk(b"zTXt", b"a\0\0" + bomb)),
        ("more.png", png_chunk(b"iTXt", b"a\0\1\0\0\0" + bomb)),
        ("profile.png", png_chunk(b"iCCP", b"a\0\0" + bomb)),
    ):
        png(tmp_path / name, 8, 8, inside, before=chunk)
    found = measured(1 << 30, *sorted(tmp_path.glob("*.png")))
    assert max(peak for peak, _ in found.values()) < 30


# --- time ------------------------------------------------------------------------------------------------------------


def test_a_jpeg_of_endless_scans_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scans.jpg"
    path.write_bytes(jpeg_of_many_scans(2500, 2500, scans=6000))
    monkeypatch.setattr(photo_opening, "MAX_SECONDS", 0.5)
    began = time.monotonic()
    for read in (read_rgb, lambda one: read_small(one, 32)):
        with pytest.raises(PhotoError, match="given up, as decoding it takes more than"):
            read(path)
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("name", ["a.tif", "a.webp"])
def test_what_a_library_decodes_at_once_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    kept = {"compression": "tiff_deflate"} if name.endswith("tif") else {"quality": 50}
    Image.effect_noise((1500, 1500), 50).convert("RGB").save(tmp_path / name, **kept)
    monkeypatch.setattr(photo_opening, "_QUICK", 1000)
    assert read_rgb(tmp_path / name).size == (1500, 1500)
    sources = []

    class Noted(photo_opening._Source):
        def __init__(self, file: io.BufferedReader) -> None:
            super().__init__(file)
            sources.append(self)
            monkeypatch.setattr(photo_opening, "MAX_SECONDS", 0.0)

    monkeypatch.setattr(photo_opening, "_Source", Noted)
    with pytest.raises(PhotoError, match="given up"):
        read_rgb(tmp_path / name)
    [source] = sources
    end = time.monotonic() + 20
    while not source.closed and time.monotonic() < end:
        time.sleep(0.01)
    assert source.closed


def test_of_very_many_frames_only_the_first_is_read(tmp_path: Path) -> None:
    moving = io.BytesIO()
    Image.new("P", (8, 8)).save(
        moving, "GIF", save_all=True, append_images=[Image.new("P", (8, 8), 1)], optimize=False, loop=0
    )
    head, frame = moving.getvalue()[:-1], b"!\xf9\x04\x00\x00\x00\x00\x00," + moving.getvalue().rpartition(b",")[2][:-1]
    (tmp_path / "a.gif").write_bytes(head + frame * 400_000 + b";")

    control = png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", 1, 8, 8, 0, 0, 1, 10, 0, 0))
    inside = zlib.compress(bytes(1 + 3 * 8) * 8)
    more = (control + png_chunk(b"fdAT", bytes(4) + inside)) * 100_000
    png(tmp_path / "a.png", 8, 8, inside, before=png_chunk(b"acTL", struct.pack(">II", 100_001, 0)), after=more)

    Image.new("RGB", (8, 8)).save(tmp_path / "a.tif")  # whose directory says that it follows itself
    loop = bytearray((tmp_path / "a.tif").read_bytes())
    [first] = struct.unpack("<I", loop[4:8])
    [entries] = struct.unpack("<H", loop[first : first + 2])
    loop[first + 2 + 12 * entries :][:4]
    loop[first + 2 + 12 * entries : first + 6 + 12 * entries] = struct.pack("<I", first)
    (tmp_path / "a.tif").write_bytes(loop)

    began = time.process_time()
    for suffix in ("gif", "png", "tif"):
        assert read_rgb(tmp_path / f"a.{suffix}").size == (8, 8)
    assert time.process_time() - began < 2
