"""Write a volume to a file or a store, all of it or nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Box, Grid, Zyx, blocks
from napari_axonem.progress import Progress, silent, tracked
from napari_axonem.volumes.checksum import Checksum, tiled_block
from napari_axonem.volumes.chunking import storable
from napari_axonem.volumes.disk import refuse_existing, replacing
from napari_axonem.volumes.reduction import Kind
from napari_axonem.volumes.writers.registry import find_target
from napari_axonem.volumes.writers.sink import Content, Layered, Sink

ReadBox: TypeAlias = Callable[[Box], npt.NDArray[Any]]
"""Gives the voxels (z, y, x) of a box."""


@dataclass(frozen=True, slots=True)
class Written:
    """What `write_volume` wrote."""

    location: str
    """Where, in the form that `open_volume` takes."""

    checksum: str
    """`napari_axonem.volumes.checksum.Checksum` of the voxels."""


def write_volume(
    destination: str | Path,
    read: ReadBox,
    shape: Zyx,
    dtype: npt.DTypeLike,
    grid: Grid,
    kind: Kind,
    progress: Progress = silent,
    *,
    overwrite: bool | None = False,
    format: str = "",  # noqa: A002
) -> Written:
    """Write a volume block by block.

    It is written beside its destination under a hidden name, flushed to disk, and takes its
    name when it is complete. When anything fails, the destination is as it was before.

    Parameters
    ----------
    destination
        Its suffix chooses the format. ``NAME.zarr``, or a path below one, is an OME-Zarr
        pyramid (`Pyramid`); a label in a group ``labels`` is listed there. ``NAME.h5``,
        ``.hdf5`` or ``.hdf``, with ``:dataset`` if wanted (otherwise ``image`` or ``labels``
        by `kind`), is an HDF5 file of that one dataset, in chunks compressed by gzip, with the
        attributes ``voxel_size_nm``, ``origin_nm`` and ``axes``. For others see
        `napari_axonem.volumes.writers`.
    read
        Gives the voxels (z, y, x) of a box, of type `dtype`; called once for every block.
    shape
        Extent (z, y, x) in voxels.
    dtype
        Type of a voxel: any integer, for images also floating.
    grid
        Voxel size and origin in nm.
    kind
        Whether the voxels are grey values or ids.
    progress
        Called after each block.
    overwrite
        Replace what is at the destination; None where nobody could ask for that. An HDF5 file
        with other datasets is never replaced, nor is a zarr group with other volumes.
    format
        Takes the place of the suffix: ``"ome-zarr-0.4"``, or another one of
        `napari_axonem.volumes.writers.registry.format_words`.

    Raises
    ------
    VolumeError
        The destination exists, its suffix is not known, or `read` does not give what it should.
    StorageError
        The disk is full, read-only or failing.
    """
    checked = storable(shape, dtype, kind, destination)
    target = find_target(destination, kind, format)
    content = Content(shape, checked, grid, kind, target.name)
    refuse_existing(target.path, overwrite=overwrite)
    target.writer.check(target.path, content)
    with (
        replacing(target.path, overwrite=overwrite) as temporary,
        contextlib.closing(target.writer.create(temporary, content)) as sink,
    ):
        checksum = fill_sink(sink, read, content, progress)
        complete(sink, progress)
    target.writer.announce(target.path)
    return Written(target.location(), checksum)


def item_boxes(sink: Sink, content: Content, read: Zyx | None = None) -> list[Box]:
    """Return the boxes in which the voxels of `content` are best read to be written to `sink`.

    Whole blocks of the sink; of one that is not parallel, its blocks one by one. `read` is what
    is read from the source at once, where that is known.
    """
    block = sink.block
    if sink.is_parallel:
        size = content.dtype.itemsize
        block = tiled_block(content.shape, block, size, content.grid.voxel_size, read)
    return list(blocks(Box.of_shape(content.shape), block))


def fill_sink(sink: Sink, read: ReadBox, content: Content, progress: Progress) -> str:
    """Read block by block, pass each on to the sink, and return the checksum.

    Raises
    ------
    VolumeError
        `read` does not give what it should.
    StorageError
        The disk cannot be written.
    """
    checksum = Checksum(content.shape, content.dtype)
    for box in tracked(item_boxes(sink, content), progress, "writing voxels"):
        voxels = _voxels(read, box, content)
        sink.write(box, voxels)
        checksum.add(box, voxels)
    return checksum.hexdigest()


def complete(sink: Sink, progress: Progress) -> None:
    """Make the coarser levels, where the sink has any, and close it."""
    if isinstance(sink, Layered):
        todo = [(i, box) for i, boxes in enumerate(sink.coarser, 1) for box in boxes]
        for level, box in tracked(todo, progress, "making coarser levels"):
            sink.make(level, box)
    sink.finish(progress)


def _voxels(read: ReadBox, box: Box, content: Content) -> npt.NDArray[Any]:
    try:
        voxels = read(box)
    except OSError as error:  # not to be taken for a fault of the disk that is written to
        raise VolumeError(
            f"voxels {box.start}..{box.stop} to be written cannot be read ({error})"
        ) from error
    if voxels.shape != box.shape or voxels.dtype.newbyteorder("=") != content.dtype:
        raise VolumeError(
            f"voxels {box.start}..{box.stop} to be written are {voxels.dtype} "
            f"{voxels.shape}, not {content.dtype} {box.shape}"
        )
    return voxels.astype(content.dtype, copy=False)
