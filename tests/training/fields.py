"""Small made-up volumes: boxes of labels with dark faces, on disk or in memory."""

from pathlib import Path

import h5py
import numpy as np

from napari_axonem.geometry import Grid
from napari_axonem.volumes import Volume

ISOTROPIC = (10.0, 10.0, 10.0)
FLAT = (30.0, 8.0, 8.0)


def labels_of(shape=(24, 40, 40), edge=10, seed=0):
    """Boxes of about `edge` voxels, ids from 1."""
    places = np.indices(shape) // edge
    return (places[0] * 100 + places[1] * 10 + places[2] + 1 + seed * 1000).astype(np.uint32)


def image_of(labels):
    """Bright inside, dark at faces; no voxel is 0."""
    dark = np.zeros(labels.shape, dtype=bool)
    for axis in range(3):
        differ = np.diff(labels.astype(np.int64), axis=axis) != 0
        low = [slice(None)] * 3
        low[axis] = slice(0, -1)
        dark[tuple(low)] |= differ
    return np.where(dark, 60, 190).astype(np.uint8)


def volume_of(array, voxel_size=ISOTROPIC, origin=(0.0, 0.0, 0.0), name="memory"):
    return Volume((array,), ((1, 1, 1),), Grid(voxel_size, origin), name, "array")


def write_field(path: Path, labels=None, voxel_size=ISOTROPIC) -> str:
    """Write image and truth as one HDF5 file, and return its location."""
    labels = labels_of() if labels is None else labels
    with h5py.File(path, "w") as file:
        for name, voxels in (("raw", image_of(labels)), ("gt", labels)):
            file[name] = voxels
            file[name].attrs["resolution"] = voxel_size
    return str(path)
