"""The program on whole photos of known content: `python -m model.whole_photos DATA --model FILE.onnx`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import tyro

from model.console import console
from model.console.arguments import read as read_arguments
from model.data.part_lists import read_parts
from model.data.readers import read_data
from model.data.splits import Split
from model.detection.whole_photo_figures import whole_photo_figures, whole_photo_table


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line. Returns the exit code: 0, or 2 if it cannot be done."""

    def command(
        data: Annotated[str, tyro.conf.Positional],
        model: Path,
        parts: Path | None = None,
        part: Split = Split.TEST,
        gallery: str | None = None,
    ) -> tuple[str, Path, Path | None, Split, str | None]:
        """Count how often the program is right on labelled photos, as a person would run it on them.

        Args:
            data: KIND:PATH, as for training.
            model: The identification model.
            parts: List of the parts that the photos are in (model/data/part_lists.py). Default: all photos.
            part: The part that is counted.
            gallery: The reference photos, or none. Default: those beside the model.
        """
        return data, model, parts, part, gallery

    data, model, parts, part, gallery = read_arguments(command, "model.whole_photos", arguments)

    def work() -> int:
        samples = read_data([data], any_type=True).samples
        if parts is not None:
            cluster = {Path(name).name: one.cluster for name, one in read_parts(parts).items() if one.part is part}
            samples = tuple(
                replace(sample, group=str(cluster[sample.path.name]))
                for sample in samples
                if sample.path.name in cluster
            )
        figures = whole_photo_figures(samples, model, [] if gallery is None else ["--gallery", gallery])
        console.result(whole_photo_table(figures), {name: one._asdict() for name, one in figures.items()})
        return 0

    return console.run(work)


if __name__ == "__main__":
    sys.exit(main())
