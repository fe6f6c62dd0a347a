"""Write a volume to a file or a store, all of it or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Box, Grid, Zyx, blocks
from napari_axonem.progress import Progress, silent, tracked
from napari_axonem.volumes.checksum import Checksum, tiled_block
from napari_axonem.volumes.chunking import natural_chunk, storable
from napari_axonem.volumes.containers import check, register, store_above
from napari_axonem.volumes.disk import refuse_existing, replacing, reserved
from napari_axonem.volumes.formats.hdf5 import dataset_names
from napari_axonem.volumes.pyramid import Pyramid
from napari_axonem.volumes.reduction import Kind

ReadBox: TypeAlias = Callable[[Box], npt.NDArray[Any]]
"""Gives the voxels (z, y, x) of a box."""

_HDF5_NAME = re.compile(r"(?P<file>.*\.(?:h5|hdf5|hdf|he5))(?::(?P<dataset>.+))?", re.IGNORECASE)

_DEFAULT_DATASET: dict[Kind, str] = {"image": "image", "labels": "labels"}


@dataclass(frozen=True, slots=True)
class Written:
    """What `write_volume` wrote."""

    location: str
    """Where, in the form that `open_volume` takes."""

    checksum: str
    """`napari_axonem.volumes.checksum.Checksum` of the voxels."""


@dataclass(frozen=True, slots=True)
class _Content:
    """What is to be written."""

    read: ReadBox
    shape: Zyx
    dtype: np.dtype[Any]
    grid: Grid
    kind: Kind
    progress: Progress

    @property
    def chunk(self) -> Zyx:
        """Extent (z, y, x) of a chunk."""
        return natural_chunk(self.grid.voxel_size)

    def copy(self, write: Callable[[Box, npt.NDArray[Any]], None]) -> str:
        """Read block by block, pass each on to `write`, and return the checksum."""
        checksum = Checksum(self.shape, self.dtype)
        block = tiled_block(self.shape, self.chunk, self.dtype.itemsize, self.grid.voxel_size)
        todo = list(blocks(Box.of_shape(self.shape), block))
        for box in tracked(todo, self.progress, "writing voxels"):
            voxels = self._voxels(box)
            write(box, voxels)
            checksum.add(box, voxels)
        return checksum.hexdigest()

    def _voxels(self, box: Box) -> npt.NDArray[Any]:
        try:
            voxels = self.read(box)
        except OSError as error:  # not to be taken for a fault of the disk that is written to
            raise VolumeError(
                f"voxels {box.start}..{box.stop} to be written cannot be read ({error})"
            ) from error
        if voxels.shape != box.shape or voxels.dtype.newbyteorder("=") != self.dtype:
            raise VolumeError(
                f"voxels {box.start}..{box.stop} to be written are {voxels.dtype} "
                f"{voxels.shape}, not {self.dtype} {box.shape}"
            )
        return voxels.astype(self.dtype, copy=False)


def write_volume(
    destination: str | Path,
    read: ReadBox,
    shape: Zyx,
    dtype: npt.DTypeLike,
    grid: Grid,
    kind: Kind,
    progress: Progress = silent,
    *,
    overwrite: bool = False,
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
        attributes ``voxel_size_nm``, ``origin_nm`` and ``axes``.
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
        Replace what is at the destination. An HDF5 file with other datasets is never replaced.

    Raises
    ------
    VolumeError
        The destination exists, its suffix is not known, or `read` does not give what it should.
    StorageError
        The disk is full, read-only or failing.
    """
    checked = storable(shape, dtype, kind, destination)
    content = _Content(read, shape, checked, grid, kind, progress)
    path = Path(destination)
    hdf5 = _HDF5_NAME.fullmatch(str(destination))
    if hdf5:
        dataset = hdf5["dataset"] or _DEFAULT_DATASET[kind]
        return _write_hdf5(Path(hdf5["file"]), dataset, content, overwrite=overwrite)
    if path.suffix.lower() == ".zarr" or store_above(path):
        return _write_zarr(path, content, overwrite=overwrite)
    raise VolumeError(
        f"no known format for the suffix {path.suffix!r}",
        where=destination,
        remedy="choose a name that ends in .zarr or .h5",
    )


def _write_zarr(path: Path, content: _Content, *, overwrite: bool) -> Written:
    check(path)
    with replacing(path, overwrite=overwrite) as temporary:
        pyramid = Pyramid.create(
            temporary, content.shape, content.dtype, content.grid, content.kind, name=path.stem
        )
        checksum = content.copy(pyramid.write)
        pyramid.build_levels(content.progress)
    register(path)
    return Written(str(path), checksum)


def _write_hdf5(path: Path, dataset: str, content: _Content, *, overwrite: bool) -> Written:
    refuse_existing(path, overwrite=overwrite)
    _refuse_other_datasets(path, dataset.strip("/"))
    with (
        replacing(path, overwrite=overwrite) as temporary,
        h5py.File(temporary, "x") as file,
        reserved(temporary),  # given back before the file is closed
    ):
        array = _new_dataset(file, dataset, content)

        def write(box: Box, voxels: npt.NDArray[Any]) -> None:
            array[box.slices] = voxels
            file.flush()

        checksum = content.copy(write)
    return Written(f"{path}:{dataset.strip('/')}", checksum)


def _new_dataset(file: h5py.File, name: str, content: _Content) -> h5py.Dataset:
    array = file.create_dataset(
        name,
        content.shape,
        content.dtype,
        chunks=tuple(min(c, n) for c, n in zip(content.chunk, content.shape, strict=True)),
        compression="gzip",
        compression_opts=1,  # higher levels take several times as long for a few per cent
        shuffle=True,
    )
    array.attrs["axes"] = "zyx"
    array.attrs["voxel_size_nm"] = np.asarray(content.grid.voxel_size, dtype=np.float64)
    array.attrs["origin_nm"] = np.asarray(content.grid.origin, dtype=np.float64)
    return array


def _refuse_other_datasets(path: Path, dataset: str) -> None:
    """Raise `VolumeError` where replacing an HDF5 file would lose more than one dataset."""
    if not path.is_file() or not h5py.is_hdf5(path):
        return
    with h5py.File(path, "r") as file:
        others = [name for name in dataset_names(file) if name != dataset]
    if others:
        raise VolumeError(
            f"holds other datasets ({', '.join(others[:12])}), which would be lost",
            where=path,
            remedy="choose another name",
        )
