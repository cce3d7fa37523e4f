"""Colours, sizes and the one stylesheet of the window. Every page and painter takes its colours from here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from app.core.system import paths

CAPTION, BODY, STRONG, TITLE, FIGURE = 11, 13, 15, 20, 28
"""Font sizes, pixels."""
RADIUS, CARD_RADIUS = 6, 10
HIT = 28
"""Least height of anything that can be clicked, pixels."""


class ThemeName(StrEnum):
    """The two themes."""

    DARK = "dark"
    LIGHT = "light"


@dataclass(frozen=True)
class Theme:
    """Colours as `#RRGGBB`. Text colours reach 4.5:1 on window, surface and raised; `on_accent` does on accent."""

    name: ThemeName
    window: str
    surface: str
    raised: str
    line: str
    text: str
    muted: str
    accent: str
    on_accent: str
    ok: str
    caution: str
    danger: str


THEMES = {
    ThemeName.DARK: Theme(
        name=ThemeName.DARK,
        window="#16181D",
        surface="#1E2128",
        raised="#272B34",
        line="#343944",
        text="#E6E8EC",
        muted="#9AA2AF",
        accent="#4DA3FF",
        on_accent="#16181D",
        ok="#4CC38A",
        caution="#E5B454",
        danger="#F2767A",
    ),
    ThemeName.LIGHT: Theme(
        name=ThemeName.LIGHT,
        window="#F6F7F9",
        surface="#FFFFFF",
        raised="#F0F2F5",
        line="#D9DDE3",
        text="#1B1F24",
        muted="#5B6470",
        accent="#0B63CE",
        on_accent="#FFFFFF",
        ok="#1A7B4A",
        caution="#8A5A00",
        danger="#C22F35",
    ),
}

# a stylesheet cannot colour a picture: this one has a grey that is visible on both themes' fields
_ARROW = (paths.resources() / "icons" / "combo-arrow.svg").as_posix()

_active = THEMES[ThemeName.DARK]


def tokens() -> Theme:
    """The current theme; painters ask at paint time, so a change of theme needs only a repaint."""
    return _active


def system_theme() -> ThemeName:
    """The theme of the desktop; dark if it does not say."""
    scheme = QGuiApplication.styleHints().colorScheme()
    return ThemeName.LIGHT if scheme is Qt.ColorScheme.Light else ThemeName.DARK


def apply(app: QApplication, name: ThemeName) -> None:
    """Give the whole program a theme: Fusion style, palette and stylesheet."""
    global _active
    _active = THEMES[name]
    if app.style().name().lower() != "fusion":
        app.setStyle("Fusion")
    app.setPalette(_palette(_active))
    app.setStyleSheet(stylesheet(_active))


def font(size: int, *, strong: bool = False) -> QFont:
    """The system's font at a size in pixels, with figures of equal width."""
    result = QFont(QGuiApplication.font())
    result.setPixelSize(size)
    result.setWeight(QFont.Weight.DemiBold if strong else QFont.Weight.Normal)
    result.setFeature(QFont.Tag("tnum"), 1)
    return result


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.1)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def class_colour(index: int) -> QColor:
    """The colour of coarse class `index` in the current theme: 20 hues of equal lightness, then from the start."""
    # steps of 7 in 20 keep neighbours in the list far apart on the wheel
    hue = (index * 7 % 20) * 18.0
    lightness, chroma = (0.76, 0.12) if _active.name is ThemeName.DARK else (0.56, 0.12)
    return _from_oklch(lightness, chroma, hue)


