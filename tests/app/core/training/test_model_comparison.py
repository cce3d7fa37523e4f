"""A model file on the photos that a run held out, by the trainer's own code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.recognition.engine import Engine
from app.core.training.model_comparison import parsed
from model.contract.commands import ComparisonProgress, ComparisonReport, compare_command


def test_a_model_is_measured_on_what_a_run_held_out(
    photos: Path, tiny_model: Path, tiny_engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    from model import versus
    from model.contract.config import Config
    from model.data.readers import read_data
    from model.data.splits import Split
    from model.training.inference import part_of
    from model.training.run_setup import create_run

    strange = photos / "sedan" / "Nova 2030"  # a class that the model does not know
    strange.mkdir()
    for number in (1, 2, 3):
        Image.new("RGB", (64, 48), (250, 250, number)).save(strange / f"{number}.jpg")
    data = (f"folder:{photos}",)
    config = Config.model_validate({"data": {"data": data, "test": 0.4}, "input": {"size": 32}}).resolved()
    run = create_run(tmp_path / "run", config, read_data(data).samples)
    assert versus.main(compare_command(run.folder, tiny_model)[2:]) == 0
    *counts, found = (parsed(line) for line in capsys.readouterr().out.splitlines())
    held_out = part_of(run, Split.TEST)
    assert counts[-1] == ComparisonProgress(done=len(held_out), photos=len(held_out))
    pictures = np.stack([tiny_engine.prepare(Image.open(sample.path).convert("RGB")) for sample in held_out])
    output, taxonomy = tiny_engine.run(pictures), tiny_engine.info.taxonomy
    guesses = [taxonomy.fine[place] for place in output.fine_logits.argmax(axis=1)]
    right = np.mean([guess == sample.fine for guess, sample in zip(guesses, held_out, strict=True)])
    assert isinstance(found, ComparisonReport) and found.photos == len(held_out)
    assert found.unknown == sum(sample.fine == "Nova 2030" for sample in held_out) > 0
    assert found.figures["fine_accuracy"] == pytest.approx(right)

    assert versus.main([str(run.folder), "--model", str(run.folder / "config.json")]) == 2
    assert "config.json" in capsys.readouterr().err


def test_other_lines_give_no_figures() -> None:
    assert parsed("a warning") is None and parsed("[]") is None and parsed(json.dumps({"done": 1})) is None
