from __future__ import annotations

import hashlib
import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from PIL.MpoImagePlugin import MpoImageFile

from app.core.metadata.iptc import iptc_keywords
from app.core.metadata.labelled_file import labelled
from app.core.metadata.xmp import SUBJECT, lists
from app.core.metadata.xmp_packet import PacketError, _with_index_moved, read_packet, takes, with_packet
from tests.app.core.metadata.test_xmp import EXISTING
from tests.app.core.metadata.test_xmp_lists import PATH
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


JPEGS: dict[str, dict[str, Any]] = {
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


def test_it_comes_after_jfif_and_exif() -> None:
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
    picture = opened(after)
    assert isinstance(picture, MpoImageFile) and picture.n_frames == 3 and packet_of(after) == LONGER
    for frame in range(3):
        assert (pixels_of(after, frame) == pixels_of(before, frame)).all()
    assert picture.mpinfo is not None
    first, second, _ = picture.mpinfo[0xB002]
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
def test_any_damage_is_reported(kind: str, data: st.DataObject) -> None:
    more = {"save_all": True, "append_images": [colour_picture((0, 0, 0))]} if kind == "MPO" else {}
    content = bytearray(saved(kind, **more)[: data.draw(st.integers(8, 1500))])
    for place in data.draw(st.lists(st.integers(3, 400), max_size=4)):
        content[place % len(content)] = data.draw(st.integers(0, 255))
    if not takes(bytes(content)):
        return
    try:
        after = with_packet(bytes(content), PACKET)
    except PacketError:
        return
    assert packet_of(after) == PACKET


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2) + body


def with_segments(content: bytes, *segments: bytes) -> bytes:
    """A JPEG with more segments behind its first one (JFIF)."""
    place = content.index(b"\xff\xdb")
    return content[:place] + b"".join(segments) + content[place:]


def xmp_segment(packet: bytes) -> bytes:
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)


def further_segments(extension: bytes, size: int, guid: str = "") -> list[bytes]:
    guid = guid or hashlib.md5(extension, usedforsecurity=False).hexdigest().upper()
    head = b"http://ns.adobe.com/xmp/extension/\0" + guid.encode() + len(extension).to_bytes(4)
    places = range(0, len(extension), size)
    return [segment(0xE1, head + place.to_bytes(4) + extension[place : place + size]) for place in places]


def leading_to(extension: bytes, form: str = 'n:HasExtendedXMP="%s"/>') -> bytes:
    guid = hashlib.md5(extension, usedforsecurity=False).hexdigest().upper()
    return b"<x xmlns:n='http://ns.adobe.com/xmp/note/' " + (form % guid).encode()


@pytest.mark.parametrize(
    "form", ['n:HasExtendedXMP="%s"/>', "><n:HasExtendedXMP>%s</n:HasExtendedXMP></x>", "n:HasExtendedXMP = '%s'/>"]
)
def test_xmp_beyond_64_kb_is_read_whole_and_stays(form: str) -> None:
    extension = b"<x:xmpmeta>" + bytes(range(48, 58)) * 30 + b"</x:xmpmeta>"
    packet, further = leading_to(extension, form), further_segments(extension, 100)
    for order in (further, further[::-1]):
        content = with_segments(saved("JPEG", xmp=packet), *order)
        assert read_packet(content).extension == extension
        after = with_packet(content, packet + b" ")
        assert all(one in after for one in further)
        assert read_packet(after).extension == extension and packet_of(after) == packet + b" "
    # one that no mark leads to is read by nobody
    assert read_packet(with_segments(saved("JPEG", xmp=PACKET), *further)).extension is None
    assert read_packet(saved("JPEG", xmp=packet)).extension is None


def test_xmp_beyond_64_kb_that_is_damaged_is_left_alone() -> None:
    extension = b"0123456789" * 30
    packet, further = leading_to(extension), further_segments(extension, 100)
    wrong = further_segments(extension[:-1] + b"x", 100, hashlib.md5(extension, usedforsecurity=False).hexdigest())
    for parts, reason in ((further[1:], "incomplete"), (further[:-1], "incomplete"), (wrong, "damaged")):
        content = with_segments(saved("JPEG", xmp=packet), *parts)
        for work in (read_packet, lambda content: with_packet(content, PACKET)):
            with pytest.raises(PacketError, match=f"its extended XMP is {reason}, and stays as it is"):
                work(content)


def test_equal_packets_become_one_and_different_ones_are_refused() -> None:
    same = with_segments(saved("JPEG", xmp=PACKET, exif=exif()), xmp_segment(PACKET))
    after = with_packet(same, LONGER)
    assert packet_of(after) == LONGER and after.count(b"http://ns.adobe.com/xap") == 1
    assert (pixels_of(after) == pixels_of(same)).all()
    different = with_segments(saved("JPEG", xmp=PACKET), xmp_segment(LONGER))
    assert read_packet(different).packets == (PACKET, LONGER)
    with pytest.raises(PacketError, match="several packets of XMP that differ, and stays as it is"):
        with_packet(different, PACKET)


def test_further_pictures_are_found_when_packets_before_and_behind_the_index_become_one() -> None:
    others = [colour_picture((30, 210, 230), seed=i) for i in (1, 2)]
    before = with_packet(saved("MPO", save_all=True, append_images=others), PACKET)
    start, more = before.index(b"MPF\0"), xmp_segment(PACKET)
    end = start - 2 + int.from_bytes(before[start - 2 : start])
    moved = _with_index_moved(before, start + 4, len(more), len(more))
    doubled = moved[:end] + more + moved[end:]
    after = with_packet(doubled, LONGER)
    assert packet_of(after) == LONGER and after.count(b"http://ns.adobe.com/xap") == 1
    for frame in range(3):
        for content in (doubled, after):
            assert (pixels_of(content, frame) == pixels_of(before, frame)).all()


