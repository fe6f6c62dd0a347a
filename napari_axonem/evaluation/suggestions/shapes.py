"""The shape of two segments near a point where they meet: direction, calibre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.tables import Points
from napari_axonem.geometry import Box, zyx
from napari_axonem.volumes.volume import Volume

RADIUS_NM = 300.0
"""How far around the contact a segment's course is looked at."""

STRIDE_NM = 16.0
"""Voxels are skipped up to this distance: the course of a neurite needs no more."""

LEAST_VOXELS = 8
"""A piece of fewer sampled voxels has no direction."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """How two segments lie to each other at their contact."""

    in_line: float
    """Cosine of the angle between the way from one to the other and their own courses, the
    worse of both: 1 where one goes on as the other, 0 where they lie side by side."""

    parallel: float
    """Cosine of the angle between the courses of both, 0 to 1."""

    calibres: tuple[float, float]
    """Widths of both across their course, in nm."""

    ends: tuple[float, float]
    """How much each ends here: 1 where it lies on one side of the contact along its course, 0
    where it goes on as far on the other."""

    across: float
    """How wide in nm one lies across the course of the other, the larger of both: about its
    calibre where it goes on as the other, and more where it crosses."""

    @property
    def calibre_ratio(self) -> float:
        """Logarithm of the ratio of the widths, never negative."""
        one, other = (max(1.0, width) for width in self.calibres)
        return abs(float(np.log(one / other)))


@dataclass(frozen=True, slots=True)
class _Course:
    centre: npt.NDArray[np.float64]
    axis: npt.NDArray[np.float64]
    width: float
    end: float
    points: npt.NDArray[np.float64]

    def width_of(self, other: _Course) -> float:
        """Return how wide in nm another course lies across this one."""
        beside = other.points - np.outer(other.points @ self.axis, self.axis)
        return 4 * float(np.sqrt(max(0.0, np.linalg.eigvalsh(np.cov(beside.T))[2])))


def meeting(segments: Volume, pair: tuple[int, int], contact: Points) -> Meeting | None:
    """Return how two segments meet, None where one is too small to tell.

    Parameters
    ----------
    segments
        Volume of ids (z, y, x).
    pair
        The ids of the two.
    contact
        The voxels (z, y, x) on both sides of their contact, shape (2, 3).
    """
    size = np.asarray(segments.grid.voxel_size)
    middle = contact.astype(np.float64).mean(axis=0)
    reach = np.ceil(RADIUS_NM / size).astype(int)
    stride = np.maximum(1, STRIDE_NM // size).astype(int)
    box = Box(zyx(contact.min(axis=0)), zyx(contact.max(axis=0) + 1)).grow(zyx(reach))
    box = box.intersect(segments.box)
    voxels = segments.read(box)[:: stride[0], :: stride[1], :: stride[2]]
    origin = np.asarray(box.start) - middle
    courses = [_course((np.argwhere(voxels == one) * stride + origin) * size) for one in pair]
    one, other = courses
    if one is None or other is None:
        return None
    way = one.centre - other.centre
    way /= max(1e-9, float(np.linalg.norm(way)))
    in_line = min(abs(float(one.axis @ way)), abs(float(other.axis @ way)))
    parallel = abs(float(one.axis @ other.axis))
    across = max(one.width_of(other), other.width_of(one))
    return Meeting(in_line, parallel, (one.width, other.width), (one.end, other.end), across)


def _course(points: npt.NDArray[np.float64]) -> _Course | None:
    """Return the course of points in nm around the contact, shape (n, 3)."""
    near = points[np.square(points).sum(axis=1) <= RADIUS_NM**2]
    if len(near) < LEAST_VOXELS:
        return None
    spreads, axes = np.linalg.eigh(np.cov(near.T))
    # a disk of diameter d has the variance d²/16 along either of its axes
    width = 4 * float(np.prod(np.maximum(0.0, spreads[:2])) ** 0.25)
    along = near @ axes[:, 2]
    near_side, far_side = sorted((max(0.0, -float(along.min())), max(0.0, float(along.max()))))
    end = 1 - near_side / max(1e-9, far_side)
    return _Course(near.mean(axis=0), axes[:, 2], width, end, near)
