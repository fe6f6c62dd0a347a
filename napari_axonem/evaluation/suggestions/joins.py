"""Missing merges: pairs of segments that touch and look like one neurite.

Each contact is scored by a sum of features with fixed weights. They were fitted once (logistic
regression, rounded) on the sections z < 160 of FIB-25, supervoxels and flood filling, and on the
fragments of the phantoms with seeds 1 and 2; nothing else was looked at when they were chosen.
`ENDS` and `AFFINITY` were added later, chosen on the same and on the phantom with seed 3; `SCORE`
and `SIZE` on an agglomeration of FIB-25, z < 160.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from napari_axonem.evaluation.edges import FragmentEdges, fragment_edges
from napari_axonem.evaluation.grouping import Ints
from napari_axonem.evaluation.suggestions.contrast import GreyLevels, dips
from napari_axonem.evaluation.suggestions.shapes import Meeting, meeting
from napari_axonem.evaluation.suggestions.suggestion import Suggestion
from napari_axonem.evaluation.tables import CellTable
from napari_axonem.geometry import Box, zyx
from napari_axonem.progress import Progress, silent, tracked
from napari_axonem.volumes.volume import Volume

Floats = npt.NDArray[np.float64]

MIN_FACES = 20
"""Contacts of fewer voxel faces say too little."""

LOOKED_AT = 3
"""The course is looked at for so many times the contacts that are wanted, the best by the rest."""

BIAS = 0.9
DIP = -7.0
"""A standard deviation by which the image is darker at the contact than on both sides of it."""

AREA = 0.65
"""Logarithm of faces over the smaller segment's voxels to the power 2/3."""

DIFFERENCE = -1.5
"""A standard deviation between the mean brightness of both segments."""

IN_LINE = 0.25
"""Cosine of the angle at which one goes on as the other (`Meeting.in_line`)."""

CALIBRE = -0.5
"""Logarithm of the ratio of calibres."""

ENDS = 3.0
"""That cosine times how much the one ends here that ends less (`Meeting.ends`): two orphan ends
that go on as one another. By itself it would depend on where the contact has its point."""

AFFINITY = 6.0
"""Mean affinity above a half, where there are affinities."""

SCORE = 10.0
"""Score of the join that an agglomeration did not make, above the lowest one that it did: it is
below 0, or little above where somebody has parted what was joined."""

UNKNOWN_SCORE = -0.3
"""Taken where no join was scored."""

SIZE = 0.25
"""Logarithm of the smaller segment's voxels over `UNIT`, where an agglomeration tells what was
nearly joined: of two such joins the one that joins more is to be looked at first."""

UNIT = 1000.0

ENDING = 0.7
"""A segment with so much on one side of the contact is said to end there."""


@dataclass(frozen=True, slots=True, eq=False)
class _Candidates:
    """Contacts of two segments large enough, n of them."""

    edges: FragmentEdges
    row: Ints
    small: Ints
    """Voxels of the smaller segment."""

    dip: Floats
    """nan without an image."""

    affinity: Floats
    """Mean affinity over the contact; nan without affinities."""

    below: Floats
    """Score of the join, above the lowest one that was made; nan where it is not known."""

    evidence: Floats
    """Sum of all features that come from tables."""


def missing_merges(
    segments: Volume,
    table: CellTable,
    levels: GreyLevels | None,
    affinity: npt.NDArray[np.float32] | None,
    below: Floats | None,
    *,
    min_voxels: int,
    limit: int,
    progress: Progress = silent,
) -> list[Suggestion]:
    """Return the pairs of segments that are most likely one neurite, likeliest first.

    Parameters
    ----------
    table
        Of `segments`, without truth, with `Contrast` for affinities; without them, contacts
        are judged by shape alone.
    levels
        Brightness of the image, None without one.
    affinity
        Mean affinity over each of `fragment_edges(table)`, None without affinities.
    below
        What `scores_below` says of the same, None without an agglomeration.
    min_voxels
        Smaller segments are left out.
    limit
        At most so many.
    """
    found = _candidates(table, levels, affinity, below, min_voxels)
    order = np.lexsort((found.row, -found.evidence))[: LOOKED_AT * limit]
    edges = found.edges
    scored: list[tuple[float, int, Meeting | None]] = []
    for k in tracked(order.tolist(), progress, "looking at contacts"):
        i = int(found.row[k])
        pair = int(edges.u[i]), int(edges.v[i])
        seen = meeting(segments, pair, np.stack([edges.point[i], edges.facing[i]]))
        scored.append((float(found.evidence[k]) + _of_shape(seen), int(k), seen))
    scored.sort(key=lambda entry: (-entry[0], entry[1]))
    boxes = _boxes(table)
    return [_suggestion(segments, found, boxes, *entry) for entry in scored[:limit]]


