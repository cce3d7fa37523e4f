"""A JPEG or PNG with a label's keywords in its own XMP; or why not, and what its sidecar must hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.core.metadata.iptc import iptc_keywords
from app.core.metadata.xmp import SUBJECT, lists, merged, standing_alone
from app.core.metadata.xmp_encoding import XmpError
from app.core.metadata.xmp_packet import PacketError, read_packet, with_packet
from app.core.metadata.xmp_text import ListName

_DAMAGED = "its own XMP is damaged, or written in a way that Marque does not know, and stays as it is"
_FURTHER = "its extended XMP holds keywords, and stays as it is"


@dataclass(frozen=True)
class LabelledFile:
    """A photo's file with the keywords in it.

    Attributes:
        content: the file; None if it cannot hold them. reason: why not, or "". packet: its packet, from which a sidecar
        begins. also: its keywords outside of the packet.
    """

    content: bytes | None
    reason: str
    packet: bytes | None = None
    also: Mapping[ListName, Sequence[str]] = field(default_factory=dict)


def words_inside(content: bytes) -> dict[ListName, list[str]] | None:
    """A person's own keywords in a file that can hold a packet, without those of a label; None if it is damaged.

    Keywords of the older IPTC block count if XMP has none.
    """
    try:
        embedded = read_packet(content)
        packets = [lists(merged(packet, ())) for packet in embedded.packets]
        further = [] if embedded.extension is None else [lists(embedded.extension)]
    except (PacketError, XmpError):
        return None
    found = _together([*packets, *further])
    return found if found.get(SUBJECT) else found | {SUBJECT: iptc_keywords(content)}


def _together(many: list[dict[ListName, list[str]]]) -> dict[ListName, list[str]]:
    together: dict[ListName, list[str]] = {}
    for words in many:
        for name, some in words.items():
            together.setdefault(name, []).extend(some)
    return together


def labelled(content: bytes, keywords: tuple[str, ...]) -> LabelledFile:
    """Put the keywords of a label (from `xmp.keywords`) into a file that can hold a packet.

    Keywords of the older IPTC block are added too if XMP has none, as programs read one of the two.
    """
    try:
        embedded = read_packet(content)
        inside = [lists(packet) for packet in embedded.packets]
        further = {} if embedded.extension is None else lists(embedded.extension)
    except PacketError as error:
        return LabelledFile(None, str(error))
    except XmpError:
        return LabelledFile(None, _DAMAGED)
    packet = embedded.packets[0] if len(embedded.packets) == 1 else None
    also = _together([further] if packet is not None else [*inside, further])
    if not any(words.get(SUBJECT) for words in (*inside, further)):
        also[SUBJECT] = iptc_keywords(content)
    reason = _FURTHER
    if not any(further.values()):
        try:
            return LabelledFile(with_packet(content, merged(packet, keywords, also)), "")
        except PacketError as error:
            reason = str(error)
        except XmpError:
            reason = _DAMAGED
    return LabelledFile(None, reason, None if packet is None else standing_alone(packet), also)
