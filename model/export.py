"""From a run to an identification model file: `python -m model.export RUN --out FILE.onnx`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import tyro

from model.console import console
from model.console.arguments import read as read_arguments
from model.publishing.export import export, outputs_beside, write_references
from model.training.memory import keep_freed_memory
from model.training.run_folder import RunFolder


def main() -> int:
    """Command line. Returns the exit code."""

    def command(
        run: Annotated[Path, tyro.conf.Positional],
        out: Path,
        name: str | None = None,
        references: Path | None = None,
        variants: bool = False,
        force: bool = False,
    ) -> tuple[Path, Path, str | None, Path | None, bool, bool]:
        """Export a trained run as an identification model file.

        Args:
            run: Folder of the run.
            out: The .onnx file to write.
            name: The model's name in the program; default: the file's name.
            references: Also write the training photos as a table that `marque enrol` makes a gallery of.
            variants: Also write OUT.fp16.onnx and OUT.int8.onnx, and what they lose and win.
            force: Replace existing files that are not our own unchanged output.
        """
        return run, out, name, references, variants, force

    folder, out, name, references, variants, force = read_arguments(command, "model.export")
    keep_freed_memory()

    def work() -> int:
        run = RunFolder.open(folder)
        model, table, beside = outputs_beside(run, out, references, variants=variants, force=force)
        info = export(run, model, name, variants=beside)
        if table is not None:
            write_references(run, table)
        taxonomy = info.taxonomy
        console.result(
            f"{out}: {len(taxonomy.coarse)} types, {len(taxonomy.fine)} classes, fingerprint {info.fingerprint}"
        )
        return 0

    return console.run(work)


if __name__ == "__main__":
    sys.exit(main())
