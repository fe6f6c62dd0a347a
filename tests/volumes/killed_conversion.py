"""A conversion that kills its own process: ``SOURCE DESTINATION STEPS WORKERS``."""

import os
import signal
import sys
from functools import partial

from napari_axonem.blockwise import Journal, Team
from napari_axonem.volumes import writing
from napari_axonem.volumes.conversion import ConvertSettings, conversion
from napari_axonem.volumes.writers import hdf5

PATCHES = [
    *((module, "tiled_block", lambda *_: (64, 64, 64)) for module in (writing, hdf5)),
    (conversion, "Journal", partial(Journal, every=0)),
    (conversion, "Team", partial(Team, few=0)),
]
"""Many small blocks, each taken down at once, all of them for the workers."""


def main() -> None:
    """Convert, and die after so many steps."""
    src, dst, steps, workers = sys.argv[1:]
    for module, name, value in PATCHES:
        setattr(module, name, value)
    left = int(steps)

    def progress(done: int, total: int, doing: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    conversion.convert(ConvertSettings(source=src, destination=dst, workers=int(workers)), progress)


if __name__ == "__main__":
    main()