def class_tint(index: int, tint: int) -> QColor:
    """The colour of a fine class: one of 15 tints of its coarse class `index`, the first of them the type's own."""
    hue = (index * 7 % 20) * 18.0 + (0.0, 5.0, -5.0)[tint // 5 % 3]
    lightness, chroma = (0.76, 0.12) if _active.name is ThemeName.DARK else (0.56, 0.12)
    return _from_oklch(lightness + (0.0, 0.08, -0.08, 0.04, -0.04)[tint % 5], chroma, hue)


def ramp_colour(share: float) -> QColor:
    """A colour for a figure from 0 to 1: dark from violet over blue to yellow, light from pink over blue to green."""
    if _active.name is ThemeName.DARK:
        return _from_oklch(0.52 + 0.34 * share, 0.13, 300.0 - 200.0 * share)
    return _from_oklch(0.78 - 0.32 * share, 0.13, 340.0 - 190.0 * share)


def _luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _from_oklch(lightness: float, chroma: float, hue: float) -> QColor:
    """OKLCH to sRGB (Ottosson 2020), clipped to the screen's gamut; `hue` in degrees."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    clipped = (min(max(value, 0.0), 1.0) for value in linear)
    return QColor.fromRgbF(*(12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in clipped))


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: theme.window,
        QPalette.ColorRole.WindowText: theme.text,
        QPalette.ColorRole.Base: theme.surface,
        QPalette.ColorRole.AlternateBase: theme.raised,
        QPalette.ColorRole.Text: theme.text,
        QPalette.ColorRole.PlaceholderText: theme.muted,
        QPalette.ColorRole.Button: theme.raised,
        QPalette.ColorRole.ButtonText: theme.text,
        QPalette.ColorRole.Highlight: theme.accent,
        QPalette.ColorRole.HighlightedText: theme.on_accent,
        QPalette.ColorRole.Link: theme.accent,
        QPalette.ColorRole.ToolTipBase: theme.raised,
        QPalette.ColorRole.ToolTipText: theme.text,
        QPalette.ColorRole.Mid: theme.line,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.muted))
    return palette


def stylesheet(theme: Theme) -> str:
    """The stylesheet of a theme. It addresses widgets by object name or by the property `kind`, never by place."""
    t = theme
    return f"""
* {{ font-size: {BODY}px; }}
QMainWindow, #page, QStackedWidget {{ background: {t.window}; }}
QLabel {{ background: transparent; color: {t.text}; }}
QLabel[kind="muted"] {{ color: {t.muted}; }}
QLabel[kind="caption"] {{ color: {t.muted}; font-size: {CAPTION}px; }}
QLabel[kind="strong"] {{ font-size: {STRONG}px; font-weight: 600; }}
QLabel[kind="title"] {{ font-size: {TITLE}px; font-weight: 600; }}
QLabel[kind="figure"] {{ font-size: {FIGURE}px; font-weight: 600; }}
QLabel[kind="danger"] {{ color: {t.danger}; }}
QLabel[kind="changed"] {{ color: {t.accent}; font-weight: 600; }}
QLabel {{ qproperty-textFormat: PlainText; }}
QLabel#readout, QLabel#legend {{ qproperty-textFormat: RichText; }}
QToolTip {{ qproperty-textFormat: PlainText; background: {t.raised}; color: {t.text}; border: 1px solid {t.line};
    padding: 4px 8px; }}

QPushButton {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.line}; border-radius: {RADIUS}px;
    padding: 0 12px; min-height: {HIT}px; }}
QPushButton:hover {{ border-color: {t.muted}; }}
QPushButton:pressed {{ background: {t.line}; }}
QPushButton:disabled {{ color: {t.muted}; }}
QPushButton:focus {{ border: 2px solid {t.accent}; padding: 0 11px; min-height: {HIT - 2}px; }}
QPushButton[kind="primary"] {{ background: {t.accent}; color: {t.on_accent}; border-color: {t.accent}; font-weight: 600;
    padding: 0 16px; min-height: 34px; }}
QPushButton[kind="primary"]:hover, QPushButton[kind="primary"]:pressed {{ border-color: {t.text}; }}
QPushButton[kind="primary"]:focus {{ border: 2px solid {t.text}; padding: 0 15px; min-height: 32px; }}
QPushButton[kind="primary"]:disabled {{ background: {t.raised}; color: {t.muted}; border-color: {t.line}; }}

QToolButton {{ background: transparent; color: {t.text}; border: 1px solid transparent; border-radius: {RADIUS}px;
    padding: 0 6px; min-height: {HIT}px; min-width: {HIT - 12}px; }}
