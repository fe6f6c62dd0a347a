"""Skeletons of all objects in a volume of labels."""

from __future__ import annotations

from functools import partial

from napari_axonem.blockwise import Team
from napari_axonem.errors import SkeletonError
from napari_axonem.evaluation.skeletons.retracing import retrace
from napari_axonem.evaluation.skeletons.skeletons import Skeletons, from_trees
from napari_axonem.evaluation.skeletons.stitching import stitch, to_trees
from napari_axonem.evaluation.skeletons.tracing import Preset, trace
from napari_axonem.geometry import Zyx, blocks
from napari_axonem.progress import Progress, silent
from napari_axonem.volumes.chunking import natural_block
from napari_axonem.volumes.labels import require_labels
from napari_axonem.volumes.volume import Volume

BLOCK_VOXELS = 2**26
"""Voxels of a block; with what is traced around it, kimimaro takes about 4 GB."""


def skeletonize(
    labels: Volume,
    preset: Preset = "em_erl",
    *,
    min_length: float = 0.0,
    block: Zyx | None = None,
    progress: Progress = silent,
    team: Team | None = None,
) -> Skeletons:
    """Trace the centre lines of all objects with TEASAR, block by block.

    Parameters
    ----------
    labels
        Volume of labels; 0 is background.
    preset
        Which published parameters.
    min_length
        Skeletons shorter than so many nm are left out, as are those without an edge.
    block
        Voxels (z, y, x) traced at once, None for what takes about 4 GB.
    team
        Who traces the blocks; this process where it is None.

    Returns
    -------
    One skeleton for each id, in the order of ids, with nodes in the middle of voxels. Where
    several blocks are needed, each is traced with what lies around it and joined to the others.

    Raises
    ------
    SkeletonError
        kimimaro is not installed.
    VolumeError
        The volume has no integer labels, or cannot be read.
    """
    _require_kimimaro()
    ids = require_labels(labels)
    shape = block or natural_block(ids, BLOCK_VOXELS * ids.dtype.itemsize)
    boxes = list(blocks(ids.box, shape))
    work = partial(trace, ids, preset)
    found = dict((team or Team(1)).run(work, boxes, progress, "tracing skeletons"))
    traced = [found[i] for i in range(len(boxes))]
    graph = retrace(stitch(traced, boxes, ids.grid.voxel_size), ids.grid.voxel_size)
    made = from_trees(to_trees(graph, ids.grid), labels.location)
    return made.select(made.lengths >= min_length)


def _require_kimimaro() -> None:
    try:
        import kimimaro  # noqa: F401 - only to see whether it is there
    except ImportError as error:
        raise SkeletonError(
            f"skeletons are traced by kimimaro, which cannot be imported ({error})",
            remedy="pip install kimimaro",
        ) from error
