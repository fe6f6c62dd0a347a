"""Affinities for tests: tubes that touch, with membranes between them and noise on everything."""

from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
from scipy import ndimage

SHAPE = (130, 140, 133)
SIZE = (10.0, 10.0, 10.0)


def cells(shape: tuple[int, int, int] = SHAPE, count: int = 40, seed: int = 0) -> npt.NDArray:
    """Objects that fill a volume: the nearest of random points, stretched along z."""
    rng = np.random.default_rng(seed)
    points = rng.random((count, 3)) * shape
    best = np.full(shape, np.inf, np.float32)
    label = np.zeros(shape, np.uint32)
    grid = np.ogrid[tuple(slice(n) for n in shape)]
    for number, point in enumerate(points, start=1):
        far = sum(w * (g - p) ** 2 for w, g, p in zip((0.2, 1, 1), grid, point, strict=True))
        nearer = far < best
        best[nearer], label[nearer] = far[nearer], number
    return label


def is_inner(label: npt.NDArray) -> npt.NDArray:
    """Voxels that touch no other object: at which side of a noisy membrane the others come to lie
    is not worth a mistake."""
    inner = np.ones(label.shape, bool)
    for axis in range(3):
        here = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        below = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        same = label[here] == label[below]
        inner[here] &= same
        inner[below] &= same
    return inner


def affinities_of(label: npt.NDArray, seed: int = 0) -> npt.NDArray:
    """Affinities as a network gives them: low on membranes two voxels thick, and noisy."""
    rng = np.random.default_rng(seed)
    same = np.ones((3, *label.shape), np.float32)
    thick = np.ones(label.shape, np.float32)
    for axis in range(3):
        here = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        below = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        same[axis][here] = label[here] == label[below]
        thick[here] = np.minimum(thick[here], same[axis][here])
        thick[below] = np.minimum(thick[below], same[axis][here])
    noise = ndimage.gaussian_filter(rng.standard_normal(label.shape).astype(np.float32), 1.5)
    noise /= noise.std() or 1  # of one voxel
    raw = [(ndimage.gaussian_filter(np.minimum(thick, s), 0.7) - 0.5) * 8 + noise for s in same]
    return (1 / (1 + np.exp(-np.stack(raw)))).astype(np.float32)


def write_affinities(path: Path, affinities: npt.NDArray, dtype: str = "uint8") -> str:
    """Write affinities to HDF5, and an image beside them; return where the affinities are."""
    stored = np.rint(affinities * 255) if dtype == "uint8" else affinities
    with h5py.File(path, "w") as file:
        chunks = (3, *(min(64, n) for n in stored.shape[1:]))
        file.create_dataset("affinities", data=stored.astype(dtype), chunks=chunks)
        file["image"] = np.rint(np.nan_to_num(affinities).mean(0) * 255).astype(np.uint8)
        file["image"].attrs["voxel_size_nm"] = SIZE
    return f"{path}:affinities"


def voi(segments: npt.NDArray, truth: npt.NDArray) -> tuple[float, float]:
    """Variation of information in bits (split, merge), over all voxels."""
    both = segments.astype(np.int64).ravel() << 32 | truth.ravel()

    def entropy(ids: npt.NDArray) -> float:
        part = np.unique(ids, return_counts=True)[1] / ids.size
        return float(-(part * np.log2(part)).sum())

    joint = entropy(both)
    return joint - entropy(truth.ravel()), joint - entropy(segments.ravel())
