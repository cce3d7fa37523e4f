"""Photos, and the keywords in and beside them, damaged or invented."""

from __future__ import annotations

import io
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.core.metadata import xmp, xmp_packet, xmp_sidecar
from app.core.metadata.xmp_encoding import XmpError
from app.core.recognition.images import thumbnail
from model.contract.photo import PhotoError, read_rgb, read_small, upright_size
from tests.reliability.fuzzing import damaged, fuzz, reads_or_tells

PATH = ("Vehicle", "sedan", "A4 <b>&")


def drawn(kind: str, mode: str = "RGB", **how: object) -> bytes:
    """A small picture as a file of a format."""
    noise = np.random.default_rng(3).integers(0, 255, (24, 32, 4), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.fromarray(noise, "RGBA").convert(mode).save(file, kind, **({"exif": exif} | how))
    return file.getvalue()


PHOTOS = {
    "a.jpg": drawn("JPEG"),
    "progressive.jpg": drawn("JPEG", progressive=True),
    "cmyk.jpg": drawn("JPEG", "CMYK"),
    "a.png": drawn("PNG", "RGBA"),
    "palette.png": drawn("PNG", "P"),
    "a.gif": drawn("GIF", "P"),
    "a.bmp": drawn("BMP"),
    "a.tif": drawn("TIFF"),
    "packed.tif": drawn("TIFF", compression="tiff_lzw"),
    "a.webp": drawn("WEBP"),
    "a.ppm": drawn("PPM"),
    "a.tga": drawn("TGA"),
}


def look(file: Path) -> None:
    """As enrolling, identifying and the grid do, each of which may refuse it."""
    said = []
    for read in (upright_size, read_rgb, lambda path: read_small(path, 16), lambda path: thumbnail(path, 16)):
        try:
            read(file)
        except PhotoError as error:
            said.append(error)
    if said:
        raise said[0]


@pytest.mark.parametrize("name", PHOTOS)
@given(data=st.data())
@fuzz(15)
def test_a_damaged_photo_is_read_or_reported(place: Path, name: str, data: st.DataObject) -> None:
    file = place / name
    file.write_bytes(data.draw(damaged(PHOTOS[name])))
    reads_or_tells(f"photo {name}", lambda: look(file), name)


NEW = xmp.merged(None, PATH)
PACKETS = {
    "new": NEW,
    "utf-16": NEW.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
    "lightroom": b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmp:Rating="5"><dc:subject><rdf:Bag><rdf:li>one</rdf:li>
<rdf:li>two &amp; three</rdf:li></rdf:Bag></dc:subject><lr:hierarchicalSubject><rdf:Bag><rdf:li>a|b</rdf:li></rdf:Bag>
</lr:hierarchicalSubject></rdf:Description></rdf:RDF></x:xmpmeta>""",
}
_PIECES = st.sampled_from(
    [
        b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
        b"&b;",
        b"<![CDATA[x]]>",
        b"<!-- x -->",
        b"</rdf:Bag>",
        b"<rdf:li>more</rdf:li>",
        b"<rdf:li/>",
        b' rdf:resource="x"',
        b' xmlns:dc="other"',
        b"<?xml version='1.0' encoding='utf-7'?>",
        b"&#0;",
        b"&#x110000;",
        b"\xed\xa0\x80",
        b"<rdf:Seq>",
    ]
)


@pytest.mark.parametrize("name", PACKETS)
@given(data=st.data())
@fuzz(25)
def test_a_damaged_sidecar_is_written_whole_or_reported(place: Path, name: str, data: st.DataObject) -> None:
    folder = place / f"sidecar {name}"
    folder.mkdir(exist_ok=True)
    sidecar, photo = folder / "a.jpg.xmp", folder / "a.jpg"
    photo.write_bytes(PHOTOS["a.jpg"])
    whole = PACKETS[name]
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(whole)))
        before = whole[:at] + data.draw(_PIECES) + whole[at:]
    else:
        before = data.draw(damaged(whole))
    sidecar.write_bytes(before)

    def write() -> None:
        xmp_sidecar.write_sidecar(photo, PATH)
        after = sidecar.read_bytes()
        assert xmp_sidecar.write_sidecar(photo, PATH) is None or sidecar.read_bytes() == after, (
            "a second time changes nothing"
        )
        ElementTree.fromstring(after)

    reads_or_tells(f"sidecar, {name}", write, sidecar.name)


EMBEDDED = {
    "a.jpg": xmp_packet.with_packet(PHOTOS["a.jpg"], NEW),
    "a.png": xmp_packet.with_packet(PHOTOS["a.png"], NEW),
}


@pytest.mark.parametrize("name", EMBEDDED)
@given(data=st.data())
@fuzz(25)
def test_a_damaged_packet_in_a_photo_is_replaced_or_reported(name: str, data: st.DataObject) -> None:
    content = data.draw(damaged(EMBEDDED[name]))

    def exchange() -> None:
        """What cannot be exchanged is a reason; the caller names the file."""
        try:
            there = xmp_packet.read_packet(content)
            new = xmp.merged(there.packets[0] if there.packets else None, PATH)
            after = xmp_packet.with_packet(content, new)
        except (xmp_packet.PacketError, XmpError):
            return
        assert xmp_packet.read_packet(after).packets == (new,)

    reads_or_tells(f"packet in {name}", exchange)
