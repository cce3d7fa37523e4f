"""Names from files are text in every widget: never markup, never a mnemonic, never wider than the window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QMenu, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from app.core.gallery.gallery import Gallery, ReferenceEntry
from app.core.recognition.engine import Engine
from app.ui.widgets import theme
from app.ui.widgets.basics import ElidedLabel, for_button
from app.ui.window.main_window import MainWindow
from model.contract.taxonomy import Taxonomy
from tests.app.tiny import COLOURS, DIM, colour_picture, write_tiny_model
from tests.app.ui.conftest import PATIENCE, OpenWindow

HOSTILE = (
    "<h1>big & &amp; %s {}</h1>",
    '<img src="file:///etc/passwd"> &lt;',
    "100% [red]x[/red] $x^2$",
    "long " * 40 + "end",
)
RICH = {"readout", "legend"}
"""Labels that are rich text; what they say is escaped."""


@pytest.fixture
def hostile(open_marque: OpenWindow, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    """The window with hostile names everywhere: model, classes, gallery, files, project."""
    taxonomy = Taxonomy(coarse=("<b>t</b> & u", "&amp;"), fine=HOSTILE, parents=(0, 0, 1, 1))
    model = write_tiny_model(tmp_path / "<b>m & n<b>.onnx", taxonomy=taxonomy, name="<u>model</u> & co")
    folder = tmp_path / "<i>p & q<i>"
    folder.mkdir()
    engine = Engine(model, "cpu")
    entries, pictures = [], []
    for number, (fine, colour) in enumerate(zip(HOSTILE, COLOURS.values(), strict=True)):
        file = folder / f"<h1>{number} & x \x1b[31m\n.jpg"
        colour_picture(colour, seed=number).save(file)
        pictures.append(engine.prepare(Image.open(file)))
        coarse = taxonomy.coarse[taxonomy.parents[number]]
        entries.append(ReferenceEntry(coarse, fine, "<s>source</s>", file.name, f"{number:032x}", root=folder))
    gallery = tmp_path / "<b>g & h<b>.gallery"
    with Gallery.create(gallery, engine.info.fingerprint, DIM) as made:
        made.add(engine.run(np.stack(pictures)).embeddings, entries)
    window = open_marque(folder, model=model, gallery=gallery)
    opened = window.project
    qtbot.waitUntil(
        lambda: opened.project is not None and window.identify.session.loaded() is not None, timeout=PATIENCE
    )
    opened.open(tmp_path / "<b>project & x<b>.marque", create=True)
    qtbot.waitUntil(lambda: opened.project is not None and "<b>" in opened.project.path.name, timeout=PATIENCE)
    opened.identify([folder])
    qtbot.waitUntil(lambda: len(opened.columns) == 4 and not opened.running.active(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: window.identify.panel.texts()["answer"] != "", timeout=PATIENCE)
    for page in range(window.pages.count()):
        window.show_page(page)
        qtbot.wait(150)
        window.review.errors.show_problem(HOSTILE[0], HOSTILE[3])
    return window


@pytest.mark.parametrize("name", ["dark", "light"])
def test_no_widget_takes_a_name_for_more_than_a_name(hostile: MainWindow, qtbot: QtBot, name: str) -> None:
    hostile.set_theme(theme.ThemeName(name))
    qtbot.wait(50)
    seen = ""
    for widget in (*QApplication.topLevelWidgets(), *hostile.findChildren(QWidget)):
        if isinstance(widget, QLabel):
            seen += widget.text()
            if widget.objectName() in RICH:
                assert "<h1>" not in widget.text() and "<b>" not in widget.text()
            else:
                assert widget.textFormat() is Qt.TextFormat.PlainText, widget.text()
        texts = [widget.text()] if isinstance(widget, QAbstractButton) else []
        texts += [action.text() for action in widget.actions()] if isinstance(widget, QMenu) else []
        for text in texts:
            seen += text
            assert "&" not in text.replace("&&", ""), text
    for word in ("<h1>big", "project && x", "<u>model</u> && co"):
        assert word in seen, word
    assert hostile.minimumSizeHint().width() <= 1280 and hostile.width() <= 1920


def test_a_tooltip_is_plain_text_whoever_shows_it(hostile: MainWindow) -> None:
    QToolTip.showText(hostile.mapToGlobal(QPoint(100, 100)), HOSTILE[1], hostile)
    shown = QApplication.topLevelWidgets()
    tips = [one for one in shown if isinstance(one, QLabel) and one.metaObject().className() == "QTipLabel"]
    assert tips and all(tip.textFormat() is Qt.TextFormat.PlainText for tip in tips)
    assert any(tip.text() == HOSTILE[1] for tip in tips)


def test_what_labels_and_buttons_show(qtbot: QtBot) -> None:
    label = ElidedLabel("a\n\x1b[31m\u202eb")
    qtbot.addWidget(label)
    label.resize(400, 20)
    label.show()
    assert label.text() == r"a\n\x1b[31m\u202eb" and label.whole() == "a\n\x1b[31m\u202eb"
    assert for_button("save & go\n") == r"save && go\n"
