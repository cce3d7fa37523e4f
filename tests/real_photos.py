"""Where the real photos lie that some tests are for, which are skipped where there are none."""

import os
from pathlib import Path

from tests.checkout import ROOT

REAL_PHOTOS = Path(os.environ.get("MARQUE_DATA", ROOT.parent / "shared" / "data"))
"""The folder that MARQUE_DATA names, or else shared/data beside the repository: cars196/ and vessels/."""
