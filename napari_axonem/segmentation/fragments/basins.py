"""Fragments of one block: where the pointers of its voxels lead.

The depth of a voxel is its distance to the nearest membrane, negative in one, smoothed. A voxel
points at the deepest of its neighbours, if that is deeper than itself and the edge between them is
strong; where there is none, across a weak one, and a voxel in a membrane across any. The voxel at
which pointers end is the *root* of a fragment. That is a watershed of the depth by steepest ascent
(topographic distance; Meyer, 1994), on seeds from a distance to the boundary as is customary in
connectomics (Funke et al., 2019). What it gives at a voxel does not depend on what is flooded
first, as with a queue it would.

Depths are integers: 256 to the step. Where they are flat, deep inside of large objects and along
axes of straight ones, a slight slope towards the points of a lattice parts them.
"""

from __future__ import annotations

from dataclasses import dataclass

import edt
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_axonem.geometry import Box, Nm, Zyx, zyx
from napari_axonem.segmentation.fragments.reading import Affinities
from napari_axonem.segmentation.fragments.settings import TRUNCATE, Rule

Depth = npt.NDArray[np.int32]
Places = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

PER_STEP = 256
"""Depth of one step."""

SLOPE = 0.02
"""Of the lattice, against 1 for the distance to a membrane."""

_WEAK = -(1 << 30)
"""Added to what a weak edge is worth: less than any depth."""


@dataclass(frozen=True, slots=True, eq=False)
class Basins:
    """The fragments of one block, as far as they can be told from the block alone."""

    basin: npt.NDArray[np.uint32]
    """Number 1..k of the basin of each voxel of the block, uint32 (z, y, x)."""

    is_background: npt.NDArray[np.bool_]
    """Voxels that are too far from any object, bool (z, y, x)."""

    end: Int64
    """Where the pointers of a basin end, as a place in the flat volume, int64, shape (k,)."""

    leaves: npt.NDArray[np.bool_]
    """Whether that voxel lies in another block, where they go on, shape (k,)."""

    voxels: Int64
    """Number of voxels that are not background, int64, shape (k,)."""

    is_object: npt.NDArray[np.bool_]
    """Whether the end lies inside of an object; without meaning where it `leaves`, shape (k,)."""


def depths(affinities: Affinities, rule: Rule, voxel_size: Nm) -> Depth:
    """Return the depth of each voxel, int32 (z, y, x).

    Within `Rule.halo` of a side of the box at which the volume goes on it may be wrong.
    """
    step = min(voxel_size)
    inside = _inside(affinities, rule)
    if inside.all() or not inside.any():  # no membrane to measure from
        full = rule.deepest(voxel_size) * (1 if inside.all() else -1)
        return np.full(inside.shape, round(PER_STEP * full / step), np.int32)
    # edt measures to the nearest voxel of another label, for both labels at once
    away = edt.edt(inside.astype(np.uint8) + 1, anisotropy=voxel_size, black_border=False)
    np.minimum(away, rule.deepest(voxel_size), out=away)
    np.negative(away, out=away, where=~inside)
    ndimage.gaussian_filter(away, rule.sigma(voxel_size), truncate=TRUNCATE, output=away)
    away *= np.float32(PER_STEP / step)
    depth: Depth = np.rint(away, out=away).astype(np.int32)
    return depth


def _inside(affinities: Affinities, rule: Rule) -> npt.NDArray[np.bool_]:
    """Return which voxels are no membrane."""
    mean = (affinities[0] + affinities[1] + affinities[2]) / np.float32(3)
    inside: npt.NDArray[np.bool_] = mean >= np.float32(rule.inside)
    return inside


