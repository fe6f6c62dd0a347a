"""Floods a volume, and dies without warning between two steps; run as a process of its own."""

import os
import signal
import sys
from pathlib import Path

from napari_axonem.segmentation.flooding.flood import flood
from napari_axonem.segmentation.flooding.settings import FloodSettings
from napari_axonem.volumes import open_volume
from napari_axonem.watching import Unwatched, Wish
from tests.segmentation.flooding_cases import tiny_model


class Deadly(Unwatched):
    """Kills the process at the given question; the one before asks for a checkpoint."""

    def __init__(self, at):
        super().__init__()
        self._left = at

    def wish(self):
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return Wish.CHECKPOINT if self._left % 3 == 1 else Wish.GO_ON


if __name__ == "__main__":
    folder, destination, text, at = sys.argv[1:]
    settings = FloodSettings.model_validate_json(text)
    image = open_volume(Path(folder) / "image.zarr")
    flood(image, tiny_model(Path(folder)), destination, settings, Deadly(int(at)))
