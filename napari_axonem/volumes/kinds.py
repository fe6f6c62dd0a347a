"""Image or labels: whether the voxels of a volume are grey values or ids."""

from __future__ import annotations

import re

import numpy as np

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Box, zyx
from napari_axonem.volumes.reduction import Kind
from napari_axonem.volumes.roles import guess_roles
from napari_axonem.volumes.volume import Volume

_STORE = re.compile(
    r"\.(?:zarr|zip|n5|precomputed|h5|hdf5|hdf|he5|tif|tiff|btf|nrrd|nhdr|nii|gz)$", re.IGNORECASE
)
"""Names of files and folders that hold volumes, whatever the names of folders around them."""

SAMPLE = (4, 128, 128)
"""Voxels (z, y, x) in the middle of a level that integers are judged by."""

ALIKE = 0.5
"""From this share of equal neighbours on, integers are taken for labels.

Neighbours in a label volume mostly share an id; in an image the noise alone makes most
of them differ.
"""


def kind_of(volume: Volume) -> tuple[Kind, str]:
    """Return what a volume holds, and why it is taken for that.

    What the file says counts most. Floating-point numbers are an image and truth values labels,
    whatever they are called. Of integers the name decides, as `guess_roles` understands it:
    that of the array, else that of the file. Where the name says nothing, 8 bits are an image,
    32 and 64 bits are labels, and of 16 bits a few voxels are looked at.
    """
    if volume.kind is not None:
        return volume.kind, f"its {volume.format} metadata say so"
    by_type = f"its type is {volume.dtype}"
    if volume.dtype.kind not in "iu":
        return ("labels" if volume.dtype.kind == "b" else "image"), by_type
    named = kind_by_name(volume.location)
    if named is not None:
        return named
    if volume.dtype.itemsize == 2:
        try:
            return _kind_by_look(volume, len(volume.levels) - 1)
        except VolumeError:
            return "image", "its 16 bits cannot be looked at"
    return ("image" if volume.dtype.itemsize == 1 else "labels"), by_type


def refuse_image(volume: Volume) -> None:
    """Refuse grey values where ids are wanted.

    A few objects fit into 8 bits, which `kind_of` takes for an image, and metadata may be silent
    of labels. So the voxels have to look like grey values too, at the finest level, where the
    smallest objects are largest.

    Raises
    ------
    VolumeError
        It is an image, or the middle of it cannot be read.
    """
    kind, why = kind_of(volume)
    if kind == "labels":
        return
    kind, seen = _kind_by_look(volume, 0)
    if kind == "image":
        raise VolumeError(
            f"it is an image and no labels: {why}, and {seen}",
            where=volume.location,
            remedy="name a volume of ids; if these are ids, write them as such with "
            "'napari-axonem convert SRC DST --kind labels'",
        )


def kind_by_name(location: str) -> tuple[Kind, str] | None:
    """Return what the name of an array, or else that of its file, tells; None for nothing."""
    for name in reversed(parts_inside(location)):  # the array, then what it lies in
        roles = set(guess_roles([name]))
        why = f"it is named {name!r}"
        if roles == {"image"}:
            return "image", why
        if roles and "image" not in roles:
            return "labels", why
    return None


def parts_inside(location: str) -> list[str]:
    """Return the names from that of the file or store down to that of the array."""
    parts = [part for part in re.split(r"[/\\:]", location) if part]
    stores = [at for at, part in enumerate(parts) if _STORE.search(part)]
    return parts[stores[0] :] if stores else parts[-1:]


def _kind_by_look(volume: Volume, level: int) -> tuple[Kind, str]:
    shape = Box.of_shape(volume.levels[level].shape).shape
    extent = np.minimum(shape, SAMPLE)
    start = np.subtract(shape, extent) // 2
    sample = volume.read(Box(zyx(start), zyx(start + extent)), level)
    left, right = sample[..., :-1], sample[..., 1:]
    pairs = (left != 0) | (right != 0)  # empty space tells nothing
    if not pairs.any():  # an image is hardly ever black in the middle
        return "labels", "it is empty in the middle"
    if np.mean((left == right)[pairs]) >= ALIKE:
        return "labels", "neighbouring voxels are mostly equal"
    return "image", "neighbouring voxels mostly differ"