def lattice(box: Box, rule: Rule, voxel_size: Nm) -> Depth:
    """Return what is taken from the depths in a box, int32, shape (z, y, x)."""
    total = np.zeros((1, 1, 1), np.int32)
    for axis, size in enumerate(voxel_size):
        period = max(1, round(rule.deepest(voxel_size) / size))
        at = np.arange(box.start[axis], box.stop[axis])
        off = np.abs(at % period - period // 2) * size * PER_STEP * SLOPE / min(voxel_size)
        total = total + np.expand_dims(
            np.rint(off).astype(np.int32), tuple(a for a in range(3) if a != axis)
        )
    return total


def find_basins(
    affinities: Affinities, seen: Box, block: Box, shape: Zyx, rule: Rule, voxel_size: Nm
) -> Basins:
    """Return the basins of a block.

    Parameters
    ----------
    affinities
        float32 (3, z, y, x) of the box `seen`.
    seen
        The block, grown by 1 and by `Rule.halo`, where the volume goes on.
    block
        In voxels of the volume, like `seen`.
    shape
        Of the volume.
    """
    near = block.grow(1).intersect(seen)
    cut = near.relative_to(seen.start).slices
    depth = np.ascontiguousarray(depths(affinities, rule, voxel_size)[cut])
    slope = depth - lattice(near, rule, voxel_size)
    fringe = round(rule.fringe * PER_STEP)
    core = block.relative_to(near.start)
    near_affinities = affinities[(slice(None), *cut)]
    is_membrane = ~_inside(near_affinities, rule)
    ends = _followed(_pointers(slope, is_membrane, near_affinities, core, rule))
    end_of = ends.reshape(near.shape)[core.slices]
    is_end = np.zeros(ends.size, np.bool_)
    is_end[end_of.ravel()] = True
    places = np.flatnonzero(is_end)
    number = np.zeros(ends.size, np.uint32)
    number[places] = np.arange(1, len(places) + 1, dtype=np.uint32)
    basin = number[end_of]
    is_background = depth[core.slices] < -fringe
    counted = np.where(is_background, np.uint32(0), basin).ravel()
    at = np.stack(np.unravel_index(places, near.shape), axis=1) + near.start
    return Basins(
        basin,
        is_background,
        np.ravel_multi_index(tuple(at.T), shape).astype(np.int64),
        np.any((at < block.start) | (at >= block.stop), axis=1),
        np.bincount(counted, minlength=len(places) + 1)[1:].astype(np.int64),
        depth.ravel()[places] > 0,
    )


def _pointers(
    slope: Depth,
    is_membrane: npt.NDArray[np.bool_],
    affinities: Affinities,
    core: Box,
    rule: Rule,
) -> Places:
    """Return the place at which each voxel points, in the flat box; itself where it is an end.

    Of equal depths the voxel that comes later in the volume counts as deeper: there is no cycle.
    """
    place = np.arange(slope.size, dtype=np.int32).reshape(slope.shape)
    target = place.copy()
    best = np.full(slope.shape, np.iinfo(np.int32).min, np.int32)
    for axis in range(3):
        for side in (-1, 1):
            way = [side if a == axis else 0 for a in range(3)]
            here = core.shift(way).intersect(Box.of_shape(slope.shape)).shift([-w for w in way])
            there = here.shift(way)
            edge = affinities[axis][(there if side > 0 else here).slices]
            mine, other = slope[here.slices], slope[there.slices]
            worth = np.where(edge >= rule.strong, other, _WEAK)
            weak = (edge < rule.strong) & (is_membrane[here.slices] | (edge >= rule.weak))
            np.add(worth, (edge * 255).astype(np.int32), out=worth, where=weak)
            uphill = other >= mine if side > 0 else other > mine
            take = uphill & (worth > best[here.slices]) & (worth != _WEAK)
            np.copyto(best[here.slices], worth, where=take)
            np.copyto(target[here.slices], place[there.slices], where=take)
    return target.ravel()


def _followed(target: Places) -> Places:
    """Return where the pointers end that begin at each place; each round doubles the steps."""
    while True:
        further = target[target]
        if np.array_equal(further, target):
            return further
        target = further


def block_near(block: Box, whole: Box, rule: Rule, voxel_size: Nm) -> Box:
    """Return the voxels that have a say in the basins of a block."""
    halo = np.add(rule.halo(voxel_size), 1)
    return block.grow(zyx(halo)).intersect(whole)
