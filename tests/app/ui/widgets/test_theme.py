from itertools import product
from pathlib import Path

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from app.core.recognition.decision import Status
from app.ui.widgets import icons, theme
from app.ui.widgets.status_face import FACES, percent
from app.ui.widgets.theme import ThemeName
from app.ui.window import settings

TEXTS = ("text", "muted", "accent", "ok", "caution", "danger")
GROUNDS = ("window", "surface", "raised")


@pytest.mark.parametrize("name", theme.ThemeName)
def test_every_text_can_be_read_on_every_ground(name: ThemeName) -> None:
    colours = theme.THEMES[name]
    pairs = [(getattr(colours, text), getattr(colours, ground)) for text, ground in product(TEXTS, GROUNDS)]
    pairs.append((colours.on_accent, colours.accent))
    too_weak = {pair: theme.contrast(*pair) for pair in pairs if theme.contrast(*pair) < 4.5}
    assert not too_weak


def test_contrast_is_that_of_the_standard() -> None:
    assert theme.contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert theme.contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
    assert theme.contrast("#123456", "#123456") == pytest.approx(1)


@pytest.mark.parametrize("name", theme.ThemeName)
def test_class_colours_are_distinct_and_equally_light(qapp: QApplication, name: ThemeName) -> None:
    theme.apply(qapp, name)
    colours = [theme.class_colour(i).name() for i in range(20)]
    assert len(set(colours)) == 20
    assert theme.class_colour(20) == theme.class_colour(0)
    contrasts = [theme.contrast(colour, theme.THEMES[name].surface) for colour in colours]
    assert max(contrasts) / min(contrasts) < 1.6


def test_every_status_has_word_icon_and_colour(qapp: QApplication) -> None:
    theme.apply(qapp, theme.ThemeName.LIGHT)
    assert set(FACES) == set(Status)
    assert len({face.word for face in FACES.values()}) == len({face.icon for face in FACES.values()}) == len(Status)
    for face in FACES.values():
        assert face.colour == getattr(theme.THEMES[theme.ThemeName.LIGHT], face.token)


def test_an_icon_takes_the_colour_of_the_palette_when_painted(qapp: QApplication) -> None:
    icon = icons.icon("crop")
    seen = {}
    for name in theme.ThemeName:
        theme.apply(qapp, name)
        image = icon.pixmap(32, 32).toImage()
        inked = [image.pixelColor(x, y) for x in range(32) for y in range(32) if image.pixelColor(x, y).alpha() == 255]
        assert inked
        assert all(_near(colour, QColor(theme.THEMES[name].text)) for colour in inked)
        seen[name] = inked[0].name()
    assert len(set(seen.values())) == 2


def test_an_icon_is_sharp_at_twice_the_density(qapp: QApplication) -> None:
    assert icons.tinted("crop", "#ff0000", 16, 2.0).width() == 32
    assert icons.tinted("crop", "#ff0000", 16, 2.0) is icons.tinted("crop", "#ff0000", 16, 2.0)


def test_a_missing_icon_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        icons.icon("no-such-icon")


@pytest.mark.parametrize(
    ("probability", "shown"),
    [(0, "0"), (0.001, "<1"), (0.01, "1"), (0.5, "50"), (0.99, "99"), (0.996, ">99"), (1, "100")],
)
def test_percent_never_claims_certainty(probability: float, shown: str) -> None:
    assert percent(probability) == f"{shown}\u2009%"


def test_settings_come_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "settings.json"
    chosen = settings.Settings(theme=theme.ThemeName.LIGHT, last_folder=tmp_path, splitters={"rows": [1, 2]})
    settings.save(path, chosen)
    assert settings.load(path) == chosen
    assert [file.name for file in path.parent.iterdir()] == ["settings.json"]


def test_a_bad_entry_is_dropped_the_rest_kept_and_a_copy_made(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    text = '{"theme": "purple", "splitters": {"rows": [3, 4]}, "from_the_future": 1}'
    path.write_text(text)
    found = settings.load(path)
    assert found.theme is None
    assert found.splitters == {"rows": [3, 4]}
    assert (tmp_path / "settings.json.bad").read_text() == text


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe\x00", b"null", b'{"splitters": {"rows": "x"}}'])
def test_damaged_settings_never_stop_the_start(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    assert settings.load(path) == settings.Settings()


def _near(one: QColor, other: QColor) -> bool:
    return all(abs(getattr(one, part)() - getattr(other, part)()) <= 2 for part in ("red", "green", "blue"))
