"""How fast a network is trained on this computer: `python -m model.pace --backbone resnet18 --size 160`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pydantic import ValidationError

from model.console import console
from model.console.arguments import read as read_arguments
from model.training.memory import keep_freed_memory
from model.training.pace import measure
from model.training.run_folder import RunError


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line. Returns the exit code: 0, or 2 if nothing can be measured."""

    def command(backbone: str, size: int) -> tuple[str, int]:
        """Measure how fast a network is trained on this computer.

        Args:
            backbone: As the trainer's.
            size: Side of the picture, pixels.
        """
        return backbone, size

    backbone, size = read_arguments(command, "model.pace", arguments)
    keep_freed_memory()
    console.console.quiet = True

    def work() -> int:
        try:
            found = measure(backbone, size)
        except ValidationError as error:
            raise RunError(error.errors()[0]["msg"]) from error
        console.data(found.model_dump())
        return 0

    return console.run(work)


if __name__ == "__main__":
    sys.exit(main())
