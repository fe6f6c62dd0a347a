"""Where things lie that several scripts need: this repository, and the data beside it."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The repository."""

DATA = Path(os.environ.get("AXONEM_DATA", ROOT.parent / "shared" / "data"))
"""The folder of data, named by ``AXONEM_DATA``."""