def _candidates(
    table: CellTable,
    levels: GreyLevels | None,
    affinity: npt.NDArray[np.float32] | None,
    below: Floats | None,
    min_voxels: int,
) -> _Candidates:
    edges, size = fragment_edges(table), _sizes(table)
    small = np.minimum(size[edges.u], size[edges.v])
    row = np.flatnonzero((edges.area >= MIN_FACES) & (small >= min_voxels))
    small, area = small[row], edges.area[row]
    dip = dips(edges.affinity[row])
    evidence = BIAS + DIP * np.nan_to_num(dip) + AREA * np.log(area / small ** (2 / 3))
    if levels is not None:
        difference = np.abs(levels.mean[edges.u[row]] - levels.mean[edges.v[row]])
        evidence += DIFFERENCE * difference / levels.spread
    belief = np.full(len(row), np.nan) if affinity is None else affinity[row].astype(np.float64)
    evidence += AFFINITY * np.nan_to_num(belief - 0.5)
    missed = np.full(len(row), np.nan) if below is None else below[row]
    if below is not None:
        evidence += SCORE * np.nan_to_num(missed, nan=UNKNOWN_SCORE) + SIZE * np.log(small / UNIT)
    return _Candidates(edges, row, small, dip, belief, missed, evidence)


def _of_shape(seen: Meeting | None) -> float:
    if seen is None:
        return CALIBRE  # too small to have a course: counts as lying beside the other
    going_on = seen.in_line * (IN_LINE + ENDS * min(seen.ends))
    return going_on + CALIBRE * seen.calibre_ratio


def _suggestion(
    segments: Volume,
    found: _Candidates,
    boxes: dict[int, Box],
    total: float,
    k: int,
    seen: Meeting | None,
) -> Suggestion:
    edges, i = found.edges, int(found.row[k])
    one, other = int(edges.u[i]), int(edges.v[i])
    point, facing = zyx(edges.point[i]), zyx(edges.facing[i])
    small = min((one, other), key=lambda s: (boxes[s].size, s))
    near = Box(point, zyx(np.add(point, 1))).union(Box(facing, zyx(np.add(facing, 1))))
    z, y, x = segments.grid.to_nm(point).tolist()
    return Suggestion(
        "false_split",
        (one, other),
        (z, y, x),
        float(expit(total)),
        _reason(int(edges.area[i]), found, k, seen),
        int(found.small[k]),
        boxes[small].union(near),
        (point,),
        (facing,),
    )


def _reason(area: int, found: _Candidates, k: int, seen: Meeting | None) -> str:
    """Say what speaks for and against."""
    dip, affinity, below = (float(c[k]) for c in (found.dip, found.affinity, found.below))
    words = [f"touch over {area} faces"]
    if seen is not None:
        angle = np.degrees(np.arccos(min(1.0, seen.in_line)))
        course = "in line" if angle < 30 else "at an angle" if angle < 60 else "side by side"
        one, other = seen.calibres
        words.append(f"{course} ({angle:.0f}°), calibres {one:.0f} and {other:.0f} nm")
        if min(seen.ends) > ENDING:
            words.append("both end here")
        elif max(seen.ends) > ENDING:
            words.append("one ends here")
    if not np.isnan(dip):
        membrane = "no" if dip < 0.15 else "a weak" if dip < 0.5 else "a"
        words.append(f"{membrane} membrane between (dip of {dip:.2f} of the image's spread)")
    if not np.isnan(affinity):
        words.append(f"mean affinity {affinity:.2f}")
    if below < 0:
        words.append(f"a score {-below:.2f} below the lowest that joined")
    return ", ".join(words)


def _sizes(table: CellTable) -> Ints:
    """Return the voxels of each segment id, shape (largest id + 1,)."""
    cells = table.cells
    size = np.zeros(int(cells.fragment.max(initial=0)) + 1, np.int64)
    np.add.at(size, cells.fragment, cells.voxels)
    return size


def _boxes(table: CellTable) -> dict[int, Box]:
    cells = table.cells
    rows = zip(cells.fragment.tolist(), cells.start.tolist(), cells.stop.tolist(), strict=True)
    return {segment: Box(tuple(start), tuple(stop)) for segment, start, stop in rows}
