"""Scores of a segmentation against the truth, from the table of overlaps.

Voxels with truth 0 are ignored. Segment 0 (voxels that belong to no segment) counts as one
segment like any other.

References
----------
.. [1] M. Meilă, "Comparing clusterings - an information based distance", Journal of
   Multivariate Analysis 98 (2007) 873-895; first in COLT 2003. Variation of information.
.. [2] J. Nunez-Iglesias et al., "Machine learning of hierarchical clustering to segment 2D and
   3D images", PLoS ONE 8 (2013) e71715. Its two halves as split and merge errors in EM.
.. [3] I. Arganda-Carreras et al., "Crowdsourcing the creation of image segmentation algorithms
   for connectomics", Frontiers in Neuroanatomy 9 (2015) 142. Adapted Rand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import AxonemError
from napari_axonem.evaluation.grouping import Ids, Ints
from napari_axonem.evaluation.overlaps import OverlapTable

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Voi:
    """Variation of information in bits; 0 is perfect."""

    split: float
    """How far true objects are cut into several segments, H(segment | truth)."""

    merge: float
    """How far segments cover several true objects, H(truth | segment)."""

    @property
    def total(self) -> float:
        """The sum of both halves."""
        return self.split + self.merge


@dataclass(frozen=True, slots=True)
class Rand:
    """Adapted Rand scores, each between 0 and 1."""

    adapted_error: float
    """1 - F, with F the harmonic mean of precision and recall; 0 is perfect."""

    precision: float
    """Of the pairs of voxels in one segment, the part that is in one true object; falls with
    false merges."""

    recall: float
    """Of the pairs of voxels in one true object, the part that is in one segment; falls with
    false splits."""


@dataclass(frozen=True, slots=True, eq=False)
class VoiTerms:
    """What each object adds to the variation of information, in bits."""

    truth: Ids
    """Ids of the true objects, uint64, ascending, shape (t,)."""

    split: Floats
    """Each true object's part of `Voi.split`, shape (t,)."""

    segment: Ids
    """Ids of the segments that lie on a true object, uint64, ascending, shape (s,)."""

    merge: Floats
    """Each segment's part of `Voi.merge`, shape (s,)."""


def voi(table: OverlapTable) -> Voi:
    """Return the variation of information [1]_ [2]_, with base 2 logarithms.

    Raises
    ------
    AxonemError
        No voxel has a truth.
    """
    terms = voi_terms(table)
    return Voi(float(terms.split.sum()), float(terms.merge.sum()))


def voi_terms(table: OverlapTable) -> VoiTerms:
    """Return what each true object and each segment adds to the variation of information.

    The terms of the true objects sum to the split half, those of the segments to the merge
    half: sorted, they name the worst objects.

    Raises
    ------
    AxonemError
        No voxel has a truth.
    """
    rows = _with_truth(table)
    known = int(rows.voxels.sum())
    shared = entropy_term(rows.voxels)
    truth, of_truth, truth_sizes = _sizes(rows.truth, rows.voxels)
    segment, of_segment, segment_sizes = _sizes(rows.segment, rows.voxels)
    split = entropy_term(truth_sizes) - np.bincount(of_truth, weights=shared)
    merge = entropy_term(segment_sizes) - np.bincount(of_segment, weights=shared)
    # an object in one piece has exactly 0; rounding must not make it less
    return VoiTerms(truth, np.maximum(split, 0) / known, segment, np.maximum(merge, 0) / known)


def adapted_rand(table: OverlapTable) -> Rand:
    """Return the adapted Rand scores [3]_.

    They count unordered pairs of different voxels, as scikit-image's ``adapted_rand_error``
    does; its precision and recall are ours exchanged, contrary to its own text (scikit-image
    issue 6485). The script of the SNEMI3D challenge counts every voxel of segment 0 as a
    segment of its own; here segment 0 is one segment, as in scikit-image and in our variation
    of information.

    Where no segment has two voxels precision is 1, where no true object has recall is 1.

    Raises
    ------
    AxonemError
        No voxel has a truth.
    """
    rows = _with_truth(table)
    both = _pairs(rows.voxels)
    in_segment = _pairs(_sizes(rows.segment, rows.voxels)[2])
    in_truth = _pairs(_sizes(rows.truth, rows.voxels)[2])
    return rand_of_pairs(both, in_segment, in_truth)


def rand_of_pairs(both: float, in_segment: float, in_truth: float) -> Rand:
    """Return the adapted Rand scores of twice the numbers of pairs of voxels.

    Parameters
    ----------
    both
        Pairs in one segment and one true object.
    in_segment, in_truth
        Pairs in one segment, and in one true object.
    """
    mean = (in_segment + in_truth) / 2
    return Rand(
        adapted_error=1 - both / mean if mean else 0.0,
        precision=both / in_segment if in_segment else 1.0,
        recall=both / in_truth if in_truth else 1.0,
    )


def entropy_term(voxels: Ints) -> Floats:
    """Return ``n log2 n`` of counts, 0 for 0."""
    counts = np.asarray(voxels, dtype=np.float64)
    terms: Floats = counts * np.log2(np.maximum(counts, 1))
    return terms


def _with_truth(table: OverlapTable) -> OverlapTable:
    """Return the rows whose truth is not 0."""
    known = table.truth != 0
    if not known.any():
        raise AxonemError(
            "no voxel has a truth other than 0",
            where="truth",
            remedy="choose a box or a volume that is annotated",
        )
    return OverlapTable(table.segment[known], table.truth[known], table.voxels[known])


def _sizes(ids: Ids, voxels: Ints) -> tuple[Ids, Ints, Ints]:
    """Return the distinct ids, the place of each row among them, and their voxels."""
    names, place = np.unique(ids, return_inverse=True)
    return names, place, np.bincount(place, weights=voxels).astype(np.int64)


def _pairs(voxels: Ints) -> float:
    """Return twice the number of pairs within groups of so many voxels."""
    counts = voxels.astype(np.float64)  # squares of large counts do not fit into 64 bits
    return float((counts * (counts - 1)).sum())
