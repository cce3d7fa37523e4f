"""Labels as keywords in XMP, where Lightroom, digiKam, darktable and exiftool find them; sidecars beside photos.

`dc:subject` holds the plain keywords, `lr:hierarchicalSubject` the path `Vessel|tanker|name`, `digiKam:TagsList` the
same with slashes. Whatever else a packet of XMP holds stays as it is. A property of our own lists what a label has
added to these, and the next label takes exactly that away.
"""

from __future__ import annotations

import io
from pathlib import Path
from xml.etree import ElementTree as ET

from app.core.decide import Decision, Level
from app.core.sidecars import Sidecars
from model.errors import MarqueError
from model.files import write_whole

_NAMESPACES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "marque": "urn:marque:xmp/1.0/",
}
_ADDED = ("marque", "added", "Bag")
_VESSELS = {"cargo", "naval", "passenger", "roro", "sail", "service", "small_craft", "tanker"}
_AFLOAT = (
    "ship",
    "boat",
    "vessel",
    "craft",
    "ferry",
    "barge",
    "yacht",
    "tug",
    "submarine",
    "trawler",
    "dredger",
    "sail",
)
"""What the type of a vessel is called, or a part of its name, in the supplied model and by people who make their own;
all other types are under Vehicle."""


class XmpError(MarqueError):
    """A packet that is no XMP, or damaged; the message says where, without the file."""


class SidecarError(MarqueError):
    """A sidecar that cannot be read or written; the message names the file."""


def keywords(answer: Decision | None) -> tuple[str, ...]:
    """The path of an answer from the root down: ("Vessel", "tanker", "name"); empty without a label."""
    if answer is None or answer.level is Level.NONE:
        return ()
    name = answer.coarse.casefold()
    afloat = name in _VESSELS or (any(word in name for word in _AFLOAT) and "aircraft" not in name.replace("_", ""))
    root = "Vessel" if afloat else "Vehicle"
    # a separator inside a name would make another level of it
    parts = (answer.coarse,) if answer.level is Level.COARSE else (answer.coarse, answer.fine)
    return (root, *(part.replace("|", "-").replace("/", "-") for part in parts))


def write_sidecar(photo: Path, path: tuple[str, ...], sidecars: Sidecars | None = None) -> Path | None:
    """Put a label's keywords into the photo's sidecar, made if missing; the file, or None where there is nothing to do.

    Args:
        path: of `keywords`; empty takes an earlier label's keywords away.
        sidecars: for many photos, so that each folder is read once.

    Raises:
        SidecarError: if an existing sidecar is no XMP, or the place cannot be written; it stays as it was then.
    """
    place = (sidecars or Sidecars()).to_write(photo)
    if not path and not place.is_file():
        return None
    try:
        before = place.read_bytes() if place.is_file() else None
    except OSError as error:
        raise SidecarError(f"{place}: the sidecar cannot be read ({error.strerror})") from error
    try:
        after = merged(before, path)
    except XmpError as error:
        raise SidecarError(f"{place}: this is no XMP sidecar, or it is damaged ({error}); left as it is") from error
    if after == before:
        return None
    try:
        write_whole(place, lambda file: file.write(after))
    except OSError as error:
        raise SidecarError(f"{place}: the sidecar cannot be written ({error.strerror})") from error
    return place


def merged(packet: bytes | None, path: tuple[str, ...]) -> bytes:
    """A packet of XMP with a label's keywords in place of an earlier label's; a new one where there is none.

    Args:
        path: of `keywords`; empty takes an earlier label's keywords away.

    Raises:
        XmpError: if the packet is no XMP.
    """
    tree = _new() if packet is None else _parsed(packet)
    before = set(_list(tree, "marque", "added"))
    added: list[str] = []
    # no part of a path holds one of the separators, so what was added to one list is never taken from another
    for prefix, name, kind, wanted in (
        ("dc", "subject", "Bag", path),
        ("lr", "hierarchicalSubject", "Bag", ("|".join(path),)),
        ("digiKam", "TagsList", "Seq", ("/".join(path),)),
    ):
        kept = [word for word in _list(tree, prefix, name) if word not in before]
        new = [word for word in wanted if word and word not in kept]
        _set_list(tree, prefix, name, kind, [*kept, *new])
        added += new
    _set_list(tree, *_ADDED, added)
    return _bytes(tree)


def _name(prefix: str, name: str) -> str:
    return f"{{{_NAMESPACES[prefix]}}}{name}"


def _new() -> ET.Element:
    root = ET.Element(_name("x", "xmpmeta"))
    rdf = ET.SubElement(root, _name("rdf", "RDF"))
    ET.SubElement(rdf, _name("rdf", "Description"), {_name("rdf", "about"): ""})
    return root


def _parsed(packet: bytes) -> ET.Element:
    packet = packet.rstrip(b"\0")  # some cameras end it as a C string
    try:
        # its own prefixes stay: other programs look for them by their usual names
        for _, (prefix, address) in ET.iterparse(io.BytesIO(packet), events=["start-ns"]):
            if not prefix.startswith("ns"):
                ET.register_namespace(prefix, address)
        root = ET.fromstring(packet, ET.XMLParser(target=ET.TreeBuilder(insert_comments=True)))
    except ET.ParseError as error:
        raise XmpError(str(error)) from error
    if root.find(f".//{_name('rdf', 'RDF')}") is None and root.tag != _name("rdf", "RDF"):
        raise XmpError("no rdf:RDF in it")
    return root


def _descriptions(root: ET.Element) -> list[ET.Element]:
    """What the packet says, one after the other: some programs begin anew for each namespace. At least one."""
    rdf = root if root.tag == _name("rdf", "RDF") else root.find(f".//{_name('rdf', 'RDF')}")
    assert rdf is not None
    found = rdf.findall(_name("rdf", "Description"))
    return found or [ET.SubElement(rdf, _name("rdf", "Description"), {_name("rdf", "about"): ""})]


def _list(root: ET.Element, prefix: str, name: str) -> list[str]:
    items = f"{_name(prefix, name)}/*/{_name('rdf', 'li')}"
    return [item.text or "" for description in _descriptions(root) for item in description.findall(items)]


def _set_list(root: ET.Element, prefix: str, name: str, kind: str, values: list[str]) -> None:
    """Replace a list where it stands; a packet that has a property twice is read by nobody."""
    descriptions = _descriptions(root)
    places = [(one, element) for one in descriptions for element in one.findall(_name(prefix, name))]
    for description, element in places[1 if values else 0 :]:
        description.remove(element)
    if not values:
        return
    element = places[0][1] if places else ET.SubElement(descriptions[0], _name(prefix, name))
    for child in list(element):
        element.remove(child)
    bag = ET.SubElement(element, _name("rdf", kind))
    for value in dict.fromkeys(values):
        ET.SubElement(bag, _name("rdf", "li")).text = value


def _bytes(root: ET.Element) -> bytes:
    for prefix, address in _NAMESPACES.items():
        ET.register_namespace(prefix, address)
    ET.indent(root, " ")
    body = ET.tostring(root, encoding="unicode")
    return f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n{body}\n<?xpacket end="w"?>\n'.encode()
