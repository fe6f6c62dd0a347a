"""Which edges count as merged: the two definitions of expected run length in use.

Both look at the *pairs* of a skeleton and a segment that share nodes. A segment is *merging*
when it has enough nodes of more than one skeleton; an edge on a merging segment counts as merged
when its skeleton is *penalised*. They differ in what is enough and in who is penalised:

==============  ==================  ========================================================
definition      enough nodes        penalised
==============  ==================  ========================================================
``em_erl``      at least T          every skeleton with any node on a merging segment
``paper2021``   more than T         skeletons with more than T nodes on a merging segment
==============  ==================  ========================================================

With a mask where no segment may reach, ``em_erl`` also calls a segment merging when strictly more
than T of its *voxels* lie under the mask, and then penalises skeletons with at least T nodes
on it. The background, segment 0, takes part like any segment: it can make a skeleton
penalised, and with a mask that changes other edges of that skeleton.

References
----------
.. [1] github.com/PytorchConnectomics/em_erl, ``compute_erl_score``.
.. [2] github.com/donglaiw/funlib.evaluate, ``evaluate_skeletons``, the fork that the AxonEM paper
   (D. Wei et al., MICCAI 2021) was scored with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import SettingsError
from napari_axonem.evaluation.grouping import Ids, Ints
from napari_axonem.evaluation.skeletons.lookup import MaskedVoxels

Definition = Literal["em_erl", "paper2021"]
"""A definition of expected run length, by name."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The pairs of a skeleton and a segment that share nodes."""

    skeleton: Ints
    """Place of the skeleton, int64, shape (p,)."""

    segment: Ints
    """Place of the segment, int64, shape (p,)."""

    nodes: Ints
    """Number of nodes in common, int64, shape (p,), positive."""

    skeletons: int
    """Number of skeletons."""

    segments: Ids
    """Ids of the segments, uint64, ascending."""


@dataclass(frozen=True, slots=True, eq=False)
class Merging:
    """What counts as merged: edges of a penalised skeleton on a merging segment."""

    segments: Bools
    """Which segments are merging, by place, shape (g,)."""

    skeletons: Bools
    """Which skeletons are penalised, by place, shape (s,)."""


def find_merging(
    definition: Definition, pairs: Pairs, threshold: int, masked: MaskedVoxels | None
) -> Merging:
    """Find merging segments and penalised skeletons.

    Parameters
    ----------
    threshold
        T in nodes; with a mask also in voxels.
    masked
        Voxels of segments where no segment may reach, None without such a mask.

    Raises
    ------
    SettingsError
        The definition is not known, knows no mask, or the threshold is negative.
    """
    if definition not in get_args(Definition):
        raise SettingsError(
            f"no definition of ERL named {definition!r}",
            where="definition",
            remedy=f"choose {' or '.join(get_args(Definition))}",
        )
    if threshold < 0:
        raise SettingsError(f"{threshold} is negative", where="merge threshold")
    if definition == "em_erl":
        return _em_erl(pairs, threshold, masked)
    if masked is not None:
        raise SettingsError(
            "the definition paper2021 knows no mask where segments may not reach",
            where="definition",
            remedy="leave the mask out, or choose em_erl",
        )
    return _paper2021(pairs, threshold)


def _em_erl(pairs: Pairs, threshold: int, masked: MaskedVoxels | None) -> Merging:
    big = pairs.nodes >= threshold
    merging = _shared(pairs, big)
    penalised = _touched(pairs, merging[pairs.segment])
    if masked is not None:
        reaching = _voxels_of(pairs.segments, masked) > threshold
        penalised |= _touched(pairs, big & reaching[pairs.segment])
        merging |= reaching
    return Merging(merging, penalised)


def _paper2021(pairs: Pairs, threshold: int) -> Merging:
    big = pairs.nodes > threshold
    merging = _shared(pairs, big)
    return Merging(merging, _touched(pairs, big & merging[pairs.segment]))


def _shared(pairs: Pairs, chosen: Bools) -> Bools:
    """Tell which segments have more than one of the chosen pairs."""
    shared: Bools = np.bincount(pairs.segment[chosen], minlength=len(pairs.segments)) > 1
    return shared


def _touched(pairs: Pairs, chosen: Bools) -> Bools:
    """Tell which skeletons have one of the chosen pairs."""
    touched = np.zeros(pairs.skeletons, dtype=np.bool_)
    touched[pairs.skeleton[chosen]] = True
    return touched


def _voxels_of(segments: Ids, masked: MaskedVoxels) -> Ints:
    """Return the voxels under the mask of each of `segments`; 0 for those not counted."""
    voxels = np.zeros(len(segments), dtype=np.int64)
    _, ours, theirs = np.intersect1d(
        segments, masked.segment, assume_unique=True, return_indices=True
    )
    voxels[ours] = masked.voxels[theirs]
    return voxels