QToolButton:hover {{ background: {t.raised}; }}
QToolButton:pressed, QToolButton:checked {{ background: {t.raised}; border-color: {t.line}; }}
QToolButton:checked {{ color: {t.accent}; }}
QToolButton:focus {{ border-color: {t.accent}; }}
QToolButton:disabled {{ color: {t.muted}; }}

#rail {{ background: {t.surface}; border: none; border-right: 1px solid {t.line}; }}
#rail QToolButton {{ font-size: {CAPTION}px; padding: 6px 0; min-width: 52px; color: {t.muted}; }}
#rail QToolButton:checked {{ color: {t.accent}; }}
#toolbar {{ background: {t.surface}; border: none; border-bottom: 1px solid {t.line}; }}
#status {{ background: {t.surface}; border: none; border-top: 1px solid {t.line}; }}
#status QLabel {{ color: {t.muted}; font-size: 12px; }}
#status QToolButton {{ min-height: 24px; padding: 0 4px; }}
#status #model {{ min-width: 0; padding: 0 4px; color: {t.muted}; font-size: 12px; }}
#status #model:hover {{ color: {t.text}; }}
#panel, #panel QScrollArea, #panelBody {{ background: {t.surface}; border: none; }}
#strip {{ background: {t.surface}; border: none; outline: none; }}
#cardFrame, #cardFrame > QWidget {{ background: transparent; border: none; }}
#card {{ background: {t.surface}; border: 1px solid {t.line}; border-radius: {CARD_RADIUS}px; }}
#dropHint {{ background: #D0{t.surface[1:]}; color: {t.accent}; border: 2px dashed {t.accent};
    border-radius: {CARD_RADIUS}px; }}
#rule {{ background: {t.line}; border: none; max-height: 1px; min-height: 1px; }}
#errorBar {{ background: {t.raised}; border: none; border-bottom: 1px solid {t.danger}; }}
#errorBar QPlainTextEdit, #proposal QPlainTextEdit {{ background: {t.surface}; color: {t.muted};
    border: 1px solid {t.line}; border-radius: {RADIUS}px; font-size: {CAPTION}px; }}

QComboBox, QLineEdit, QSpinBox {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.line};
    border-radius: {RADIUS}px; padding: 0 8px; min-height: {HIT}px; selection-background-color: {t.accent};
    selection-color: {t.on_accent}; }}
QSpinBox QLineEdit {{ min-height: 0; padding: 0; border: none; background: transparent; }}
QSpinBox::up-button, QSpinBox::down-button {{ width: 0; height: 0; border: none; }}
QLineEdit QToolButton {{ min-height: 0; min-width: 0; padding: 0; border: none; background: transparent; }}
QComboBox:hover, QLineEdit:hover {{ border-color: {t.muted}; }}
QComboBox:focus, QLineEdit:focus, QSpinBox:focus {{ border-color: {t.accent}; }}
QLineEdit[kind="wrong"] {{ border-color: {t.danger}; }}
QLineEdit[kind="wrong"]:focus {{ border-width: 2px; padding: 0 7px; min-height: {HIT - 2}px; }}
QSpinBox {{ max-height: {HIT}px; }}
QComboBox[kind="set"] {{ border-color: {t.accent}; color: {t.accent}; }}
QComboBox::drop-down {{ border: none; width: 22px; }}
QComboBox::down-arrow {{ image: url("{_ARROW}"); width: 14px; height: 14px; }}
QComboBox QAbstractItemView, QMenu {{ background: {t.surface}; color: {t.text}; border: 1px solid {t.line};
    selection-background-color: {t.raised}; selection-color: {t.text}; outline: none; }}
QMenu {{ padding: 4px; }}
QMenu::item {{ padding: 6px 24px 6px 12px; border-radius: 4px; }}
QMenu::item:selected {{ background: {t.raised}; }}
QMenu::item:disabled {{ color: {t.muted}; }}
QMenu::separator {{ height: 1px; background: {t.line}; margin: 4px 8px; }}
QToolButton::menu-indicator {{ image: none; width: 0; }}

