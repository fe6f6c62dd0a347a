"""Where training data comes from: an image with labels, and where the labels are to be believed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import MismatchError, VolumeError
from napari_axonem.geometry import Box, Nm, Zyx, zyx
from napari_axonem.training.targets import missing_image
from napari_axonem.volumes import Volume, require_labels

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

KEPT_VOXELS = 1 << 28
"""A source of at most so many voxels is held in memory: about 1.5 GB with its labels."""


@dataclass(frozen=True, slots=True)
class Patch:
    """What is read of a box."""

    image: Floats
    """Shape (z, y, x), 0 darkest and 1 brightest."""

    labels: npt.NDArray[Any]
    """Ids (z, y, x), 0 where nothing is labelled or known."""

    known: Bools
    """Where labels mean something."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSource:
    """An image and labels on one lattice, and the part of them that may be used.

    Boxes are in voxels of the labels. The image may reach beyond them, as in the blocks of the
    AxonEM release: what lies there is context.
    """

    image: Volume
    labels: Volume
    region: Box
    """Where it may be learned from; outside of it labels count as unknown."""

    move: Zyx = (0, 0, 0)
    """Voxel of the image that lies at voxel (0, 0, 0) of the labels."""

    checked: Volume | None = None
    """On the lattice of the labels, not 0 where a person has checked them; None for everywhere."""

    zero_is_background: bool = True
    """Whether label 0 is known to be no object; otherwise it is where nobody labelled."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.labels.location

    @property
    def voxel_size(self) -> Nm:
        """Edges (z, y, x) of a voxel in nm."""
        return self.labels.grid.voxel_size

    def kept(self) -> TrainingSource:
        """Return the source with all its voxels in memory, or itself where they are too many."""
        if self.image.box.size > KEPT_VOXELS:
            return self
        volumes = {"image": self.image, "labels": self.labels, "checked": self.checked}
        held = {
            name: dataclasses.replace(v, levels=(v.read(v.box),), factors=((1, 1, 1),))
            for name, v in volumes.items()
            if v is not None
        }
        return dataclasses.replace(self, **held)  # type: ignore[arg-type]

    def labelled_voxels(self) -> int:
        """Return about how many voxels can be learned from: counted, or sampled where many."""
        if self.checked is None and self.zero_is_background:
            return self.region.size  # all of them: nothing has to be read
        step = zyx(np.maximum(1, np.asarray(self.region.shape) // 64))
        known = self._known(self.region)[:: step[0], :: step[1], :: step[2]]
        return round(self.region.size * float(known.mean())) if known.size else 0

    def read(self, box: Box) -> Patch:
        """Return the voxels of a box that may reach beyond the volumes.

        Beyond its faces the image is mirrored, and labels are unknown.
        """
        image, zero = self._image(box)
        labels = _padded(box.intersect(self.region), box, self.labels.read, self.labels.dtype)
        known = self._known(box) & ~zero
        return Patch(image, np.where(known, labels, np.zeros((), labels.dtype)), known)

    def _image(self, box: Box) -> tuple[Floats, Bools]:
        """Return the image of a box of labels, and where it is missing."""
        wanted = box.shift(self.move)
        inside = wanted.intersect(self.image.box)
        if not inside.size:
            raise VolumeError(f"box {box.start}..{box.stop} outside", where=self.image.location)
        voxels = self.image.read(inside)
        pads = [
            (i - w, v - j)
            for w, i, v, j in zip(wanted.start, inside.start, wanted.stop, inside.stop, strict=True)
        ]
        if any(p for pair in pads for p in pair):
            voxels = np.pad(voxels, pads, mode="symmetric")
        return grey(voxels), missing_image(voxels)

    def _known(self, box: Box) -> Bools:
        inside = box.intersect(self.region)
        if not self.zero_is_background:
            return _padded(inside, box, lambda b: self._believed(b) & (self.labels.read(b) != 0))
        return _padded(inside, box, self._believed)

    def _believed(self, box: Box) -> Bools:
        if self.checked is None:
            return np.ones(box.shape, dtype=np.bool_)
        believed: Bools = self.checked.read(box) != 0
        return believed


def make_source(
    image: Volume,
    labels: Volume,
    *,
    region: Box | None = None,
    checked: Volume | None = None,
    zero_is_background: bool = True,
) -> TrainingSource:
    """Return a source from volumes that lie on one lattice.

    Raises
    ------
    MismatchError
        Voxel sizes differ, the origins are not whole voxels apart, the labels reach beyond the
        image, or the checked voxels are of another shape than the labels.
    VolumeError
        The labels are not labels, or the region holds no voxel of them.
    """
    require_labels(labels)
    _same_lattice(image, labels)
    apart = np.subtract(labels.grid.origin, image.grid.origin) / image.grid.voxel_size
    move = zyx(np.rint(apart))
    if labels.box.shift(move).intersect(image.box).size != labels.box.size:
        raise MismatchError(
            f"labels {labels.shape} at voxel {move} reach beyond the image {image.shape}",
            where=labels.location,
            remedy="crop them to the image",
        )
    if checked is not None and checked.shape != labels.shape:
        raise MismatchError(
            f"shape {checked.shape}, not {labels.shape} as the labels", where=checked.location
        )
    used = labels.box if region is None else region.intersect(labels.box)
    if not used.size:
        raise VolumeError(
            f"no voxel of {labels.shape} in the region {region}",
            where=labels.location,
            remedy="name a region inside of the labels, z before y before x",
        )
    return TrainingSource(image, labels, used, move, checked, zero_is_background)


def grey(voxels: npt.NDArray[Any]) -> Floats:
    """Return grey values as float32, 0 for the darkest and 1 for the brightest of their type.

    Floating images are taken to lie in 0..1 already.
    """
    if voxels.dtype.kind == "f":
        return voxels.astype(np.float32)
    info = np.iinfo(voxels.dtype)
    scaled: Floats = (voxels.astype(np.float32) - info.min) / np.float32(info.max - info.min)
    return scaled


def _same_lattice(image: Volume, labels: Volume) -> None:
    ours, theirs = np.asarray(image.grid.voxel_size), np.asarray(labels.grid.voxel_size)
    if not np.allclose(ours, theirs, rtol=1e-3):
        raise MismatchError(
            f"voxels of {tuple(theirs)} nm, and of {tuple(ours)} nm in the image",
            where=labels.location,
            remedy="resample one of them, or correct its voxel size",
        )
    apart = np.subtract(labels.grid.origin, image.grid.origin) / ours
    if not np.allclose(apart, np.rint(apart), atol=0.05):
        raise MismatchError(
            f"labels and image lie {tuple(apart)} voxels apart, not a whole number",
            where=labels.location,
        )


def _padded(
    inside: Box,
    box: Box,
    read: Callable[[Box], npt.NDArray[Any]],
    dtype: Any = np.bool_,  # noqa: ANN401
) -> npt.NDArray[Any]:
    """Return an array of `box` with what is read of `inside`, 0 elsewhere."""
    if inside == box:
        return read(box)
    whole = np.zeros(box.shape, dtype=dtype)
    if inside.size:
        whole[inside.relative_to(box.start).slices] = read(inside)
    return whole
