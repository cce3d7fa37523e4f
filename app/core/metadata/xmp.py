"""Labels as keywords in XMP, where Lightroom, digiKam, darktable and exiftool find them.

`dc:subject` holds the plain keywords, `lr:hierarchicalSubject` the path `Vessel|tanker|name`, `digiKam:TagsList` the
same with slashes. Everything else in a packet of XMP stays as it is, to the character. A property of Marque's own lists
what a label has added, and the next label removes exactly that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from app.core.metadata.xmp_text import ListName, XmpText, legal
from app.core.recognition.decision import Decision
from model.contract.decision import Level

SUBJECT = ListName("dc", "http://purl.org/dc/elements/1.1/", "subject", "Bag")
_HIERARCHY = ListName("lr", "http://ns.adobe.com/lightroom/1.0/", "hierarchicalSubject", "Bag")
_TAGS = ListName("digiKam", "http://www.digikam.org/ns/1.0/", "TagsList", "Seq")
_ADDED = ListName("marque", "urn:marque:xmp/1.0/", "added", "Bag")
_FURTHER = ListName("xmpNote", "http://ns.adobe.com/xmp/note/", "HasExtendedXMP", "Bag")
_SEPARATORS = {_HIERARCHY: "|", _TAGS: "/"}
_SHARED = (SUBJECT, _HIERARCHY, _TAGS)

_NEW = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="">
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
""".encode()
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ROOTS = ("Vessel", "Vehicle")
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
"""Names of vessel types, or parts of them, in the supplied model and in models of other people; all other types are
under Vehicle."""


def keywords(answer: Decision | None) -> tuple[str, ...]:
    """The path of an answer from the root down: ("Vessel", "tanker", "name"); empty without a label."""
    if answer is None or answer.level is Level.NONE:
        return ()
    name = answer.coarse.casefold()
    afloat = name in _VESSELS or (any(word in name for word in _AFLOAT) and "aircraft" not in name.replace("_", ""))
    parts = (answer.coarse,) if answer.level is Level.COARSE else (answer.coarse, answer.fine)
    return _clean((_ROOTS[0] if afloat else _ROOTS[1], *parts))


def merged(packet: bytes | None, path: tuple[str, ...], also: Mapping[ListName, Sequence[str]] | None = None) -> bytes:
    """A packet of XMP with a label's keywords in place of an earlier label's; a new one where there is none.

    Args:
        path: of `keywords`; empty removes an earlier label's keywords. also: the person's own words from elsewhere that
        belong in the lists.

    Raises:
        XmpError: if the packet is not XMP, or a list in it is written in an unknown way; also if a change would
            certainly lose something.
    """
    text = XmpText(_NEW if packet is None else packet, (*_SHARED, _ADDED))
    held = {name: text.words(name) for name in _SHARED}
    before = text.words(_ADDED)
    earlier = _earlier(held, before)
    path = _clean(path)
    added: list[str] = []
    for name, words in held.items():
        own = [legal(word) for word in (also or {}).get(name, ()) if word]
        others = [*_without(words, earlier[name]), *own]
        wanted = path if name is SUBJECT else tuple(filter(None, [_SEPARATORS[name].join(path)]))
        new = [word for word in dict.fromkeys(wanted) if word not in others]
        text.change(
            name,
            [word for word in earlier[name] if word not in new],
            [word for word in dict.fromkeys([*own, *new]) if word not in words],
        )
        added += new
    if added != before:
        text.replace(_ADDED, added)
    return text.packet()


def lists(packet: bytes) -> dict[ListName, list[str]]:
    """The words in the lists that a label's keywords go into. Raises XmpError as `merged`."""
    text = XmpText(packet, _SHARED)
    return {name: text.words(name) for name in _SHARED}


def standing_alone(packet: bytes) -> bytes:
    """A packet of a JPEG without the mark that leads to further segments. Raises XmpError."""
    text = XmpText(packet, (_FURTHER,))
    text.replace(_FURTHER, ())
    return text.packet()


def _clean(path: tuple[str, ...]) -> tuple[str, ...]:
    """A path that can be written: a separator inside a name would make another level."""
    parts = (legal(_CONTROL.sub(" ", part)).replace("|", "-").replace("/", "-").strip() for part in path)
    return tuple(part or "_" for part in parts)


def _earlier(held: Mapping[ListName, list[str]], added: list[str]) -> dict[ListName, list[str]]:
    """The words in the lists that an earlier label has added.

    Anybody may have written the list of added words. It counts only if it is what one label adds: a path of at most
    three parts, which is still in one of the lists, and its parts. Otherwise all words are somebody's own.
    """
    for name, separator in _SEPARATORS.items():
        for word in held[name]:
            path = tuple(word.split(separator))
            ours = {SUBJECT: [*dict.fromkeys(path)], _HIERARCHY: ["|".join(path)], _TAGS: ["/".join(path)]}
            if path[0] in _ROOTS and len(path) <= 3 and set(added) <= {one for some in ours.values() for one in some}:
                return {name: [one for one in ours[name] if one in added and one in held[name]] for name in _SHARED}
    return {name: [] for name in _SHARED}


def _without(words: list[str], gone: list[str]) -> list[str]:
    rest = words.copy()
    for word in gone:
        rest.remove(word)
    return rest
