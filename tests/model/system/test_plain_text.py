"""Names as plain text on one line, in Markdown and in SVG."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.core.explore.map_points import Groups, write_svg
from model.system.errors import MarqueError
from model.system.plain_text import in_markdown, one_line


def test_what_acts_on_a_terminal_becomes_an_escape() -> None:
    assert one_line("a\x1b[31m\r\n\x07\x9b\u202e\u2028\udc80b") == r"a\x1b[31m\r\n\x07\x9b\u202e\u2028\udc80b"
    assert one_line("Škoda Octavia · 中文 \U0001f6a2") == "Škoda Octavia · 中文 \U0001f6a2"


@given(st.text(st.characters(exclude_categories=())))
def test_one_line_is_one_line_and_once_is_enough(text: str) -> None:
    shown = one_line(text)
    assert len(shown.splitlines()) <= 1 and "\x1b" not in shown and one_line(shown) == shown
    assert shown == text or any(not one.isprintable() for one in text)
    assert "\n" not in str(MarqueError(text, advice=text))


def test_a_name_in_a_markdown_table_stays_in_its_cell() -> None:
    assert in_markdown("<img src=x> a|b `c` *d* [e](f) &amp;\n") == (
        r"\<img src=x\> a\|b \`c\` \*d\* \[e\](f) \&amp;\\n"
    )
    assert in_markdown("hard_d45, R@1 (%)") == "hard_d45, R@1 (%)"


def test_a_map_as_a_drawing_is_xml_whatever_its_groups_are_called(tmp_path: Path) -> None:
    words = ["</text><script>x</script>", 'a & "b" \x1b\x00']
    groups = Groups(tuple(words), np.array([0, 1], np.int32))
    write_svg(tmp_path / "map.svg", np.zeros((2, 2), np.float32), groups, ["#FF0000", "#00FF00"], words)
    texts = [one.text for one in ElementTree.parse(tmp_path / "map.svg").iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["</text><script>x</script> (1)", r'a & "b" \x1b\x00 (1)']
