"""The fuzz tests for some minutes, and how many files each reader was given: `python -m tests.reliability.fuzz 30`.

Each turn has a seed of its own, the first seed plus its number. A failed turn names its seed;
`python -m tests.reliability.fuzz 30 SEED` draws the files of an earlier run again.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.reliability.fuzzing import COUNTS, EXAMPLES

ROUND = 200  # examples of each reader in one go; others each time
TESTS = sorted(str(file) for file in Path(__file__).parent.glob("test_fuzz_*.py"))


def main() -> int:
    """Run them one file after the other, again and again, until the time is up. Returns 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=30)
    parser.add_argument("seed", nargs="?", type=int, help="of the first turn", default=secrets.randbelow(2**31))
    options = parser.parse_args()
    ends = time.monotonic() + 60 * options.minutes
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts"
        counts.touch()
        environment = os.environ | {EXAMPLES: str(ROUND), COUNTS: str(counts), "QT_QPA_PLATFORM": "offscreen"}
        turn = 0
        while time.monotonic() < ends:
            file, seed = TESTS[turn % len(TESTS)], options.seed + turn
            turn += 1
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--hypothesis-seed={seed}", file],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                failed.append(file)
                sys.stdout.write(f"{done.stdout}\nFailed with --hypothesis-seed={seed} in {file}\n")
        tried = sum((Counter(json.loads(line)) for line in counts.read_text().splitlines()), Counter())
    for reader in sorted(name for name in tried if not name.endswith(": read")):
        read = tried[f"{reader}: read"]
        sys.stdout.write(f"{reader:45} {tried[reader]:7} tried, {read:6} read, {tried[reader] - read:6} refused\n")
    total = sum(count for name, count in tried.items() if not name.endswith(": read"))
    sys.stdout.write(f"{total} files in {turn} turns, first seed {options.seed}; failures: {len(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
