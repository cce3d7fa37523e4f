"""Where the real photos are that some tests need; without them these tests are skipped."""

import os
from pathlib import Path

from tests.checkout import ROOT

REAL_PHOTOS = Path(os.environ.get("MARQUE_DATA", ROOT.parent / "shared" / "data"))
"""The folder that MARQUE_DATA names, or else shared/data beside the repository: cars196/ and vessels/."""
