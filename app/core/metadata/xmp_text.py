"""The lists of words in a packet of XMP, changed in its text: every character outside of these lists stays.

XMP is RDF in XML. A list may be written in several ways, and there are programs for each: an `rdf:Bag`, `rdf:Seq` or
`rdf:Alt` of items, items with qualifiers, a plain text, an attribute of the description. A list in an unknown form is
left alone, and the caller gets an error.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from app.core.metadata.xmp_encoding import XmpError, decoded
from app.core.metadata.xmp_tree import ATTRIBUTE, RDF, SEPARATOR, Element, Tree, rdf

_CONTAINERS = {rdf(kind) for kind in ("Bag", "Seq", "Alt")}
_ITEM = re.compile(re.escape(rdf("")) + r"(li|_\d+)")
_NEVER_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST_GAP = 1000


@dataclass(frozen=True)
class ListName:
    """A property that holds words: its usual prefix, its namespace, its name, and the kind of list for a new one."""

    prefix: str
    namespace: str
    name: str
    kind: str

    @property
    def expanded(self) -> str:
        """Its name in a tree."""
        return f"{self.namespace}{SEPARATOR}{self.name}"

    def __str__(self) -> str:
        return f"{self.prefix}:{self.name}"


@dataclass
class _Place:
    """Where a list is written.

    Attributes:
        description: the one that has it. element: the property; None if it is an attribute of the description.
        container: the Bag, Seq or Alt in it; None if it is a plain text. items: the elements with the words; for a
        plain text the property itself. words: their words.
    """

    description: Element
    element: Element | None
    container: Element | None
    items: list[Element]
    words: list[str]

    @property
    def qualified(self) -> bool:
        """Whether one of the words has a qualifier."""
        return not all(_is_plain(item) for item in self.items)


class XmpText:
    """A packet whose lists can be read and changed."""

    def __init__(self, packet: bytes, lists: Collection[ListName]) -> None:
        """Parse a packet.

        Args:
            packet: in any encoding that XMP may have.
            lists: the ones to be read or changed.

        Raises:
            XmpError: if it is not XMP, is damaged, or holds what XMP never has (a DOCTYPE, thousands of levels).
        """
        self._packet = packet
        self._decoded = decoded(packet)
        self._text = self._decoded.text.encode()
        self._tree = Tree(self._text, {one.expanded for one in lists})
        self._edits: list[tuple[int, int, bytes]] = []
        self._new_lists: list[bytes] = []

    def words(self, name: ListName) -> list[str]:
        """The words of a list, from all the places where it is written.

        Raises:
            XmpError: if it is written in an unknown way.
        """
        return [word for place in self._places(name) for word in place.words]

    def change(self, name: ListName, remove: Sequence[str], add: Sequence[str]) -> None:
        """Remove words from a list and add others at its end; at most once for each list.

        If a word occurs several times, the last one is removed, but never one with qualifiers, as those are somebody's
        own. An empty list is removed. A list in several places is merged when words are added, as programs refuse a
        packet that has a property twice.

        Raises:
            XmpError: if the list is written in an unknown way.
        """
        if not remove and not add:
            return
        places = self._places(name)
        for word in remove:
            self._take(places, word)
        if add:
            places = self._add(name, places, add)
        for place in places:
            if not place.words:
                self._remove_empty(name, place)

    def replace(self, name: ListName, words: Sequence[str]) -> None:
        """Replace a list, however it was written; for lists that only Marque writes."""
        for description in self._tree.descriptions:
            if name.expanded in description.attributes:
                self._cut_attribute(description, name)
            for element in description.children:
                if element.name == name.expanded:
                    self._cut(element)
        if words:
            self._begin_list(name, words)

    def packet(self) -> bytes:
        """The packet with all changes; exactly the same bytes without any."""
        edits = self._edits + self._insertion()
        if not edits:
            return self._packet
        pieces, position = [], 0
        for start, end, text in sorted(edits, key=lambda edit: edit[:2]):
            pieces += [self._text[position:start], text]
            position = end
        pieces.append(self._text[position:])
        return self._decoded.encoded(b"".join(pieces).decode())

    def _places(self, name: ListName) -> list[_Place]:
        places = []
        for description in self._tree.descriptions:
            if name.expanded in description.attributes:
                word = description.attributes[name.expanded]
                places.append(_Place(description, None, None, [], [word] if word else []))
            for element in description.children:
                if element.name == name.expanded:
                    container, items = _items(element, name)
                    places.append(_Place(description, element, container, items, [_value(item) for item in items]))
        return places

    def _take(self, places: list[_Place], word: str) -> None:
        for place in reversed(places):
            for at in reversed(range(len(place.words))):
                if place.words[at] != word or (place.items and not _is_plain(place.items[at])):
                    continue
                del place.words[at]
                if place.items and place.container is not None:
                    self._cut(place.items[at])
                del place.items[at : at + 1]
                return

    def _add(self, name: ListName, places: list[_Place], add: Sequence[str]) -> list[_Place]:
        """Add words to the most suitable place, with the words of the other places; this place."""
        main = next((place for place in places if place.container is not None), None)
        main = main or next((place for place in places if place.items), None)
        moved: list[str] = []
        for place in places:
            if place is main:
                continue
            if place.qualified:
                raise XmpError(f"{name} is in it several times, with qualifiers")
            moved += place.words
            self._cut_place(name, place)
        words = list(dict.fromkeys([*moved, *add]))
        if main is None:
            self._begin_list(name, words)
            return []
        words = [word for word in words if word not in main.words]
        if main.container is None:
            self._wrap(main, name, words)
        else:
            self._extend(main.container, main.items, words)
        main.words += words
        return [main]

    def _extend(self, container: Element, items: list[Element], words: list[str]) -> None:
        tag = _tag(container.prefix, "li")
        if container.close == container.end:  # a single tag
            text = b"".join(_li(tag, word) for word in words)
            self._edits.append((container.end - 2, container.end, b">" + text + b"</" + container.tag + b">"))
            return
        at = items[-1].end if items else container.inner
        gap = self._gap((items or container.children)[-1].start) if container.children else b""
        self._edits.append((at, at, b"".join(gap + _li(tag, word) for word in words)))

    def _wrap(self, place: _Place, name: ListName, words: list[str]) -> None:
        """Turn a plain text into a list; its qualifiers stay with it."""
        element, prefix = place.items[0], place.description.prefix
        attributes = [(match[0], match[1]) for match in ATTRIBUTE.finditer(element.raw_attributes)]
        declarations = [(text, key) for text, key in attributes if key == b"xmlns" or key.startswith(b"xmlns:")]
        if (b"xmlns:" + prefix if prefix else b"xmlns") in [key for _, key in declarations]:
            raise _unknown_way(name)  # RDF has another prefix inside
        bag, item = _tag(prefix, name.kind), _tag(prefix, "li")
        begin = b"<%b%b><%b><%b%b" % (
            *(element.tag, b"".join(text for text, _ in declarations)),
            *(bag, item, b"".join(text for text, key in attributes if (text, key) not in declarations)),
        )
        end = b"".join(_li(item, word) for word in words) + b"</%b></%b>" % (bag, element.tag)
        if element.close == element.end:  # a single tag
            self._edits.append((element.start, element.end, begin + b"/>" + end))
        else:
            self._edits.append((element.start, element.inner, begin + b">"))
            self._edits.append((element.close, element.end, b"</" + item + b">" + end))

    def _begin_list(self, name: ListName, words: Sequence[str]) -> None:
        prefix = (self._tree.descriptions or [self._tree.rdf])[0].prefix
        if prefix == name.prefix.encode():  # inside the list it would have both meanings
            raise _unknown_way(name)
        bag, item, property_tag = _tag(prefix, name.kind), _tag(prefix, "li"), str(name).encode()
        self._new_lists.append(
            b'<%b xmlns:%b="%b">' % (property_tag, name.prefix.encode(), name.namespace.encode())
            + b"<%b>%b</%b>" % (bag, b"".join(_li(item, word) for word in words), bag)
            + b"</%b>" % property_tag
        )

    def _insertion(self) -> list[tuple[int, int, bytes]]:
        """The new lists, at the end of the first description, which is made if it is missing."""
        if not self._new_lists:
            return []
        into, lists = self._tree.rdf, self._new_lists
        if self._tree.descriptions:
            into = self._tree.descriptions[0]
        else:
            tag = _tag(into.prefix, "Description")
            declared = b"" if into.prefix == b"rdf" else b' xmlns:rdf="%b"' % RDF.encode()
            lists = [b'<%b%b rdf:about="">%b</%b>' % (tag, declared, b"".join(lists), tag)]
        if into.close == into.end:  # a single tag
            return [(into.end - 2, into.end, b">" + b"".join(lists) + b"</" + into.tag + b">")]
        content = self._text[into.inner : into.close]
        gap = content[: len(content) - len(content.lstrip())]
        if gap == content and gap:
            gap += b" "
        at = into.inner + len(content.rstrip())
        return [(at, at, b"".join(gap + one for one in lists))]

    def _remove_empty(self, name: ListName, place: _Place) -> None:
        """Remove a place without words, unless something else, such as a comment, is in it."""
        if place.container is not None:
            rest = self._text[place.container.inner : place.container.close]
            cuts = [
                edit for edit in self._edits if place.container.inner <= edit[0] and edit[1] <= place.container.close
            ]
            for start, end, _ in sorted(cuts, reverse=True):
                rest = rest[: start - place.container.inner] + rest[end - place.container.inner :]
            if rest.strip():
                return
        self._cut_place(name, place)

    def _cut_place(self, name: ListName, place: _Place) -> None:
        if place.element is None:
            self._cut_attribute(place.description, name)
            return
        start, end = place.element.start, place.element.end
        self._edits = [edit for edit in self._edits if not (start <= edit[0] and edit[1] <= end)]
        self._cut(place.element)

    def _cut(self, element: Element) -> None:
        """Cut an element with the white space before it."""
        self._edits.append((element.start - len(self._gap(element.start)), element.end, b""))

    def _cut_attribute(self, description: Element, name: ListName) -> None:
        written = description.written[name.expanded]
        match = next(one for one in ATTRIBUTE.finditer(description.raw_attributes) if one[1] == written)
        at = description.at_attributes
        self._edits.append((at + match.start(), at + match.end(), b""))

    def _gap(self, at: int) -> bytes:
        """The white space before a byte."""
        before = self._text[max(0, at - _LONGEST_GAP) : at]
        return before[len(before.rstrip()) :]


def _items(element: Element, name: ListName) -> tuple[Element | None, list[Element]]:
    """The container of a property, if it has one, and the elements with its words."""
    if len(element.children) == 1 and element.children[0].name in _CONTAINERS:
        container = element.children[0]
        strange = element.text.strip() or container.text.strip() or rdf("parseType") in element.attributes
        if strange or not all(_ITEM.fullmatch(item.name) and _is_known(item) for item in container.children):
            raise _unknown_way(name)
        return container, container.children.copy()
    if not _is_known(element):
        raise _unknown_way(name)
    empty = not element.attributes and not element.children and not element.text.strip()
    return None, [] if empty else [element]


def _unknown_way(name: ListName) -> XmpError:
    return XmpError(f"{name} is written in a way that Marque does not know")


def _is_known(item: Element) -> bool:
    """Whether an element has a word as XMP writes it: a text, an address, or a value with its qualifiers."""
    kind = item.attributes.get(rdf("parseType"))
    if kind is None:
        return not item.children or (
            [one.name for one in item.children] == [rdf("Description")] and not item.text.strip()
        )
    return kind == "Resource"


def _is_plain(item: Element) -> bool:
    return not item.attributes and not item.children


def _value(item: Element) -> str:
    for node in (item, *item.children):
        for key in (rdf("value"), rdf("resource")):
            if key in node.attributes:
                return node.attributes[key]
        for child in node.children:
            if child.name == rdf("value"):
                return child.attributes.get(rdf("resource"), child.text)
    return "" if item.children else item.text


def _tag(prefix: bytes, name: str) -> bytes:
    return prefix + b":" + name.encode() if prefix else name.encode()


def _li(tag: bytes, word: str) -> bytes:
    return b"<%b>%b</%b>" % (tag, escape(legal(word), {"\r": "&#13;"}).encode(), tag)


def legal(word: str) -> str:
    """A word without the characters that XML cannot hold at all."""
    return _NEVER_IN_XML.sub("\ufffd", word)
