"""A tour of the window: `python -m tests.reliability.tour FOLDER COUNT [OPTION ...]`, with the options of `marque`.

Opens a photo, identifies a folder of so many into the project, shows every page until there is something on it, and
closes the window.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from app.cli import main  # noqa: F401 - onnxruntime comes before Qt

from PySide6.QtCore import Qt  # isort: skip
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.ui.window.main_window import MainWindow
from tests.app.ui.visiting import Step, visit

Key = Qt.Key


def _tour(folder: Path, count: int) -> int:
    def way(window: MainWindow) -> Iterator[Step]:
        opened, explore = window.project, window.explore
        pages = (window.identify, window.review, window.gallery, explore, window.train)
        yield lambda: opened.project is not None and window.identify.session.loaded() is not None
        yield lambda: bool(window.identify.panel.texts()["answer"])
        opened.identify([folder])
        yield lambda: len(opened.columns) >= count and not opened.running.active()
        yield lambda: bool((opened.columns.predictions["image"] > 0).all())
        for key, page in zip((Key.Key_1, Key.Key_2, Key.Key_3, Key.Key_4, Key.Key_5), pages, strict=True):
            QTest.keyClick(window, key)
            yield page.isVisible
            if page is explore:
                yield lambda: len(explore.map.places()) >= count and not explore.survey.unfolding()

    photo = next(iter(sorted(folder.rglob("*.jpg"))))
    return visit([str(photo), *sys.argv[3:]], way)


if __name__ == "__main__":
    app = QApplication(sys.argv[:1])
    sys.exit(_tour(Path(sys.argv[1]), int(sys.argv[2])))
