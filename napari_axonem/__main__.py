"""Run the command with ``python -m napari_axonem``."""

import sys

from napari_axonem.cli import main

if __name__ == "__main__":
    sys.exit(main())
