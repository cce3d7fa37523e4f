"""Keywords go into the lists of any packet, however these are written, and all else stays to the character."""

from __future__ import annotations

import codecs
import re
import time
from dataclasses import replace
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.metadata.xmp import SUBJECT, keywords, lists, merged
from app.core.metadata.xmp_encoding import XmpError
from tests.app.core.metadata.test_xmp import EXISTING, SHIP

PATH = ("Vehicle", "sedan", "Rossa 2010")
OTHER = ("Vessel", "tanker", "MT Alpha")
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PACKET = (
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about="" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmp:Rating="4"%s'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)
BAG = "><dc:subject><rdf:Bag>%s</rdf:Bag></dc:subject>"
FORMS = {
    "bag": BAG % "<rdf:li>holiday</rdf:li>",
    "ordered": "><dc:subject><rdf:Seq><rdf:li>holiday</rdf:li></rdf:Seq></dc:subject>",
    "alternatives": '><dc:subject><rdf:Alt><rdf:li xml:lang="x-default">holiday</rdf:li></rdf:Alt></dc:subject>',
    "plain text": "><dc:subject>holiday</dc:subject>",
    "plain text with a language": '><dc:subject xml:lang="en">holiday</dc:subject>',
    "attribute": ' dc:subject="holiday"><xmp:Label>Red</xmp:Label>',
    "attribute in single quotes": " dc:subject = 'holiday' ><xmp:Label>Red</xmp:Label>",
    "CDATA": BAG % "<rdf:li><![CDATA[holiday]]></rdf:li>",
    "with a comment": BAG % "<!-- a remark --><rdf:li>holi<!-- another -->day</rdf:li><?my program?>",
    "qualified": BAG % '<rdf:li rdf:parseType="Resource"><rdf:value>holiday</rdf:value></rdf:li>',
    "qualified, described": BAG
    % "<rdf:li><rdf:Description><rdf:value>holiday</rdf:value><xmp:Label>q</xmp:Label></rdf:Description></rdf:li>",
    "qualified by attributes": BAG % '<rdf:li rdf:value="holiday" xmp:Label="q"/>',
    "qualified text": '><dc:subject rdf:parseType="Resource"><rdf:value>holiday</rdf:value></dc:subject>',
    "described text": "><dc:subject><rdf:Description><rdf:value>holiday</rdf:value></rdf:Description></dc:subject>",
    "address": '><dc:subject rdf:resource="holiday"/>',
    "numbered": BAG % "<rdf:_1>holiday</rdf:_1>",
    "in another description": (
        '><xmp:Label>Red</xmp:Label></rdf:Description><rdf:Description rdf:about=""><my:subject '
        'xmlns:my="http://purl.org/dc/elements/1.1/"><rdf:Bag><rdf:li>holiday</rdf:li></rdf:Bag></my:subject>'
    ),
    "in two descriptions": (
        "><dc:subject><rdf:Bag><rdf:li>holiday</rdf:li></rdf:Bag></dc:subject></rdf:Description>"
        '<rdf:Description rdf:about="" xmlns:my="http://purl.org/dc/elements/1.1/" my:subject="harbour">'
    ),
}
EMPTY = {
    "nothing": ">",
    "empty element": "><dc:subject/>",
    "empty text": "><dc:subject> </dc:subject>",
    "empty bag": "><dc:subject><rdf:Bag/></dc:subject>",
    "empty attribute": ' dc:subject="">',
}


def read_as_xml(packet: bytes) -> ET.Element:
    """By a parser that knows nothing of ours."""
    return ET.fromstring(packet, ET.XMLParser(target=ET.TreeBuilder(insert_comments=True, insert_pis=True)))


def without_lists(packet: bytes) -> str:
    """What a packet says apart from the keywords, in canonical form."""
    root = read_as_xml(packet)
    ours = re.compile(r"\{.*\}(subject|hierarchicalSubject|TagsList|added)")
    for description in root.iter(f"{{{RDF}}}Description"):
        for child in list(description):
            if isinstance(child.tag, str) and ours.fullmatch(child.tag):
                description.remove(child)
        for name in [name for name in description.attrib if ours.fullmatch(name)]:
            del description.attrib[name]
    return ET.canonicalize(ET.tostring(root), strip_text=True)


@pytest.mark.parametrize("form", [*FORMS, *EMPTY])
def test_keywords_stay_however_they_are_written(form: str) -> None:
    before = (PACKET % (FORMS | EMPTY)[form]).encode()
    held = lists(before)[SUBJECT]
    assert held == {"in two descriptions": ["holiday", "harbour"]}.get(form, ["holiday"] if form in FORMS else [])
    after = merged(before, PATH)
    assert lists(after)[SUBJECT] == [*held, *PATH]
    assert without_lists(after) == without_lists(before)
    assert merged(after, PATH) == after and lists(merged(after, OTHER))[SUBJECT] == [*held, *OTHER]
    assert lists(merged(after, ())) == lists(before)
    assert merged(before, ()) == before
    if form in ("bag", "ordered", "alternatives", "CDATA", "with a comment", "qualified", "numbered", "nothing"):
        assert merged(after, ()) == before  # to the byte


@pytest.mark.parametrize(
    "subject",
    [
        '><dc:subject rdf:parseType="Literal"><b>holiday</b></dc:subject>',
        "><dc:subject><xmp:Thing>holiday</xmp:Thing></dc:subject>",
        "><dc:subject>holiday<rdf:Bag><rdf:li>b</rdf:li></rdf:Bag></dc:subject>",
        "><dc:subject><rdf:Bag>holiday</rdf:Bag></dc:subject>",
        BAG % "<rdf:li><rdf:Bag><rdf:li>holiday</rdf:li></rdf:Bag></rdf:li>",
        "><dc:subject>a</dc:subject>"
        + (BAG % '<rdf:li xml:lang="en">holiday</rdf:li>')[1:]
        + (BAG % '<rdf:li xml:lang="en">b</rdf:li>')[1:],
    ],
)
def test_what_is_written_in_no_known_way_is_refused(subject: str) -> None:
    with pytest.raises(XmpError, match=r"dc:subject is (written in a way that Marque|in it several times)"):
        merged((PACKET % subject).encode(), PATH)


@pytest.mark.parametrize("text", [EXISTING, EXISTING.replace("\n", "\r\n"), PACKET % FORMS["bag"]])
def test_all_else_stays_to_the_byte(text: str) -> None:
    before = text.encode()
    after = merged(before, OTHER)
    assert after != before and len(after) > len(before)
    assert merged(after, ()) == before


def test_prefixes_of_a_file_are_its_own() -> None:
    """Two files may mean different things by one prefix, and one of them may borrow a prefix of ours."""
    crafted = PACKET.replace("xmlns:dc=", 'xmlns:lr="urn:not/lightroom" xmlns:marque="urn:x" xmlns:dc=')
    before = (crafted % ' lr:kept="1"><marque:added>mine</marque:added>').encode()
    after = merged(before, PATH)
    assert b'lr:kept="1"' in after and b"<marque:added>mine</marque:added>" in after
    assert without_lists(after) == without_lists(before) and merged(after, ()) == before
    plain = merged((PACKET % FORMS["bag"]).encode(), PATH)
    merged(before, PATH)
    assert merged((PACKET % FORMS["bag"]).encode(), PATH) == plain
    for prefix in ("r", ""):
        colon = ":" if prefix else ""
        other = f"<{prefix}{colon}RDF xmlns{colon}{prefix}='{RDF}'><{prefix}{colon}Description/></{prefix}{colon}RDF>"
        assert lists(merged(other.encode(), PATH))[SUBJECT] == list(PATH)
        assert read_as_xml(merged(other.encode(), PATH)).tag == f"{{{RDF}}}RDF"
    borrowed = f"<dc:RDF xmlns:dc='{RDF}'><dc:Description/></dc:RDF>"
    with pytest.raises(XmpError, match="dc:subject is written in a way"):
        merged(borrowed.encode(), PATH)
    for bare in (f"<rdf:RDF xmlns:rdf='{RDF}'/>", f"<rdf:RDF xmlns:rdf='{RDF}'> </rdf:RDF>"):
        assert lists(merged(bare.encode(), PATH))[SUBJECT] == list(PATH)


UNICODE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize("encoding", ["utf-8", *UNICODE])
def test_a_packet_keeps_its_encoding(encoding: str, mark: str) -> None:
    text = PACKET % FORMS["bag"].replace("holiday", "Größe ☃")
    before = (mark + text).encode(encoding)
    after = merged(before, PATH)
    assert (mark + text).split("</rdf:li>")[0] in after.decode(encoding)
    assert lists(after)[SUBJECT] == ["Größe ☃", *PATH]
    assert merged(after, ()) == before
    # some cameras end it as a C string
    assert merged(before + b"\0", PATH) == merged(before + bytes(9), PATH) == after


def test_what_a_declared_encoding_has_no_sign_for_is_written_as_a_reference() -> None:
    before = ('<?xml version="1.0" encoding="ISO-8859-1"?>' + PACKET % FORMS["attribute"]).replace("holiday", "Größe")
    after = merged(before.encode("latin-1"), ("Vessel", "ship", "Łódź"))
    assert b"Gr\xf6\xdfe" in after and b"&#321;\xf3d&#378;" in after
    assert lists(after)[SUBJECT] == ["Größe", "Vessel", "ship", "Łódź"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ((PACKET % ">").replace("adobe:ns", "\xe4").encode("latin-1"), "it is not in UTF-8: byte"),
        (b'<?xml version="1.0" encoding="UTF-16"?>' + (PACKET % ">").encode(), "it says that it is in UTF-16"),
        (codecs.BOM_UTF8 + b'<?xml version="1.0" encoding="latin1"?>' + (PACKET % ">").encode(), "is in latin1, but"),
        (('\ufeff<?xml version="1.0" encoding="utf-8"?>' + PACKET % ">").encode("utf-16-le"), "is in utf-8, but"),
        (b'<?xml version="1.0" encoding="utf-7"?>' + (PACKET % ">").encode(), "in utf-7, which XMP cannot be in"),
        (b'<?xml version="1.0" encoding="none-such"?>' + (PACKET % ">").encode(), "in none-such, which XMP cannot"),
        ((PACKET % ">").encode("utf-32-be")[2:], "it is not in UTF-16-BE: there are NULs in it"),
        (codecs.BOM_UTF16_LE + b"<\0\x00\xd8", "it is not in UTF-16-LE: byte 5"),
    ],
)
def test_a_wrong_encoding_is_one_clear_sentence(content: bytes, reason: str) -> None:
    with pytest.raises(XmpError, match=re.escape(reason)) as raised:
        merged(content, PATH)
    assert "\n" not in str(raised.value)


