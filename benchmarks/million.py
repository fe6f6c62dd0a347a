"""A made-up table of a million fragments, shaped like an over-segmented piece of cortex.

Fragments lie on a lattice of 100³ places and touch up to 14 others each, 7 contacts a fragment, as
the supervoxels of the FIB-25 block do. True objects are tubes of some 100 to 9,000 fragments that
wander along z. A third of the fragments on the outline of a tube share some voxels with the
tube beside it, as badly drawn outlines do. Segments are tubes cut into lengths, one in twenty
lengths is merged with one beside it, and one fragment in ten was left alone. The skeleton of a tube
is a path along z through a third of its fragments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.skeletons.skeletons import Skeletons, Tree, from_trees
from napari_axonem.evaluation.tables import Cells, CellTable, Contacts
from napari_axonem.geometry import Grid

SIDE = 100
SPACING = 16
"""Voxels from one fragment to the next along each axis."""
GRID = Grid((30.0, 30.0, 30.0))
OFFSETS = ((0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 1))

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Million:
    """A table, its segments, and skeletons."""

    table: CellTable
    skeletons: Skeletons
    node_fragment: Ints
    """The fragment under each node."""
    segment: npt.NDArray[np.uint32]
    """Segment of each fragment, named after its largest fragment."""


def make(side: int = SIDE, seed: int = 0) -> Million:
    """Make a table of ``side**3`` fragments."""
    rng = np.random.default_rng(seed)
    truth = _tubes(side, rng)
    cells, second = _cells(truth, rng)
    contacts = _contacts(truth, second, cells, rng)
    voxels = np.zeros(side**3 + 1, np.int64)
    np.add.at(voxels, cells.fragment, cells.voxels)
    skeletons, node_fragment = _skeletons(truth, rng)
    segments = _segments(truth, voxels, rng)
    return Million(CellTable(cells, contacts), skeletons, node_fragment, segments)


def _tubes(side: int, rng: np.random.Generator) -> Ints:
    """Return the true object of each place on the lattice, from 1, shape (side,) * 3."""
    cuts = [np.unique(rng.integers(0, side, max(2, side // 3))) for _ in range(2)]
    z = np.arange(side)[:, None, None]
    wander = [(4 * np.sin(z / 17 + phase)).round().astype(int) for phase in rng.uniform(0, 6, 2)]
    row = np.searchsorted(cuts[0], (np.arange(side)[None, :, None] + wander[0]) % side)
    column = np.searchsorted(cuts[1], (np.arange(side)[None, None, :] + wander[1]) % side)
    objects: Ints = row * (len(cuts[1]) + 1) + column + 1
    return objects


def _cells(truth: Ints, rng: np.random.Generator) -> tuple[Cells, Ints]:
    """Return the cells, and the second object of each fragment, 0 for none."""
    count = truth.size
    place = np.stack(np.unravel_index(np.arange(count), truth.shape), axis=1)
    beside = np.roll(truth, -1, axis=2)
    outline = (beside != truth) & (rng.random(truth.shape) < 1 / 3)
    second = np.where(outline, beside, 0).ravel()
    size = rng.lognormal(7.8, 0.8, count).astype(np.int64) + 20
    part = np.where(second > 0, np.maximum(1, (size * rng.uniform(0, 0.3, count)).astype(int)), 0)
    two = np.flatnonzero(second)
    fragment = np.concatenate([np.arange(count), two]) + 1
    objects = np.concatenate([truth.ravel(), second[two]])
    order = np.lexsort((objects, fragment))
    corner = (place[(fragment - 1)[order]] * SPACING).astype(np.int32)
    voxels = np.concatenate([size - part, part[two]])[order]
    columns = (fragment[order].astype(np.uint32), objects[order].astype(np.uint32), voxels)
    depth = (voxels ** (1 / 3) * 15).astype(np.float32)  # half of a cube's edge, in nm
    middle = corner + SPACING // 2
    return Cells(*columns, corner, corner + SPACING, middle, depth), second


def _contacts(truth: Ints, second: Ints, cells: Cells, rng: np.random.Generator) -> Contacts:
    """Return the contacts of fragments with all neighbours, and of the two cells of one."""
    number = np.arange(truth.size).reshape(truth.shape)
    key = cells.fragment.astype(np.int64) << 32 | cells.truth
    flat = truth.ravel()
    pairs = []
    for step in OFFSETS:
        lower = number[tuple(slice(0, n - s) for n, s in zip(truth.shape, step, strict=True))]
        upper = number[tuple(slice(s, None) for s in step)]
        a, b = lower.ravel(), upper.ravel()
        pairs.append((a, flat[a], b, flat[b]))
        if step == (0, 0, 1):  # the second object of a fragment lies on this side
            two = second[a] > 0
            a, b = a[two], b[two]
            pairs.append((a, second[a], b, flat[b]))
    two = np.flatnonzero(second)
    pairs.append((two, np.minimum(flat, second)[two], two, np.maximum(flat, second)[two]))
    ends = [np.concatenate(column) for column in zip(*pairs, strict=True)]
    cell_a = np.searchsorted(key, (ends[0] + 1) << 32 | ends[1])
    cell_b = np.searchsorted(key, (ends[2] + 1) << 32 | ends[3])
    order = np.argsort(cell_a * len(cells) + cell_b)
    cell_a, cell_b = cell_a[order], cell_b[order]
    area = rng.lognormal(4, 1.2, len(cell_a)).astype(np.int64) + 1
    affinity = rng.random(len(cell_a), np.float32)
    point = cells.stop[cell_a] - 1
    return Contacts(cell_a, cell_b, area, affinity, point, cells.start[cell_b])


def _skeletons(truth: Ints, rng: np.random.Generator) -> tuple[Skeletons, Ints]:
    """Return a path along z through each object, and the fragments under its nodes."""
    places = np.flatnonzero(rng.random(truth.size) < 1 / 3)
    places = places[np.argsort(truth.ravel()[places], kind="stable")]
    objects = truth.ravel()[places]
    trees = [
        Tree(
            int(objects[nodes[0]]),
            np.stack(np.unravel_index(places[nodes], truth.shape), axis=1) * SPACING * 30.0,
            np.stack([np.arange(len(nodes) - 1), np.arange(1, len(nodes))], axis=1),
        )
        for nodes in np.split(np.arange(len(places)), np.flatnonzero(np.diff(objects)) + 1)
        if len(nodes) > 1
    ]
    kept = np.isin(objects, [tree.id for tree in trees])
    return from_trees(trees), places[kept] + 1


def _segments(truth: Ints, voxels: Ints, rng: np.random.Generator) -> npt.NDArray[np.uint32]:
    """Return tubes in lengths, some merged with what is beside them."""
    side = len(truth)
    # every tube is cut at places of its own
    length = rng.integers(5, max(6, side), truth.max() + 1)
    piece = (np.arange(side)[:, None, None] + truth * 7) // length[truth]
    names, label = np.unique((truth * side + piece).ravel(), return_inverse=True)
    other = label.reshape(truth.shape)
    below, above = other[:, :-1].ravel(), other[:, 1:].ravel()
    merged = np.arange(len(names))
    for n in rng.choice(len(below), len(names) // 20, replace=False):
        merged[merged == merged[below[n]]] = merged[above[n]]
    label = merged[label]
    alone = np.flatnonzero(rng.random(len(label)) < 0.1)
    label[alone] = len(names) + np.arange(len(alone))
    order = np.lexsort((-np.arange(len(label)), voxels[1:]))
    largest = np.zeros(len(names) + len(alone), np.uint32)
    largest[label[order]] = order + 1
    return np.concatenate([np.zeros(1, np.uint32), largest[label]])
