"""A small network and image for the tests of inference; run as a program it kills itself."""

import os
import signal
import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
import zarr

from napari_axonem.blockwise import Journal
from napari_axonem.networks.card import Card
from napari_axonem.networks.files import load_model, save_model
from napari_axonem.networks.rsunet import RsunetSettings, build
from napari_axonem.segmentation.inference import prediction
from napari_axonem.segmentation.inference.settings import InferenceSettings
from napari_axonem.volumes import open_volume
from napari_axonem.watching import Unwatched, Wish

SHAPE = (40, 44, 36)
SETTINGS = InferenceSettings(
    device="cpu", precision="float32", block=(24, 24, 24), overlap=(8, 8, 8), contrast="as is"
)


def save(folder, name="small", offsets=None, **options):
    """Write a network that nobody has trained, and return the path of its file."""
    offsets = offsets or [(-1, 0, 0), (0, -1, 0), (0, 0, -1)]
    torch.manual_seed(2)
    settings = RsunetSettings.for_voxel_size(
        (10, 10, 10), widths=(3, 4), out_channels=len(offsets), **options
    )
    card = Card(
        name=name,
        architecture="rsunet",
        settings=settings.model_dump(),
        voxel_size=(10, 10, 10),
        patch=(16, 16, 16),
        offsets=offsets,
    )
    return save_model(folder / name, build(settings).eval(), card)


def grey_image(shape=SHAPE, seed=0):
    """Return smooth noise, uint8, without a constant section."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 200, [n // 4 + 1 for n in shape])
    fine = coarse.repeat(4, 0).repeat(4, 1).repeat(4, 2)[tuple(slice(0, n) for n in shape)]
    return (fine + rng.integers(0, 50, shape)).astype(np.uint8)


def write(path, array, voxel_size=(10.0, 10.0, 10.0)):
    """Write an image and open it."""
    attributes = {"voxel_size_nm": list(voxel_size)}
    zarr.create_array(path, data=array, chunks=(16, 16, 16), attributes=attributes)
    return open_volume(path)


class Watching(Unwatched):
    """Keeps what it is told, and wishes what `wishes` says after so many tiles."""

    def __init__(self, wishes=None):
        super().__init__()
        self.said, self.steps, self.rates = [], [], []
        self.wishes = dict(wishes or {})

    def progress(self, done, total, doing):
        self.steps.append((done, total))

    def say(self, text):
        self.said.append(text)

    def scalar(self, name, step, value):
        self.rates.append(value)

    def wish(self):
        return self.wishes.pop(len(self.steps), Wish.GO_ON)


class _Deadly(Unwatched):
    def __init__(self, left):
        super().__init__()
        self.left = left

    def progress(self, done, total, doing):
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main():
    """Predict, and die after so many tiles: ``IMAGE MODEL DESTINATION TILES``."""
    image, model, destination, tiles = sys.argv[1:]
    prediction.Journal = partial(Journal, every=0)
    watcher = _Deadly(int(tiles))
    prediction.predict_affinities(
        open_volume(image), load_model(model), Path(destination), SETTINGS, watcher
    )


if __name__ == "__main__":
    main()