def test_padding_makes_room_in_a_jpeg() -> None:
    padded = b"<x>" + b"y" * 65_400 + b"</x>" + b" " * 2000 + b'<?xpacket end="w"?>'
    after = packet_of(with_packet(saved("JPEG"), padded))
    assert after == padded.replace(b" " * 2000, b"\n")
    assert packet_of(with_packet(saved("PNG"), padded)) == padded


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)


def hex_profile(name: bytes, profile: bytes) -> bytes:
    digits = profile.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    return (
        b"Raw profile type "
        + name
        + b"\0\0"
        + zlib.compress(f"\n{name.decode()}\n{len(profile):8}\n{lines}\n".encode())
    )


@pytest.mark.parametrize(
    "chunk",
    [
        png_chunk(b"tEXt", b"XML:com.adobe.xmp\0" + PACKET),
        png_chunk(b"zTXt", b"XML:com.adobe.xmp\0\0" + zlib.compress(PACKET)),
        png_chunk(b"zTXt", hex_profile(b"xmp", PACKET)),
        png_chunk(b"zTXt", hex_profile(b"APP1", b"http://ns.adobe.com/xap/1.0/\0" + PACKET)),
    ],
)
def test_a_packet_in_another_kind_of_chunk_moves_to_the_usual_one(chunk: bytes) -> None:
    plain = saved("PNG")
    before = plain[:33] + chunk + plain[33:]
    after = with_packet(before, LONGER)
    assert packet_of(before) == PACKET and packet_of(after) == LONGER == opened(after).info["xmp"]
    assert chunk not in after and after.endswith(plain[33:])
    twice = before[:33] + png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + LONGER) + before[33:]
    assert set(read_packet(twice).packets) == {PACKET, LONGER}
    with pytest.raises(PacketError, match="several packets"):
        with_packet(twice, PACKET)


def test_exif_in_digits_does_not_count_as_a_packet() -> None:
    plain, chunk = saved("PNG"), png_chunk(b"zTXt", hex_profile(b"APP1", b"Exif\0\0MM"))
    assert read_packet(plain[:33] + chunk + plain[33:]).packets == ()
    assert chunk in with_packet(plain[:33] + chunk + plain[33:], PACKET)


def iptc(*keywords: bytes, utf8: bool = False) -> bytes:
    def dataset(record: int, number: int, value: bytes) -> bytes:
        return bytes((0x1C, record, number)) + len(value).to_bytes(2) + value

    block = (dataset(1, 90, b"\x1b%G") if utf8 else b"") + b"".join(dataset(2, 25, word) for word in keywords)
    other = b"8BIM\x03\xed\x03abc\0\0\0\x03xyz\0"
    return segment(0xED, b"Photoshop 3.0\0" + other + b"8BIM\x04\x04\0\0" + len(block).to_bytes(4) + block)


def test_keywords_of_the_older_block_are_read() -> None:
    plain = saved("JPEG")
    words = ["holiday", "Größe"]
    for content in (
        with_segments(plain, iptc(*(word.encode() for word in words), utf8=True)),
        with_segments(plain, iptc(*(word.encode() for word in words))),  # many do not say that it is UTF-8
        with_segments(plain, iptc(*(word.encode("cp1252") for word in words))),
    ):
        assert iptc_keywords(content) == words
    assert (
        iptc_keywords(plain) == [] == iptc_keywords(with_segments(plain, segment(0xED, b"Photoshop 3.0\x008BIM\4\4")))
    )


@given(st.binary(max_size=80))
def test_a_damaged_older_block_is_read_as_far_as_it_goes(block: bytes) -> None:
    for start in (b"", b"8BIM\x04\x04\0\0\0\0\0\x50\x1c"):
        assert isinstance(
            iptc_keywords(with_segments(saved("JPEG"), segment(0xED, b"Photoshop 3.0\0" + start + block))), list
        )


EXTENSION = EXISTING.replace("dc:subject", "dc:source").replace("hierarchicalSubject", "another").encode()
GUID = hashlib.md5(EXTENSION, usedforsecurity=False).hexdigest().upper()
LEADING = EXISTING.replace(
    "xmlns:xmp=", f'xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="{GUID}" xmlns:xmp='
)
PHOTOS = {
    "JPEG": with_segments(saved("JPEG", xmp=LEADING.encode()), *further_segments(EXTENSION, 500), iptc(b"a", b"b")),
    "PNG": png_with(EXISTING.encode(), packed=True),
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@given(
    changes=st.lists(st.tuples(st.integers(3, 6000), st.integers(0, 40), st.binary(max_size=6)), min_size=1, max_size=4)
)
def test_a_damaged_photo_gets_its_keywords_or_is_left_alone(kind: str, changes: list[tuple[int, int, bytes]]) -> None:
    content = PHOTOS[kind]
    for place, gone, new in changes:
        at = 3 + place % (len(content) - 3)
        content = content[:at] + new + content[at + gone :]
    done = labelled(content, PATH)
    if done.content is None:
        assert done.reason and "\n" not in done.reason
    else:
        assert set(PATH) <= set(lists(packet_of(done.content))[SUBJECT])
        assert labelled(done.content, PATH).content == done.content
