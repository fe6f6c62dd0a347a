"""MNIST in its idx files and CIFAR-10 as JPEG pictures in an npz file."""

from __future__ import annotations

import gzip
import io
import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from napari_axonem.errors import VolumeError
from napari_axonem.volumes.disk import DAMAGES

IDX_UNSIGNED_BYTE = 0x08
MNIST_FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
CIFAR10_FILE = "cifar10_jpeg.npz"


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures with the classes that they show."""

    pixels: Tensor
    """uint8, shape (n, channels, y, x)."""

    classes: Tensor
    """int64, shape (n,)."""

    def __len__(self) -> int:
        return len(self.classes)

    def first(self, count: int) -> Pictures:
        """Return the first `count` pictures; all for 0."""
        return Pictures(self.pixels[: count or None], self.classes[: count or None])


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Read a gzipped idx file of unsigned bytes.

    Raises
    ------
    VolumeError
        When the file is missing, or is something else.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except DAMAGES as error:
        raise VolumeError(f"cannot be read: {error}", where=path) from error
    is_idx = len(content) >= 4 and content[:3] == bytes((0, 0, IDX_UNSIGNED_BYTE))
    dimensions = content[3] if is_idx else 0
    start = 4 + 4 * dimensions
    if not is_idx or len(content) < start:
        raise VolumeError("no idx file of unsigned bytes", where=path)
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    pixels = np.frombuffer(content, np.uint8, offset=start)
    if pixels.size != np.prod(shape):
        raise VolumeError(f"{pixels.size} bytes for the shape {shape}", where=path)
    return pixels.reshape(shape)


def read_mnist(folder: Path, part: str) -> Pictures:
    """Read the part ``"train"`` (60,000) or ``"test"`` (10,000) of MNIST.

    Raises
    ------
    VolumeError
        When a file is missing or damaged.
    """
    pixels, classes = (read_idx(folder / name) for name in MNIST_FILES[part])
    return Pictures(
        torch.from_numpy(pixels[:, None].copy()), torch.from_numpy(classes.astype(np.int64))
    )


def read_cifar10(file: Path, part: str) -> Pictures:
    """Read the part ``"train"`` (50,000) or ``"test"`` (10,000) of CIFAR-10.

    Parameters
    ----------
    file
        npz with ``{part}_jpeg`` (all files in one row of bytes), ``{part}_offset`` (where each
        begins) and ``{part}_label``.

    Raises
    ------
    VolumeError
        When the file is missing or damaged.
    """
    try:
        with file.open("rb") as opened, np.load(opened) as arrays:
            jpeg, starts, labels = (arrays[f"{part}_{n}"] for n in ("jpeg", "offset", "label"))
        content = jpeg.tobytes()
        edges = [*(int(start) for start in starts[: len(labels)]), len(content)]
        pixels = np.empty((len(labels), 3, 32, 32), np.uint8)
        for n, (start, stop) in enumerate(pairwise(edges)):
            with Image.open(io.BytesIO(content[start:stop])) as picture:
                pixels[n] = np.asarray(picture.convert("RGB")).transpose(2, 0, 1)
    except DAMAGES as error:
        raise VolumeError(f"cannot be read: {error}", where=file) from error
    return Pictures(torch.from_numpy(pixels), torch.from_numpy(labels.astype(np.int64)))
