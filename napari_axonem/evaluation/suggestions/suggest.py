"""All suggestions for a segmentation, from tables and bounded local reads."""

from __future__ import annotations

from napari_axonem.evaluation.cells import BLOCK, tabulate
from napari_axonem.evaluation.edges import fragment_edges
from napari_axonem.evaluation.overlaps import require_same_grid
from napari_axonem.evaluation.suggestions.contrast import Contrast, grey_levels
from napari_axonem.evaluation.suggestions.cuts import false_merges
from napari_axonem.evaluation.suggestions.joins import missing_merges
from napari_axonem.evaluation.suggestions.suggestion import Scored, Suggestion, ranked
from napari_axonem.evaluation.suggestions.weak import Agglomeration, scores_below, weak_joins
from napari_axonem.geometry import Zyx
from napari_axonem.progress import Progress, silent
from napari_axonem.volumes.volume import LazyArray, Volume

MIN_VOXELS = 300
"""Segments of fewer voxels are left out unless told otherwise: slivers, worth nobody's time."""

LIMIT = 200
"""Suggestions of each kind, unless told otherwise."""


def suggest(
    segments: Volume,
    image: Volume | None = None,
    affinities: LazyArray | None = None,
    agglomeration: Agglomeration | None = None,
    *,
    min_voxels: int = MIN_VOXELS,
    limit: int = LIMIT,
    block_shape: Zyx = BLOCK,
    progress: Progress = silent,
) -> list[Suggestion]:
    """Return likely errors of a segmentation without truth, likeliest first.

    The list depends on nothing but the arguments. Where the point of a contact lies may depend on
    the blocks, and with it what is seen of the shapes around it.

    Parameters
    ----------
    segments
        Volume of dense ids (z, y, x), 0 for background.
    image
        The image on the same grid, membranes dark. Without it, contacts are judged by shape
        alone, which is much weaker, and no false merge is looked for in it.
    affinities
        Affinities (3, z, y, x) over the same voxels, as in `tabulate`: they say more of contacts.
    agglomeration
        How fragments make up the segments, if that is known: then weak joins are suggested too,
        and joins that were nearly made come earlier.
    min_voxels
        Segments with fewer voxels are left out.
    limit
        At most so many of each kind.
    block_shape
        Voxels (z, y, x) worked on at once.

    Raises
    ------
    MismatchError
        Shapes or voxel sizes differ.
    VolumeError
        The labels are not integers, or affinities are neither float nor uint8.
    """
    levels, contrast = None, None
    if image is not None:
        require_same_grid(segments, image)
        levels = grey_levels(image, segments, block_shape, progress)
        contrast = Contrast(image, levels.spread)
    table = tabulate(segments, None, contrast, progress, gap_voxels=0, block_shape=block_shape)
    affinity = None
    if affinities is not None:
        believed = tabulate(
            segments, None, affinities, progress, gap_voxels=0, block_shape=block_shape
        )
        affinity = fragment_edges(believed).affinity
    below = None if agglomeration is None else scores_below(agglomeration, fragment_edges(table))
    splits = missing_merges(
        segments,
        table,
        levels,
        affinity,
        below,
        min_voxels=min_voxels,
        limit=limit,
        progress=progress,
    )
    scored: list[Scored] = []
    if image is not None and levels is not None:
        scored += false_merges(segments, image, levels, progress)
    if agglomeration is not None:
        scored += weak_joins(agglomeration, segments.grid, segments.box, min_voxels)
    merges = ranked(scored)[:limit]
    return sorted(splits + merges, key=lambda s: (-s.score, s.kind, s.segments, s.position_nm))