ENTITIES = "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9))
LAUGHS = f"<!DOCTYPE x [<!ENTITY a 'ha'>{ENTITIES}]>"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (LAUGHS + PACKET % "><dc:subject>&j;</dc:subject>", "it has a DOCTYPE"),
        ("<!DOCTYPE x SYSTEM 'file:///etc/passwd'>" + PACKET % ">", "it has a DOCTYPE"),
        ("<!DOCTYPE x>" + PACKET % ">", "it has a DOCTYPE"),
        (PACKET % "><dc:subject>&j;</dc:subject>", "undefined entity"),
        ("<a>" * 100_000, "more elements or levels than XMP"),
        (PACKET % (">" + "<a/>" * 600_000), "more elements or levels than XMP"),
        (PACKET % (BAG % ("<rdf:li>a</rdf:li>" * 30_000)), "more keywords than"),
        (PACKET % (BAG % ("<rdf:li>a</rdf:li><" * 2)), "not well-formed"),
        ("<x/>", "no rdf:RDF"),
        ("", "no element found"),
    ],
)
def test_what_could_do_harm_is_refused_at_once(content: str, reason: str) -> None:
    began = time.monotonic()
    with pytest.raises(XmpError, match=reason):
        merged(content.encode(), PATH)
    assert time.monotonic() - began < 10