#grid, #table, #list {{ background: {t.window}; border: none; outline: none; color: {t.text}; }}
#table {{ gridline-color: transparent; alternate-background-color: {t.surface}; }}
#table::item {{ padding: 0 8px; border: none; }}
#table::item:selected, #list::item:selected {{ background: {t.raised}; color: {t.text}; }}
#tree {{ background: {t.surface}; border: none; outline: none; color: {t.text}; }}
#tree::item {{ min-height: 26px; border: none; }}
#tree::item:hover {{ background: {t.raised}; }}
#tree::item:selected {{ background: {t.raised}; color: {t.accent}; }}
#dropCard {{ background: transparent; color: {t.muted}; border: 1px dashed {t.muted}; min-height: 44px; }}
#dropCard:hover, #dropCard[kind="target"] {{ color: {t.accent}; border-color: {t.accent}; }}
#list {{ background: {t.surface}; }}
#list::item {{ padding: 4px 8px; border-radius: 4px; min-height: 20px; }}
QHeaderView {{ background: {t.surface}; border: none; }}
QHeaderView::section {{ background: {t.surface}; color: {t.muted}; border: none; border-bottom: 1px solid {t.line};
    padding: 6px 8px; font-size: {CAPTION}px; }}
#log {{ background: {t.surface}; color: {t.text}; border: none; padding: 4px 8px;
    selection-background-color: {t.accent}; selection-color: {t.on_accent}; }}
#filters, #verdicts {{ background: {t.surface}; border: none; border-bottom: 1px solid {t.line}; }}
#verdicts {{ border-bottom: none; border-top: 1px solid {t.line}; }}
#proposal {{ background: {t.raised}; border: none; border-bottom: 1px solid {t.accent}; }}
#readout {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.line}; border-radius: {RADIUS}px;
    padding: 4px 8px; font-size: {CAPTION}px; }}
#settings, #settingsBody {{ background: {t.surface}; border: none; }}
#settings {{ border: 1px solid {t.line}; border-radius: {RADIUS}px; }}
#popup {{ background: {t.surface}; border: 1px solid {t.muted}; border-radius: {CARD_RADIUS}px; }}
QDialog {{ background: {t.window}; }}
QSlider::groove:horizontal {{ background: {t.line}; height: 4px; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {t.accent}; height: 4px; border-radius: 2px; }}
QSlider::handle:horizontal {{ background: {t.text}; width: 14px; height: 14px; margin: -5px 0; border-radius: 7px; }}
QRadioButton::indicator, QCheckBox::indicator {{ width: 14px; height: 14px; background: {t.raised};
    border: 1px solid {t.muted}; }}
QRadioButton::indicator {{ border-radius: 8px; }}
QCheckBox::indicator {{ border-radius: 4px; }}
QRadioButton::indicator:checked, QCheckBox::indicator:checked {{ background: {t.accent}; border-color: {t.accent}; }}
QRadioButton::indicator:focus, QCheckBox::indicator:focus {{ border: 2px solid {t.accent}; }}
QRadioButton::indicator:checked:focus, QCheckBox::indicator:checked:focus {{ border-color: {t.text}; }}
QRadioButton, QCheckBox {{ color: {t.text}; min-height: {HIT}px; spacing: 8px; }}

QSplitter::handle {{ background: {t.line}; }}
QSplitter::handle:hover {{ background: {t.accent}; }}
QSplitter::handle:horizontal {{ width: 1px; }}
QSplitter::handle:vertical {{ height: 1px; }}

QProgressBar {{ background: {t.raised}; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }}
QProgressBar::chunk {{ background: {t.accent}; border-radius: 2px; }}

QScrollBar {{ background: transparent; border: none; margin: 0; }}
QScrollBar:vertical {{ width: 10px; }}
QScrollBar:horizontal {{ height: 10px; }}
QScrollBar::handle {{ background: {t.line}; border-radius: 3px; margin: 2px; min-height: 32px; min-width: 32px; }}
QScrollBar::handle:hover {{ background: {t.muted}; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{
    background: transparent; border: none; width: 0; height: 0; }}
"""
