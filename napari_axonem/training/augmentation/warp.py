"""Where the voxels of a patch come from: flips, transposes, turns, bends and shifted sections.

A warp is drawn first and read afterwards, so that only the voxels it needs are read. Labels go
the way of the image, and targets are made of the warped labels: a flipped patch needs no thought
about affinities that now look the other way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_axonem.geometry import Box, Nm, Zyx, zyx
from napari_axonem.training.augmentation.settings import AugmentationSettings
from napari_axonem.training.targets import is_planar

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """Where each voxel of a patch is taken from, relative to the patch's centre."""

    shape: Zyx
    """Of the patch."""

    order: tuple[int, int, int]
    """Axes of the source along axes z, y, x of the patch."""

    flipped: tuple[bool, bool, bool]
    """Axes of the patch that run the other way."""

    places: Floats | None
    """Places (3, z, y, x) in voxels of the source from the centre of the box that is read; None
    where voxels are taken as they are. The order and flips are applied afterwards."""

    @property
    def inner(self) -> Zyx:
        """Shape before axes are exchanged."""
        inner = [0, 0, 0]
        for axis, n in zip(self.order, self.shape, strict=True):
            inner[axis] = n
        return inner[0], inner[1], inner[2]

    def box(self, corner: Zyx) -> Box:
        """Return what must be read for a patch whose source, were it not bent, starts there."""
        plain = Box(corner, zyx(np.add(corner, self.inner)))
        if self.places is None:
            return plain
        middle = np.add(corner, np.divide(np.subtract(self.inner, 1), 2))
        low = [math.floor(m + float(p.min())) for m, p in zip(middle, self.places, strict=True)]
        high = [math.ceil(m + float(p.max())) for m, p in zip(middle, self.places, strict=True)]
        return Box(zyx(low), zyx(np.add(high, 1)))

    def image(self, voxels: Floats, corner: Zyx) -> Floats:
        """Return the patch from the voxels of `box`, between voxels by linear interpolation."""
        if self.places is None:
            return self._turned(voxels)
        places = self._in_box(corner)
        warped: Floats = ndimage.map_coordinates(voxels, places, order=1, mode="nearest")
        return self._turned(warped)

    def labels(self, voxels: npt.NDArray[Any], corner: Zyx) -> npt.NDArray[Any]:
        """Return the patch of labels or a mask: those of the nearest voxels."""
        if self.places is None:
            return self._turned(voxels)
        nearest = np.rint(self._in_box(corner)).astype(np.intp)
        return self._turned(voxels[nearest[0], nearest[1], nearest[2]])

    def _in_box(self, corner: Zyx) -> Floats:
        assert self.places is not None, "asked for only where voxels move"
        start = self.box(corner).start
        middle = np.add(corner, np.divide(np.subtract(self.inner, 1), 2))
        move = np.subtract(middle, start).astype(np.float32)
        moved: Floats = self.places + move[:, None, None, None]
        return moved

    def _turned(self, voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        flip = tuple(slice(None, None, -1) if f else slice(None) for f in self.flipped)
        return np.ascontiguousarray(voxels.transpose(self.order)[flip])


def draw_warp(
    settings: AugmentationSettings, shape: Zyx, voxel_size: Nm, rng: np.random.Generator
) -> Warp:
    """Draw the way a patch is deformed.

    Parameters
    ----------
    shape
        Of the patch, in voxels.
    voxel_size
        In nm: axes of equal size may be exchanged, and lengths are in nm.
    """
    order = _draw_order(settings, voxel_size, rng)
    flips = rng.random(3) < (0.5 if settings.flips else 0.0)
    inner = [0, 0, 0]
    for axis, n in zip(order, shape, strict=True):
        inner[axis] = n
    places = _draw_places(settings, zyx(inner), voxel_size, rng)
    return Warp(shape, order, (bool(flips[0]), bool(flips[1]), bool(flips[2])), places)


def _draw_order(
    settings: AugmentationSettings, voxel_size: Nm, rng: np.random.Generator
) -> tuple[int, int, int]:
    drawn = rng.permutation(3)
    yx = rng.permutation([1, 2])
    if not settings.transposes:
        return 0, 1, 2
    z, y, x = voxel_size
    if math.isclose(z, y, rel_tol=0.01) and math.isclose(y, x, rel_tol=0.01):
        return int(drawn[0]), int(drawn[1]), int(drawn[2])
    return (0, int(yx[0]), int(yx[1])) if math.isclose(y, x, rel_tol=0.01) else (0, 1, 2)


def _draw_places(
    settings: AugmentationSettings, shape: Zyx, voxel_size: Nm, rng: np.random.Generator
) -> Floats | None:
    turned = rng.random() < settings.rotation
    bent = rng.random() < settings.elastic
    shifts = _draw_shifts(settings, shape[0], voxel_size, rng)
    if not (turned or bent or shifts.any()):
        return None
    axes = [np.arange(n, dtype=np.float32) - np.float32((n - 1) / 2) for n in shape]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    if turned or bent:
        angle = rng.uniform(0, 2 * math.pi) if turned else 0.0
        scale = 1 + rng.uniform(-settings.scale, settings.scale)
        square = voxel_size[1] / voxel_size[2]
        cos, sin = np.float32(scale * math.cos(angle)), np.float32(scale * math.sin(angle))
        y, x = cos * y - sin * x / np.float32(square), sin * y * np.float32(square) + cos * x
    places: Floats = np.stack([z, y, x])
    if bent:
        _bend(places, settings, voxel_size, rng)
    places[1:] += shifts.T[:, :, None, None]
    return places


def _bend(
    places: Floats, settings: AugmentationSettings, voxel_size: Nm, rng: np.random.Generator
) -> None:
    """Move the places by a smooth random field; only within sections where these are thick."""
    shape = places.shape[1:]
    points = [
        max(2, 1 + round(n * s / settings.elastic_spacing))
        for n, s in zip(shape, voxel_size, strict=True)
    ]
    for axis in range(1 if is_planar(voxel_size) else 0, 3):
        coarse = rng.normal(0, settings.elastic_amount / voxel_size[axis], points)
        zoom = [n / p for n, p in zip(shape, points, strict=True)]
        field = ndimage.zoom(coarse.astype(np.float32), zoom, order=1, grid_mode=False)
        places[axis] += field


def _draw_shifts(
    settings: AugmentationSettings, sections: int, voxel_size: Nm, rng: np.random.Generator
) -> Floats:
    """Return for each section by how many voxels (y, x) it is shifted."""
    shifts = np.zeros((sections, 2), dtype=np.float32)
    chance = settings.shifted if is_planar(voxel_size) else settings.shifted / sections
    for z in np.flatnonzero(rng.random(sections) < chance):
        drawn = rng.uniform(-1, 1, 2) * settings.largest_shift / np.asarray(voxel_size[1:])
        last = sections if rng.random() < 0.5 else z + 1
        shifts[z:last] += np.rint(drawn)
    return shifts