def test_a_text_cut_into_millions_of_pieces_costs_no_more_than_its_length() -> None:
    word = "a<?x?>" * 200_000
    began = time.monotonic()
    assert lists((PACKET % (BAG % f"<rdf:li>{word}</rdf:li>")).encode())[SUBJECT] == ["a" * 200_000]
    assert time.monotonic() - began < 10


def crafted(subject: list[str], hierarchy: list[str], added: list[str]) -> bytes:
    def bag(name: str, words: list[str]) -> str:
        return f"<{name}><rdf:Bag>{''.join(f'<rdf:li>{word}</rdf:li>' for word in words)}</rdf:Bag></{name}>"

    names = ' xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:marque="urn:marque:xmp/1.0/">'
    given = (("dc:subject", subject), ("lr:hierarchicalSubject", hierarchy), ("marque:added", added))
    return (PACKET % (names + "".join(bag(name, words) for name, words in given))).encode()


@pytest.mark.parametrize(
    ("hierarchy", "added"),
    [
        (["Places|Kiel"], ["holiday", "Kiel", "Places|Kiel"]),
        (["Vehicle|holiday|Kiel|more"], ["Vehicle", "holiday", "Kiel", "more", "Vehicle|holiday|Kiel|more"]),
        (["Vehicle|a|b"], ["holiday", "Kiel", "Vehicle|a|b"]),
        (["Vehicle|holiday|a", "Vehicle|Kiel|b"], ["holiday", "Kiel", "Vehicle|holiday|a", "Vehicle|Kiel|b"]),
        ([], ["Vehicle", "holiday", "Kiel", "Vehicle|holiday|Kiel"]),
    ],
)
def test_a_crafted_list_of_what_we_added_costs_nobody_a_keyword(hierarchy: list[str], added: list[str]) -> None:
    """Only what one label adds is taken away: the parts of one path that is still there, and that path."""
    packet = crafted(["holiday", "Kiel"], hierarchy, added)
    for path in ((), PATH):
        after = lists(merged(packet, path))
        assert after[SUBJECT][:2] == ["holiday", "Kiel"]
        assert [word for words in after.values() for word in words if word in hierarchy] == hierarchy


