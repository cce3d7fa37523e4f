"""The descriptions in a packet of XMP, with the bytes where each property begins and ends."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from app.core.metadata.xmp_encoding import XmpError

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
SEPARATOR = "\n"
"""Between the namespace and the name of elements and attributes."""
ATTRIBUTE = re.compile(rb"""\s+([^\s=]+)\s*=\s*("[^"]*"|'[^']*')""")
"""In a start tag: white space, name, value in its quotes."""

_START_TAG = re.compile(rb"""<([^\s/>]+)((?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(/?)>""")
_DEEPEST = 200
_MOST_ELEMENTS = 500_000
_MOST_KEPT = 20_000


def rdf(name: str) -> str:
    """The expanded form of one of RDF's own names."""
    return f"{RDF}{SEPARATOR}{name}"


@dataclass
class Element:
    """An element in the text.

    Attributes:
        name: namespace, SEPARATOR, local name.
        attributes: by such names, without declarations of namespaces.
        written: the attributes' names in the text, by such names. tag: its own name in the text. raw_attributes: the
        attributes in the text, with white space and declarations of namespaces.
        start, end: its bytes.
        inner, close: the bytes of its content; `close` is `end` for a single tag. pieces: the text directly in it, cut
        at everything that is not text. children: elements in it; for a description only the requested properties.
    """

    name: str
    attributes: dict[str, str]
    written: dict[str, bytes]
    tag: bytes
    raw_attributes: bytes
    start: int
    inner: int
    close: int = 0
    end: int = 0
    pieces: list[str] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text directly in it."""
        return "".join(self.pieces)

    @property
    def prefix(self) -> bytes:
        """The prefix of its namespace in the text; b"" for the default one."""
        return self.tag.rpartition(b":")[0]

    @property
    def at_attributes(self) -> int:
        """The byte at which `raw_attributes` begins."""
        return self.start + 1 + len(self.tag)


class Tree:
    """The first `rdf:RDF` of a packet and all descriptions directly in one.

    Entities are never read: a text with a document type, which could declare some, is refused.
    """

    rdf: Element

    def __init__(self, text: bytes, properties: Collection[str]) -> None:
        """Parse.

        Args:
            text: in UTF-8.
            properties: names of the properties that are kept with their content.

        Raises:
            XmpError: if it is not XMP, is damaged, or holds what no XMP has.
        """
        self.descriptions: list[Element] = []
        self._text, self._properties = text, properties
        self._open: list[Element | None] = []  # None: something that was not requested
        self._root: int | None = None  # the level of the open rdf:RDF
        self._found: list[Element] = []
        self._begun = self._kept = 0
        self._parser = expat.ParserCreate("UTF-8", SEPARATOR)
        self._parser.namespace_prefixes = True
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse_document_type
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._finish
        self._parser.CharacterDataHandler = self._read
        try:
            self._parser.Parse(text, True)
        except expat.ExpatError as error:
            raise XmpError(f"it is not XMP, or damaged: {error}") from error
        if not self._found:
            raise XmpError("it is not XMP: there is no rdf:RDF in it")
        self.rdf = self._found[0]

    def _refuse_document_type(self, *_: object) -> NoReturn:
        raise XmpError("it has a DOCTYPE, which XMP never has")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._begun += 1
        if len(self._open) >= _DEEPEST or self._begun > _MOST_ELEMENTS:
            raise XmpError("it has more elements or levels than XMP ever has")
        expanded = _expanded(name)
        above = self._open[-1] if self._open else None
        element = None
        if expanded == rdf("RDF") and self._root is None:
            self._root = len(self._open)
            element = self._element(expanded, {})
            self._found.append(element)
        elif self._root is not None and above is not None and self._wanted(expanded, len(self._open) - self._root):
            element = self._element(expanded, attributes)
            if len(self._open) == self._root + 1:
                self.descriptions.append(element)
            else:
                above.children.append(element)
        self._open.append(element)

    def _wanted(self, name: str, level: int) -> bool:
        """Whether an element in one that is kept is kept too; level 1 has the descriptions, 2 their properties."""
        return level > 2 or name in (self._properties if level == 2 else (rdf("Description"),))

    def _element(self, name: str, attributes: dict[str, str]) -> Element:
        self._kept += 1
        if self._kept > _MOST_KEPT:
            raise XmpError("it has more keywords than Marque reads")
        start = self._parser.CurrentByteIndex
        match = _START_TAG.match(self._text, start)
        assert match is not None  # which the parser has just read
        return Element(
            name,
            {_expanded(key): value for key, value in attributes.items()},
            {_expanded(key): _as_written(key) for key in attributes},
            *(match[1], match[2], start, match.end()),
        )

    def _finish(self, _name: str) -> None:
        element = self._open.pop()
        if self._root == len(self._open):
            self._root = None
        if element is None:
            return
        if self._text[element.inner - 2 : element.inner] == b"/>":
            element.close = element.end = element.inner
        else:
            element.close = self._parser.CurrentByteIndex
            element.end = self._text.index(b">", element.close) + 1

    def _read(self, text: str) -> None:
        if self._open and (element := self._open[-1]) is not None:
            element.pieces.append(text)


def _expanded(name: str) -> str:
    return SEPARATOR.join(name.split(SEPARATOR)[:2])


def _as_written(name: str) -> bytes:
    _, *rest = name.split(SEPARATOR)
    return (f"{rest[1]}:{rest[0]}" if len(rest) == 2 else name).encode()
