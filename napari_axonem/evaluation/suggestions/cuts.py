"""False merges: parts of one segment, between membranes, that lie side by side.

Where one neurite is cut in two by a dark organelle or a narrow place, one part goes on as the
other. Where two neurites were merged in passing, their parts lie side by side or cross (the shapes
H and X). Each contact of two parts is scored by a sum of features with fixed weights. They were
fitted once (logistic regression, rounded) on the phantoms with seeds 1 and 2; the one with seed 3
helped to choose the features and what is dark; `ACROSS` was added later, chosen on these three. On
FIB-25 they find next to none of the false merges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.cells import tabulate
from napari_axonem.evaluation.edges import FragmentEdges, fragment_edges
from napari_axonem.evaluation.suggestions.contrast import Contrast, GreyLevels, dips, grey_levels
from napari_axonem.evaluation.suggestions.cores import Parts, parts_between_membranes
from napari_axonem.evaluation.suggestions.shapes import RADIUS_NM, Meeting, meeting
from napari_axonem.evaluation.suggestions.suggestion import Scored, Suggestion
from napari_axonem.evaluation.tables import Cells
from napari_axonem.geometry import Box, Grid, Zyx, blocks, zyx
from napari_axonem.progress import Progress, silent, tracked
from napari_axonem.volumes.volume import Volume

BLOCK: Zyx = (128, 384, 384)
"""Voxels (z, y, x) worked on at once, in about 2 GB of memory."""

HALO_NM = 600.0
"""How far around a block parts are seen."""

MIN_FACES = 20
MIN_PART = 2000
"""Contacts of fewer faces, and of parts of fewer voxels, are left out."""

BIAS = 0.8 - 3.0
"""The fit took both outcomes for equally likely; in tissue one contact in twenty is a false merge,
whose logarithm of odds, -3, is added so that these do not crowd out likelier false splits."""

DIP = -0.6
"""A standard deviation by which the image is darker at the contact than on both sides: an
organelle has a sharper edge than a membrane that a segmentation missed."""

AREA = -0.75
"""Logarithm of faces over the smaller part's voxels to the power 2/3: a thin bridge."""

SIZE = 0.45
"""Logarithm of the smaller part's voxels over `MIN_PART`."""

DIFFERENCE = -0.25
"""A standard deviation between the mean brightness of both parts."""

IN_LINE = -4.0
"""Cosine of the angle at which one goes on as the other (`Meeting.in_line`)."""

PARALLEL = 1.0
"""Cosine of the angle between the courses of both."""

