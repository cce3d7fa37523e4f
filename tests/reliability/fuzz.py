"""The fuzz tests for some minutes, and how many files each reader was given: `python -m tests.reliability.fuzz 30`."""

from __future__ import annotations

import json
import os
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
    ends = time.monotonic() + 60 * float(sys.argv[1] if len(sys.argv) > 1 else 30)
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts"
        counts.touch()
        environment = os.environ | {EXAMPLES: str(ROUND), COUNTS: str(counts), "QT_QPA_PLATFORM": "offscreen"}
        turn = 0
        while time.monotonic() < ends:
            file = TESTS[turn % len(TESTS)]
            turn += 1
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                failed.append(file)
                sys.stdout.write(done.stdout)
        tried = sum((Counter(json.loads(line)) for line in counts.read_text().splitlines()), Counter())
    for reader in sorted(name for name in tried if not name.endswith(": read")):
        read = tried[f"{reader}: read"]
        sys.stdout.write(f"{reader:45} {tried[reader]:7} tried, {read:6} read, {tried[reader] - read:6} refused\n")
    total = sum(count for name, count in tried.items() if not name.endswith(": read"))
    sys.stdout.write(f"{total} files in {turn} turns; failures: {len(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
