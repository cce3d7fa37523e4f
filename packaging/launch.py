"""What the frozen program starts: the `marque` command."""

import multiprocessing

from app.cli import main

if __name__ == "__main__":
    multiprocessing.freeze_support()  # t-SNE of large maps has a process of its own, which is this program again
    raise SystemExit(main())
