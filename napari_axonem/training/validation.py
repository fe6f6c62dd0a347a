"""How good an affinity network is: by what its affinities are worth after agglomeration.

The loss is no judge: a hole of ten voxels in a membrane hardly shows in it, and merges two axons.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import AxonemError, ModelError
from napari_axonem.evaluation.erl import erl
from napari_axonem.evaluation.overlaps import count_overlaps
from napari_axonem.evaluation.scores import Voi, voi
from napari_axonem.evaluation.skeletons import Skeletons, lookup, skeletonize
from napari_axonem.geometry import Box, Grid, Nm, zyx
from napari_axonem.training.sources import TrainingSource
from napari_axonem.volumes import Volume

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.uint64]

LOW, HIGH = 1e-3, 0.999
"""Affinities below and above which the watershed of fragments parts and joins without asking."""


@dataclass(slots=True)
class Field:
    """A validation volume in memory, with its truth."""

    image: Floats
    """Shape (z, y, x), 0..1."""

    truth: npt.NDArray[np.uint32]
    """The same shape; 0 is not counted."""

    voxel_size: Nm
    _skeletons: Skeletons | None = field(default=None, repr=False)

    @property
    def grid(self) -> Grid:
        """The lattice of the arrays."""
        return Grid(self.voxel_size)

    def skeletons(self) -> Skeletons:
        """Return the centre lines of the truth, made when first asked for."""
        if self._skeletons is None:
            self._skeletons = skeletonize(as_volume(self.truth, self.grid))
        return self._skeletons


@dataclass(frozen=True, slots=True)
class FieldScore:
    """How good a segmentation of one field is."""

    threshold: float
    voi: Voi

    erl: float | None
    """Normalised expected run length, None where the truth has no skeleton."""


def open_field(source: TrainingSource, most: int) -> Field:
    """Read what is validated on: the middle of a source, at most so many voxels."""
    box = _middle(source.region, most)
    patch = source.read(box)
    _, ids = np.unique(np.where(patch.known, patch.labels, 0), return_inverse=True)
    labels = ids.reshape(box.shape).astype(np.uint32)
    if patch.known.all() and (patch.labels != 0).all():
        labels += 1  # every voxel has an object: no id may fall on 0
    return Field(patch.image, labels, source.voxel_size)


def segmentations(affinities: Floats, thresholds: Sequence[float]) -> Iterator[tuple[float, Ids]]:
    """Yield each threshold, falling, with the segments of watershed and mean agglomeration.

    Parameters
    ----------
    affinities
        Shape (3, z, y, x), 0..1, to the lower neighbours.
    thresholds
        Mean affinities, 0..1, above which two segments are joined: as `segment --threshold` and a
        model's card count them.

    Raises
    ------
    ModelError
        waterz is not installed.
    """
    try:
        import waterz
    except ImportError as error:
        raise ModelError(
            f"validation agglomerates with waterz, which cannot be imported ({error})",
            remedy="pip install waterz",
        ) from error
    falling = sorted(thresholds, reverse=True)
    with _unheard():
        found = iter(
            waterz.agglomerate(
                np.ascontiguousarray(affinities, dtype=np.float32),
                [1 - threshold for threshold in falling],  # waterz counts from the other end
                aff_threshold_low=LOW,
                aff_threshold_high=HIGH,
            )
        )
    for threshold in falling:
        with _unheard():
            segments: Ids = np.asarray(next(found))
        yield threshold, segments


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Keep what waterz writes to standard output from where results go."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        with contextlib.redirect_stdout(io.StringIO()):  # it says some of it through Python
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def score(
    affinities: Floats, place: Field, thresholds: Sequence[float], merge_threshold: int
) -> tuple[FieldScore, Ids]:
    """Return the score at the threshold of least VOI, and the segments there."""
    best: FieldScore | None = None
    segments = np.zeros(place.truth.shape, dtype=np.uint64)
    for threshold, found in segmentations(affinities, thresholds):
        of = voi(count_overlaps(found, place.truth))
        if best is None or of.total < best.voi.total:
            best, segments = FieldScore(threshold, of, None), found.copy()
    assert best is not None, "there is at least one threshold"
    run = _normalised_erl(segments, place, merge_threshold)
    return FieldScore(best.threshold, best.voi, run), segments


def as_volume(voxels: npt.NDArray[np.unsignedinteger], grid: Grid) -> Volume:
    """Return an array in memory as a volume."""
    return Volume((voxels,), ((1, 1, 1),), grid, "memory", "array")


def _normalised_erl(segments: Ids, place: Field, merge_threshold: int) -> float | None:
    try:
        skeletons = place.skeletons()
        nodes = lookup(as_volume(segments, place.grid), skeletons)
        return erl(
            skeletons, nodes.segment, place.voxel_size, merge_threshold=merge_threshold
        ).normalised
    except AxonemError:  # no object is long enough for a skeleton
        return None


def _middle(region: Box, most: int) -> Box:
    """Return the middle of a region, cut along all axes alike to at most so many voxels."""
    share = min(1.0, (most / max(1, region.size)) ** (1 / 3))
    shape = [max(1, int(n * share)) for n in region.shape]
    start = [a + (n - m) // 2 for a, n, m in zip(region.start, region.shape, shape, strict=True)]
    return Box(zyx(start), zyx(np.add(start, shape)))
