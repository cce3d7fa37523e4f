"""The form's settings are the trainer's."""

from __future__ import annotations

import pytest

from app.core.recipes import BACKBONES, RECIPE_WORDS, RECIPES, Recipe, estimate, rough
from app.core.survey import KINDS, SurveyError, spec, survey


def test_the_trainer_takes_every_recipe():
    network, train = pytest.importorskip("model.network"), pytest.importorskip("model.train")
    assert set(BACKBONES) == set(network.BACKBONES)
    assert set(RECIPES) == set(RECIPE_WORDS)
    for recipe in RECIPES.values():
        config = train.parse([*recipe.arguments("folder:x", skip_bad=True), "--out", "y"]).config
        assert config.data.data == ("folder:x",) and config.data.skip_bad
        assert (config.network.backbone, config.network.weights) == (recipe.backbone, recipe.weights)
        assert (config.input.size, config.optimiser.epochs) == (recipe.size, recipe.epochs)


def test_estimates_say_what_they_are_taken_from():
    def seconds(size=160, epochs=10, own=None, processors=2, backbone="mobilenet_v2"):
        return estimate(Recipe(backbone, size, epochs), 1000, own or {}, processors)

    base, source = seconds()
    assert "another computer" in source
    assert seconds(epochs=20)[0] == pytest.approx(2 * base)
    assert seconds(size=320)[0] == pytest.approx(4 * base)
    assert seconds(processors=4)[0] == pytest.approx(base / 2)
    assert seconds(processors=None) is None and seconds(backbone="resnet50") is None
    assert seconds(own={"resnet50": 80.0}, backbone="resnet50") == (pytest.approx(base), "from your earlier trainings")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (20, "under a minute"),
        (60, "about 1 minute"),
        (1500, "about 25 minutes"),
        (3600, "about 1 hour"),
        (9000, "about 2.5 hours"),
        (40000, "about 11 hours"),
        (260000, "about 3 days"),
    ],
)
def test_times_in_words(seconds, words):
    assert rough(seconds) == words


def test_a_survey_counts_and_tells_what_is_wrong(photos):
    (photos / "sedan" / "Rossa 2010" / "cut.jpg").write_bytes(b"no picture")
    found = survey(spec("folder", str(photos)))
    assert found.photos == 12 and len(found.problems) == 1 and "cut.jpg" in found.problems[0]
    assert [count for _, _, count in found.classes] == [3, 3, 3, 3]
    assert found.words() == "12 photos, 2 types, 4 classes · 3 photos a class · 1 problem"


def test_places_without_data_are_told(tmp_path):
    for kind in set(KINDS) - {"demo"}:
        with pytest.raises(SurveyError, match="choose"):
            spec(kind, "")
        with pytest.raises(SurveyError, match="no such"):
            spec(kind, str(tmp_path / "nowhere"))
    with pytest.raises(SurveyError):
        survey(f"folder:{tmp_path}")
