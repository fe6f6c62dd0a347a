"""What an evaluation found, as far as a report shows it."""

from __future__ import annotations

from dataclasses import dataclass

from napari_axonem.evaluation.erl import Erl
from napari_axonem.evaluation.grouping import Ids
from napari_axonem.evaluation.overlaps import OverlapTable
from napari_axonem.evaluation.scores import Rand, Voi
from napari_axonem.evaluation.skeletons.skeletons import Skeletons
from napari_axonem.evaluation.tables import CellTable
from napari_axonem.volumes.volume import Volume


@dataclass(frozen=True, slots=True, eq=False)
class VoxelFindings:
    """A segmentation against labels of the truth."""

    truth: Volume
    """Labels of the truth, on the grid of the segmentation."""

    overlaps: OverlapTable
    """Voxels that segments share with true objects."""

    voi: Voi
    """Variation of information of `overlaps`."""

    rand: Rand
    """Adapted Rand of `overlaps`."""

    cells: CellTable | None
    """Where pieces lie and touch, None where ids do not fit into the table (`MOST_IDS`)."""


@dataclass(frozen=True, slots=True, eq=False)
class RunFindings:
    """A segmentation along skeletons of the truth."""

    location: str
    """Where the skeletons come from."""

    skeletons: Skeletons
    """The skeletons."""

    node_segment: Ids
    """Id of the segment under each node, uint64, shape (N,)."""

    outside: int
    """Nodes outside of the volume."""

    erl: Erl
    """Expected run length of these."""


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """All of it; at least one of `voxels` and `runs` is there."""

    segmentation: Volume
    """The volume that was scored."""

    voxels: VoxelFindings | None = None
    """Its comparison with labels."""

    runs: RunFindings | None = None
    """Its comparison with skeletons."""

    image: Volume | None = None
    """What was segmented, on the same grid; pictures have no background without it."""


MOST_IDS = 1 << 32
"""Ids from here on do not fit into a table of cells."""


def fit_into_cells(overlaps: OverlapTable) -> bool:
    """Tell whether `napari_axonem.evaluation.cells.tabulate` can take all ids."""
    highest = max(int(overlaps.segment.max(initial=0)), int(overlaps.truth.max(initial=0)))
    return highest < MOST_IDS
