"""What every format gives, and what a format is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Nm, Zyx
from napari_axonem.volumes.lazy import Level
from napari_axonem.volumes.reduction import Kind


@dataclass(frozen=True, slots=True)
class Location:
    """A file or folder that exists, and what is meant inside of it."""

    path: Path
    """A file or a folder."""

    inner: str = ""
    """Name of an array or a group inside, with ``/`` between its parts; may be empty."""

    def __str__(self) -> str:
        """Return it in the form that `open_volume` takes."""
        return f"{self.path}:{self.inner}" if self.inner else str(self.path)


@dataclass(frozen=True, slots=True)
class Source:
    """A volume as its file describes it."""

    location: str
    """Where it lies, in the form that `open_volume` takes."""

    format: str
    """The format as a word for people."""

    levels: tuple[Level, ...]
    """The arrays (z, y, x), finest first."""

    factors: tuple[Zyx, ...] = ((1, 1, 1),)
    """By how much each level is reduced along z, y, x."""

    voxel_size: Nm | None = None
    """Edges (z, y, x) of a voxel in nm, None where the file does not state them."""

    origin: Nm | None = None
    """Corner (z, y, x) of the first voxel in nm, None where the file does not state it."""

    note: str = ""
    """Why there is no voxel size, where there is more to say than that it is not stated."""

    kind: Kind | None = None
    """What the file says the voxels are, None where it does not say."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be read."""

    name: str
    """What people call it."""

    suffixes: tuple[str, ...]
    """How names of its files or folders often end; they do not decide."""

    claim: Callable[[Path], str | None]
    """Looks at a file or folder and says why it is of this format, None where it is not."""

    read: Callable[[Location], Source]
    """Opens a claimed location without reading voxels."""

    names: Callable[[Path], list[str]]
    """Lists the volumes in a claimed file or folder, sorted, as they follow the colon of a
    location; a single empty name where it is one volume by itself."""

    has_inner: bool = True
    """Whether a location may name something inside of it. Without that a path to something else
    in such a folder, or to nothing, is not taken for it."""

    holds: Callable[[Path], str | None] = lambda path: None
    """Says why a folder that claims nothing has volumes of this format further down. Asked only
    of a folder that was named itself: one that lies above a name is not taken for a volume
    because of what happens to lie in it."""


def one_level(whole: Source, index: int, location: str, number: int | None = None) -> Source:
    """Return one level of a volume as a volume of its own that lies at `location`.

    Parameters
    ----------
    whole
        The volume, or as many of its levels as are open.
    index
        Which of those levels.
    location
        In the form that `open_volume` takes.
    number
        Which of all levels that is, where not all are in `whole`.
    """
    factor = whole.factors[index]
    size: Nm | None = None
    if whole.voxel_size:
        z, y, x = (s * f for s, f in zip(whole.voxel_size, factor, strict=True))
        size = (z, y, x)
    return Source(
        location=location,
        format=f"{whole.format}, level {index if number is None else number}",
        levels=(whole.levels[index],),
        voxel_size=size,
        origin=whole.origin,
        note=whole.note,
        kind=whole.kind,
    )


def spatial_axes(shape: Sequence[int], names: Sequence[str] | None, where: object) -> Zyx:
    """Return which axes of a stored array are z, y and x.

    Parameters
    ----------
    shape
        Extent of the array along its axes as stored.
    names
        What the file calls the axes, None where it does not say. Then the last three are
        z, y, x.
    where
        What to call the array in errors.

    Raises
    ------
    VolumeError
        There are not three axes of space, or another one has an extent other than 1.
    """
    if names is None:
        axes = (len(shape) - 3, len(shape) - 2, len(shape) - 1)
        words = [str(i) for i in range(len(shape))]
    else:
        words = [str(n).lower() for n in names]
        if len(words) != len(shape) or sorted(w for w in words if w in "zyx") != ["x", "y", "z"]:
            raise VolumeError(
                f"axes named {', '.join(words) or 'nothing'} for the shape {tuple(shape)}",
                where=where,
                remedy="give an array with one axis for each of z, y, x",
            )
        axes = (words.index("z"), words.index("y"), words.index("x"))
    others = [i for i in range(len(shape)) if i not in axes and shape[i] != 1]
    if len(shape) < 3 or others:
        raise VolumeError(
            f"an array of {len(shape)} axes and shape {tuple(shape)}"
            + "".join(f", axis {words[i]} having {shape[i]} entries" for i in others),
            where=where,
            remedy="give a volume of three axes (z, y, x), such as one channel of it",
        )
    if 0 in shape:
        raise VolumeError(f"shape {tuple(shape)} holds no voxels", where=where)
    return axes


def checked_dtype(dtype: object, where: object) -> np.dtype[Any]:
    """Return a type of voxels in this machine's byte order.

    Raises
    ------
    VolumeError
        The elements are not single numbers.
    """
    found = np.dtype(dtype)  # type: ignore[call-overload]
    if found.kind not in "biuf":
        raise VolumeError(
            f"elements of type {found}, which are not numbers",
            where=where,
            remedy="give an array of integers or floating-point numbers",
        )
    checked: np.dtype[Any] = found.newbyteorder("=")
    return checked