ACROSS = 1.0
"""Logarithm of the width of one across the course of the other (`Meeting.across`) over the radius
that is looked at. Where no dark voxel keeps two apart that cross, one part holds both, and the
rest of the one goes on from there as an unbroken neurite does; but what it goes on as also lies
across it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Region:
    """What is known of a block with its halo, as volumes that begin at its corner."""

    corner: Zyx
    parts: Parts
    labels: Volume
    edges: FragmentEdges
    cells: Cells
    levels: GreyLevels


def false_merges(
    segments: Volume,
    image: Volume,
    levels: GreyLevels,
    progress: Progress = silent,
) -> list[Scored]:
    """Return the places where a segment may be two neurites, with sums of features.

    Parameters
    ----------
    levels
        Brightness of `image` and of each of `segments`.
    """
    halo = zyx(np.ceil(HALO_NM / np.asarray(segments.grid.voxel_size)))
    found: list[Scored] = []
    for piece in tracked(list(blocks(segments.box, BLOCK)), progress, "looking into segments"):
        region = _region(segments, image, levels, piece.grow(halo).intersect(segments.box))
        found += _in_region(segments.grid, region, piece)
    return found


def _region(segments: Volume, image: Volume, levels: GreyLevels, box: Box) -> _Region:
    grid = Grid(segments.grid.voxel_size)
    grey = image.read(box).astype(np.float32)
    parts = parts_between_membranes(
        segments.read(box).astype(np.uint32), grey, levels, grid.voxel_size
    )
    labels, seen = _volume(parts.label, grid), _volume(grey, grid)
    table = tabulate(labels, None, Contrast(seen, levels.spread), gap_voxels=0)
    of_parts = grey_levels(seen, labels, box.shape)
    return _Region(box.start, parts, labels, fragment_edges(table), table.cells, of_parts)


def _volume(array: npt.NDArray[np.uint32] | npt.NDArray[np.float32], grid: Grid) -> Volume:
    return Volume((array,), ((1, 1, 1),), grid, "block", "array")


def _in_region(grid: Grid, region: _Region, piece: Box) -> list[Scored]:
    """Score the contacts of parts of one segment that lie in `piece`."""
    edges, segment = region.edges, region.parts.segment
    size = np.zeros(len(segment), np.int64)
    size[region.cells.fragment] = region.cells.voxels
    row_of = {part: row for row, part in enumerate(region.cells.fragment.tolist())}
    small = np.minimum(size[edges.u], size[edges.v])
    wanted = (segment[edges.u] == segment[edges.v]) & (edges.area >= MIN_FACES)
    found = []
    for i in np.flatnonzero(wanted & (small >= MIN_PART)).tolist():
        point = zyx(np.add(edges.point[i], region.corner))
        if piece.contains(point):
            rows = [row_of[int(part)] for part in (edges.u[i], edges.v[i])]
            found.append(_scored(grid, region, i, rows, point))
    return found


def _scored(grid: Grid, region: _Region, i: int, rows: list[int], point: Zyx) -> Scored:
    edges, cells, levels = region.edges, region.cells, region.levels
    pair = int(edges.u[i]), int(edges.v[i])
    seen = meeting(region.labels, pair, np.stack([edges.point[i], edges.facing[i]]))
    small, large = sorted(rows, key=lambda row: (int(cells.voxels[row]), row))
    voxels, faces = int(cells.voxels[small]), int(edges.area[i])
    difference = abs(levels.mean[pair[0]] - levels.mean[pair[1]]) / levels.spread
    total = BIAS + DIP * float(dips(edges.affinity[i : i + 1])[0]) + DIFFERENCE * difference
    total += AREA * np.log(faces / voxels ** (2 / 3)) + SIZE * np.log(voxels / MIN_PART)
    if seen is not None:
        total += IN_LINE * seen.in_line + PARALLEL * seen.parallel
        total += ACROSS * np.log(max(1.0, seen.across) / RADIUS_NM)
    z, y, x = grid.to_nm(point).tolist()
    box = Box(zyx(cells.start[small]), zyx(cells.stop[small]))
    red, blue = (zyx(np.add(cells.point[row], region.corner)) for row in (small, large))
    return float(total), Suggestion(
        "false_merge",
        (int(region.parts.segment[pair[0]]),),
        (z, y, x),
        0.0,  # known once those of all blocks are
        _reason(voxels, int(cells.voxels[large]), faces, seen),
        voxels,
        box.shift(region.corner).union(Box(point, zyx(np.add(point, 1)))),
        (red,),
        (blue,),
    )


def _reason(small: int, large: int, faces: int, seen: Meeting | None) -> str:
    words = [f"parts of {small} and {large} voxels that dark voxels keep apart"]
    if seen is not None:
        angle = np.degrees(np.arccos(min(1.0, seen.in_line)))
        beside = "they lie side by side" if angle > 60 else "they meet at an angle"
        course = "one goes on as the other" if angle < 30 else beside
        words.append(f"{course} ({angle:.0f}°)")
        crossing = np.degrees(np.arccos(min(1.0, seen.parallel)))
        words.append(f"their courses differ by {crossing:.0f}°")
    words.append(f"the bridge has {faces} faces")
    return ", ".join(words)
