"""Where the real photos lie that some tests are for, which are skipped where there are none."""

import os
from pathlib import Path

REAL_PHOTOS = Path(os.environ.get("MARQUE_DATA", Path(__file__).parents[2] / "shared" / "data"))
"""The folder that MARQUE_DATA names, or else shared/data beside the repository: cars196/ and vessels/."""
