"""Only regular files are opened, and their content is checked before it is used."""

from __future__ import annotations

import io
import os
import socket
import zipfile
from pathlib import Path

import numpy as np
import pytest

from model.system.errors import MarqueError
from model.system.reading import open_regular, parse_json, read_arrays, read_file, regular_file


def test_a_file_and_a_link_to_it_are_read(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"content")
    link.symlink_to(file)
    assert regular_file(link).st_size == 7
    assert read_file(file) == read_file(link) == b"content"


def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for place in (pipe, link):
        with pytest.raises(MarqueError, match=f"{place}: it is a named pipe, not a file"):
            open_regular(place)


def test_folders_devices_and_sockets_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="folder"):
        read_file(tmp_path)
    with pytest.raises(OSError, match="device"):
        read_file(Path("/dev/zero"))
    with socket.socket(socket.AF_UNIX) as one:
        monkeypatch.chdir(tmp_path)  # the address of a socket is short
        one.bind("socket")
        with pytest.raises(OSError, match="socket"):
            read_file(tmp_path / "socket")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    with file.open("wb") as out:
        out.truncate(100 << 30)
    with pytest.raises(OSError, match="it has 100 GB, and a file of this kind has at most 64 MB"):
        read_file(file)


def test_what_has_no_size_ends_at_the_bound() -> None:
    endless = Path("/proc/self/maps")  # says 0 bytes, as all of /proc
    if not endless.exists():
        pytest.skip("no /proc")
    with pytest.raises(OSError, match="at most 10 bytes"):
        read_file(endless, 10)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"{} {}",
        b"NaN",
        b"[-Infinity]",
        b"[1e999]",
        b'{"a": 123456789012345678901}',
        b"[" * 100_000,
        b"1" * 10_000,
        b'"\\ud800"',
        b'"\xff"',
        b'{"a": "\x00"}',
        "{}".encode("utf-16"),
    ],
    ids=lambda content: content[:12].decode("latin-1"),
)
def test_json_that_is_none_or_out_of_range_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(content)


def test_json_is_read_with_and_without_a_byte_order_mark() -> None:
    assert parse_json(b'{"a": [1, 2.5, "\xc3\xa4", null]}') == {"a": [1, 2.5, "ä", None]}
    assert parse_json(b"\xef\xbb\xbf[-1e-300]") == [-1e-300]


def _archive(path: Path, header: str, content: bytes = b"", *, packing: int = zipfile.ZIP_STORED) -> Path:
    """An archive with one array whose header is this text."""
    text = header.encode("latin-1")
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + content)
    return path


def test_arrays_are_read_as_they_were_written(tmp_path: Path) -> None:
    arrays = {
        "number": np.array(3),
        "texts": np.array(("a", "", "ä")),
        "none": np.zeros((5, 0), np.float16),
        "turned": np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4)),
    }
    for write in (np.savez, np.savez_compressed):
        write(tmp_path / "a.npz", allow_pickle=False, **arrays)
        kept = read_arrays(tmp_path / "a.npz")
        assert list(kept) == list(arrays)
        for name, array in arrays.items():
            assert kept[name].dtype == array.dtype
            np.testing.assert_array_equal(kept[name], array)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((1 << 40,), "<f4"),
        ((1 << 60, 0), "<f4"),
        ((-4,), "<f4"),
        ((1 << 60,), "<U0"),
        ((2,), "|O"),
        ((1,), "|V4"),
        ((1,), "<c8"),
        ((3,), "<f4"),
    ],
)
def test_arrays_that_claim_what_they_do_not_hold_are_refused(tmp_path: Path, shape: tuple[int, ...], kind: str) -> None:
    header = repr({"descr": kind, "fortran_order": False, "shape": shape})
    with pytest.raises(ValueError):
        read_arrays(_archive(tmp_path / "a.npz", header, b"\0" * 4))


@pytest.mark.parametrize("header", ["(" * 5000, "{", "'", "{'descr': 3}", "[" * 200 + "]" * 200])
def test_a_damaged_header_of_an_array_is_a_sentence(tmp_path: Path, header: str) -> None:
    with pytest.raises(ValueError):
        read_arrays(_archive(tmp_path / "a.npz", header))


def test_archives_that_are_none_of_numpy_are_refused(tmp_path: Path) -> None:
    header = repr({"descr": "<f4", "fortran_order": False, "shape": (1,)})
    with pytest.raises(ValueError, match="packed"):
        read_arrays(_archive(tmp_path / "a.npz", header, b"\0" * 4, packing=zipfile.ZIP_LZMA))
    np.save(tmp_path / "b.npy", np.zeros(3))
    for content in (b"", b"PK\x03\x04", (tmp_path / "b.npy").read_bytes()):
        (tmp_path / "c.npz").write_bytes(content)
        with pytest.raises(ValueError):
            read_arrays(tmp_path / "c.npz")


def test_an_archive_that_grows_beyond_the_bound_is_not_unpacked(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.savez_compressed(file, a=np.zeros(1 << 20, np.uint8))
    (tmp_path / "a.npz").write_bytes(file.getvalue())
    with pytest.raises(ValueError, match="unpacked"):
        read_arrays(tmp_path / "a.npz", 1 << 16)
