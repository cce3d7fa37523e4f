from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from app.core.packet import PacketError, read_packet, takes, with_packet
from tests.app.tiny import colour_picture

PACKET = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>one</x:xmpmeta>"
LONGER = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>another, longer one</x:xmpmeta>"


def saved(kind: str, **how: object) -> bytes:
    file = io.BytesIO()
    colour_picture((220, 20, 30)).save(file, kind, **how)
    return file.getvalue()


def packet_of(content: bytes) -> bytes:
    (packet,) = read_packet(content).packets
    return packet


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def pixels_of(content: bytes, frame: int = 0) -> np.ndarray:
    image = opened(content)
    image.seek(frame)
    return np.asarray(image)


def exif() -> Image.Exif:
    made = Image.Exif()
    made[0x0110] = "a camera"
    return made


def png_with(packet: bytes, *, packed: bool) -> bytes:
    told = PngImagePlugin.PngInfo()
    told.add_text("Author", "somebody")
    told.add_itxt("XML:com.adobe.xmp", packet.decode(), zip=packed)
    return saved("PNG", pnginfo=told)


JPEGS = {
    "bare": {},
    "with Exif": {"exif": exif()},
    "with a packet": {"xmp": PACKET},
    "with both, a comment and a profile": {
        **{"exif": exif(), "xmp": PACKET, "comment": b"a comment", "icc_profile": b"profile" * 20000},
        "progressive": True,
    },
}


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_takes_a_packet_and_keeps_all_else(name: str) -> None:
    before = saved("JPEG", **JPEGS[name])
    after = with_packet(before, LONGER)
    assert packet_of(after) == LONGER == opened(after).info["xmp"]
    assert opened(after).info.get("icc_profile") == opened(before).info.get("icc_profile")
    assert opened(after).info.get("comment") == opened(before).info.get("comment")
    assert opened(after).getexif() == opened(before).getexif()
    pixels = before[before.index(b"\xff\xdb") :]  # tables and all that follows
    assert after.endswith(pixels) and (pixels_of(after) == pixels_of(before)).all()
    # without the packet, not a byte is another
    segment, empty = (
        b"\xff\xe1" + (31 + len(packet)).to_bytes(2) + b"http://ns.adobe.com/xap/1.0/\0" + packet
        for packet in (LONGER, b"")
    )
    assert after.count(segment) == 1
    old = opened(before).info.get("xmp")
    rest = before if old is None else with_packet(before, b"").replace(empty, b"")
    assert after.replace(segment, b"") == rest


def test_it_lies_behind_jfif_and_exif() -> None:
    after = with_packet(saved("JPEG", exif=exif(), comment=b"c"), PACKET)
    places = [after.index(mark) for mark in (b"JFIF\0", b"Exif\0", b"http://ns.adobe.com/xap", b"\xff\xfe")]
    assert places == sorted(places)


def test_xmp_in_further_segments_stays() -> None:
    further = b"\xff\xe1\x00\x2ahttp://ns.adobe.com/xmp/extension/\0" + b"12345"
    plain = saved("JPEG", xmp=PACKET)
    start = plain.index(b"\xff\xdb")
    after = with_packet(plain[:start] + further + plain[start:], LONGER)
    assert further in after and packet_of(after) == LONGER


@pytest.mark.parametrize("packet", [None, PACKET, LONGER + b" " * 300], ids=["none", "shorter", "longer"])
def test_further_pictures_of_a_jpeg_are_found_as_before(packet: bytes | None) -> None:
    others = [colour_picture((30, 210, 230), seed=i) for i in (1, 2)]
    before = saved("MPO", save_all=True, append_images=others, **({} if packet is None else {"xmp": packet}))
    after = with_packet(before, LONGER)
    assert packet_of(after) == LONGER and opened(after).n_frames == 3
    for frame in range(3):
        assert (pixels_of(after, frame) == pixels_of(before, frame)).all()
    first, second, _ = opened(after).mpinfo[0xB002]
    header = after.index(b"MPF\0") + 4
    assert first["Size"] == header + second["DataOffset"] == after.index(b"\xff\xd8\xff", 2)


def test_a_packet_larger_than_64_kb_does_not_go_into_a_jpeg() -> None:
    content = saved("JPEG")
    largest = b" " * 65_502
    assert packet_of(with_packet(content, largest)) == largest == opened(with_packet(content, largest)).info["xmp"]
    with pytest.raises(PacketError, match="larger than the 64 KB"):
        with_packet(content, largest + b" ")
    assert len(packet_of(with_packet(saved("PNG"), largest * 2))) == 131_004


@pytest.mark.parametrize("before", [saved("PNG"), png_with(PACKET, packed=False), png_with(PACKET, packed=True)])
def test_a_png_takes_a_packet_and_keeps_all_else(before: bytes) -> None:
    after = with_packet(before, LONGER)
    image = opened(after)
    image.load()
    assert packet_of(after) == LONGER == image.info["xmp"]
    assert image.info.get("Author") == opened(before).info.get("Author")
    assert after.count(b"XML:com.adobe.xmp") == 1
    assert after.endswith(before[before.index(b"IDAT") - 4 :]) and (pixels_of(after) == pixels_of(before)).all()


def test_a_png_that_unpacks_to_gigabytes_is_refused() -> None:
    body = b"iTXtXML:com.adobe.xmp\0\x01\x00\0\0" + zlib.compress(bytes(1 << 25))
    chunk = (len(body) - 4).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)
    plain = saved("PNG")
    with pytest.raises(PacketError, match="damaged"):
        read_packet(plain[:33] + chunk + plain[33:])


def test_only_jpeg_and_png_take_one(tmp_path: Path) -> None:
    taking = {kind for kind in ("JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP") if takes(saved(kind)[:8])}
    assert taking == {"JPEG", "PNG"} and not takes(b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "MPO"])
@given(data=st.data())
def test_damage_is_told_whatever_it_is(kind: str, data: st.DataObject) -> None:
    more = {"save_all": True, "append_images": [colour_picture((0, 0, 0))]} if kind == "MPO" else {}
    content = bytearray(saved(kind, **more)[: data.draw(st.integers(8, 1500))])
    for place in data.draw(st.lists(st.integers(3, 400), max_size=4)):
        content[place % len(content)] = data.draw(st.integers(0, 255))
    if not takes(content):
        return
    try:
        after = with_packet(bytes(content), PACKET)
    except PacketError:
        return
    assert packet_of(after) == PACKET
