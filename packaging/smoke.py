"""Does the frozen program work? Starts it, identifies a drawn picture, opens its window: `smoke.py DIST/marque-cpu`."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageDraw

_LOOK = 12.0  # seconds that the window must live


def draw(path: Path) -> None:
    """A simple ship: hull, bridge, funnel, sea and sky."""
    picture = Image.new("RGB", (640, 400), (150, 190, 230))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 270, 640, 400), fill=(30, 80, 110))
    pen.polygon([(60, 220), (590, 220), (540, 290), (110, 290)], fill=(120, 30, 30))
    pen.rectangle((430, 140, 530, 220), fill=(240, 240, 240))
    pen.rectangle((460, 90, 495, 140), fill=(20, 20, 20))
    picture.save(path, quality=92)


def main() -> int:
    """0 if it works; prints what it found."""
    program = Path(sys.argv[1]).absolute() / ("marque.exe" if os.name == "nt" else "marque")
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        # nothing of this computer's Python may help
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        environment = clean | {"MARQUE_HOME": place, "QT_QPA_PLATFORM": "offscreen"}
        draw(home / "ship.jpg")
        subprocess.run([program, "doctor"], check=True, env=environment)
        command = [program, "identify", home / "ship.jpg", "--out", home / "labels.csv"]
        subprocess.run(command, check=True, env=environment)
        (row,) = csv.DictReader((home / "labels.csv").open(encoding="utf-8"))
        sys.stdout.write(f"model {row['model']}: {row['status']}, best guess {row['coarse']} ({row['reason']})\n")
        window = subprocess.Popen([program, home / "ship.jpg"], env=environment)
        time.sleep(_LOOK)
        alive = window.poll() is None
        window.terminate()
        window.wait()
        log = home / "data" / "marque.log"
        sys.stdout.write(f"window: {'lives' if alive else f'ended with {window.returncode}'}\n")
        if log.exists() and log.read_text(encoding="utf-8").strip():
            sys.stdout.write(log.read_text(encoding="utf-8"))
            return 1
        return 0 if alive and row["status"] != "error" else 1


if __name__ == "__main__":
    raise SystemExit(main())