def test_what_an_earlier_version_has_added_is_taken_away() -> None:
    added = [*PATH, "|".join(PATH), "/".join(PATH)]
    packet = crafted(["holiday", *PATH], ["Places|Kiel", "|".join(PATH)], added)
    after = lists(merged(packet, OTHER))
    assert list(after.values()) == [["holiday", *OTHER], ["Places|Kiel", "|".join(OTHER)], ["/".join(OTHER)]]


# ---- any packet

WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00\ufffe\uffff", exclude_categories=["Cc", "Cs"]), min_size=1
)
NAMES = st.text(st.characters(exclude_categories=[]), max_size=8)
ANSWERS = st.builds(lambda coarse, fine: keywords(replace(SHIP, coarse=coarse, fine=fine)), NAMES, NAMES)


@st.composite
def list_texts(draw: st.DrawFn, tag: str) -> tuple[str, str]:
    """A list as attributes and elements of a description."""
    words = draw(st.lists(WORDS, max_size=4, unique=True))
    form = draw(st.sampled_from(["none", "list", "plain", "attribute", "qualified"]))
    gap = draw(st.sampled_from(["", " ", "\n  ", "\r\n\t"]))
    if form == "none" or not words:
        return "", ""
    if form == "attribute":
        return f"{gap or ' '}{tag}={quoteattr(words[0])}", ""
    if form == "plain":
        return "", f"{gap}<{tag}>{escape(words[0])}</{tag}>"
    kind = draw(st.sampled_from(["Bag", "Seq", "Alt"]))
    items = [f"{gap}<rdf:li>{escape(word)}</rdf:li>" for word in words]
    if form == "qualified":
        items[0] = f"{gap}<rdf:li rdf:parseType='Resource'><rdf:value>{escape(words[0])}</rdf:value><xmp:q/></rdf:li>"
    return "", f"{gap}<{tag}>{gap}<rdf:{kind}>{''.join(items)}{gap}</rdf:{kind}>{gap}</{tag}>"


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    tags = draw(st.permutations(["dc:subject", "lr:hierarchicalSubject", "digiKam:TagsList"]))
    drawn = [draw(list_texts(tag)) for tag in tags]
    split = draw(st.integers(0, 3))
    spaces = (
        ' xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:digiKam="http://www.digikam.org/ns/1.0/" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    )
    descriptions = "".join(
        f'<rdf:Description rdf:about=""{spaces}{"".join(a for a, _ in part)}>{"".join(e for _, e in part)}<xmp:Label>'
        f"{escape(draw(WORDS))}</xmp:Label></rdf:Description>"
        for part in (drawn[:split], drawn[split:])
    )
    text = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">{descriptions}</rdf:RDF></x:xmpmeta>'
    return (draw(st.sampled_from(["", "\ufeff"])) + text).encode(draw(st.sampled_from(["utf-8", *UNICODE])))


@given(packet=packets() | st.none(), one=ANSWERS, other=ANSWERS)
def test_any_packet_takes_any_label_and_gives_it_back(
    packet: bytes | None, one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    before = merged(None, ()) if packet is None else packet
    held = lists(before)
    after = merged(packet, one)
    assert merged(after, one) == after
    assert {name: words[: len(held[name])] for name, words in lists(after).items()} == held
    assert set(one) <= set(lists(after)[SUBJECT])
    assert in_any_order(merged(after, other)) == in_any_order(merged(before, other))
    assert lists(merged(after, ())) == held
    as_utf8 = [codecs.BOM_UTF8 + text.decode(encoding_of(text)).lstrip("\ufeff").encode() for text in (before, after)]
    assert without_lists(as_utf8[1]) == without_lists(as_utf8[0])


def in_any_order(packet: bytes) -> list[list[str]]:
    return [sorted(words) for words in lists(packet).values()]


def encoding_of(packet: bytes) -> str:
    start = packet.lstrip(b"\xff\xfe\xef\xbb\xbf\0")[:4]
    zeros = start.count(0)
    if zeros < 2:
        return "utf-8"
    order = "be" if packet[:1] == b"\0" or packet[:2] == codecs.BOM_UTF16_BE else "le"
    return f"utf-{32 if zeros == 3 else 16}-{order}"


@given(packet=packets(), cuts=st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=4)), min_size=1, max_size=4))
def test_a_damaged_packet_is_refused_or_well_formed(packet: bytes, cuts: list[tuple[int, bytes]]) -> None:
    for place, change in cuts:
        at = place % len(packet)
        packet = packet[:at] + change + packet[at + 2 :]
    try:
        after = merged(packet, PATH)
    except XmpError as error:
        assert "\n" not in str(error)
        return
    assert set(PATH) <= set(lists(after)[SUBJECT]) and merged(after, PATH) == after
