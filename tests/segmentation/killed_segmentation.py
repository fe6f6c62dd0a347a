"""A segmentation that kills its own process: ``FILE DESTINATION STEPS WORKERS``."""

import os
import signal
import sys
from functools import partial
from pathlib import Path

from napari_axonem.blockwise import Journal, Team
from napari_axonem.segmentation import segmenting
from napari_axonem.segmentation.fragments import steps
from napari_axonem.segmentation.settings import SegmentSettings
from napari_axonem.watching import Unwatched

PATCHES = [
    (steps, "block_shape", lambda *_: (64, 64, 64)),
    (segmenting, "Journal", partial(Journal, every=0)),
    (segmenting, "Team", partial(Team, few=0)),
]
"""Many small blocks, each taken down at once, all of them for the workers."""


def settings_for(file: str, **others: object) -> SegmentSettings:
    """Settings of a segmentation of a file as `write_affinities` writes it."""
    given = {"volume": f"{file}:image", "affinities": f"{file}:affinities", "destination": "x"}
    return SegmentSettings(**{"workers": 1, **given, **others})


def main() -> None:
    """Segment, and die after so many steps."""
    file, destination, steps_left, workers = sys.argv[1:]
    for module, name, value in PATCHES:
        setattr(module, name, value)
    left = int(steps_left)

    def progress(done: int, total: int, doing: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    settings = settings_for(file, workers=int(workers))
    segmenting.segment(settings, Path(destination), Unwatched(progress))


if __name__ == "__main__":
    main()
