"""Galleries that are not those of the supplied models: of one own class, of few of the known ones, of types alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import Image

from app.core.gallery.gallery import Gallery, ReferenceEntry
from app.core.recognition.decision import Decision, Status
from app.core.recognition.engine import Engine
from app.core.recognition.identifier import Identifier
from model.contract.bundle import Familiarity, Thresholds
from tests.app.tiny import COLOURS, DIM, GREEN, colour_picture, write_tiny_model

Answer = Callable[[Sequence[tuple[Image.Image, str, str | None]], Image.Image], Decision]


@pytest.fixture(scope="module")
def demanding(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The tiny model as if its validation photos had been more like their references than any photo here."""
    scale = Familiarity(logit_mean=15, logit_deviation=5, similarity_mean=0.99, similarity_deviation=0.05)
    path = write_tiny_model(
        tmp_path_factory.mktemp("demanding") / "colours.onnx",
        familiarity=scale,
        thresholds=Thresholds(fine=0.6, coarse=0.6, likeness=-5.0, familiarity=-2.0),
    )
    return Engine(path, "cpu")


@pytest.fixture
def answer(demanding: Engine, tmp_path: Path) -> Answer:
    """The decision about a picture, with a gallery of (picture, type, class)."""

    def ask(references: Sequence[tuple[Image.Image, str, str | None]], picture: Image.Image) -> Decision:
        with Gallery.create(tmp_path / "own.gallery", demanding.info.fingerprint, DIM) as gallery:
            found = Identifier(demanding, None).identify([reference for reference, _, _ in references])
            for number, ((_, coarse, fine), one) in enumerate(zip(references, found, strict=True)):
                assert one.embedding is not None
                gallery.add(one.embedding[None], [ReferenceEntry(coarse, fine, "own", f"{number}.jpg", str(number))])
            (identified,) = Identifier(demanding, gallery).identify([picture])
        assert identified.decision is not None
        return identified.decision

    return ask


@pytest.mark.parametrize("name", COLOURS)
def test_the_only_class_of_a_gallery_is_not_in_every_picture(answer: Answer, name: str) -> None:
    verde = [(colour_picture(GREEN, seed), "tram", "Verde") for seed in range(3)]
    decision = answer(verde, colour_picture(COLOURS[name], 9))
    assert (decision.status, decision.label) == (Status.IDENTIFIED, name)


def test_the_only_class_of_a_gallery_is_found_in_its_own_pictures(answer: Answer) -> None:
    verde = [(colour_picture(GREEN, seed), "tram", "Verde") for seed in range(3)]
    decision = answer(verde, colour_picture(GREEN, 9))
    assert (decision.status, decision.label, decision.coarse) == (Status.IDENTIFIED, "Verde", "tram")


@pytest.mark.parametrize("label", [("sedan", "Gialla 2012"), ("sedan", None)])
def test_a_class_without_references_is_not_called_far(answer: Answer, label: tuple[str, str | None]) -> None:
    decision = answer([(colour_picture(COLOURS["Gialla 2012"]), *label)], colour_picture(COLOURS["Azzurra class"], 9))
    assert (decision.status, decision.label) == (Status.IDENTIFIED, "Azzurra class")


def test_one_with_references_is_where_none_is_near(answer: Answer) -> None:
    references = [(colour_picture(COLOURS["Gialla 2012"]), "ship", "Azzurra class")]
    decision = answer(references, colour_picture(COLOURS["Azzurra class"], 9))
    assert decision.status is Status.COARSE_ONLY
    assert decision.reason.startswith("far from every known class")
