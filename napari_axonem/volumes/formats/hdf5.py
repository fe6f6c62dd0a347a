"""HDF5: one dataset of a file, named after a colon (``file.h5:group/dataset``)."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError, VolumeLostError
from napari_axonem.volumes.formats.attributes import Spacing, axis_names, spacing
from napari_axonem.volumes.formats.hdf5_fast import chunk_reader
from napari_axonem.volumes.formats.source import (
    Format,
    Location,
    Source,
    checked_dtype,
    spatial_axes,
)
from napari_axonem.volumes.lazy import Level


def _claim(path: Path) -> str | None:
    if path.is_file() and h5py.is_hdf5(path):
        return "the file has the HDF5 signature"
    return None


def _read(location: Location) -> Source:
    file = open_file(location.path)
    try:
        dataset = _dataset(file, location)
        where = str(Location(location.path, dataset.name.lstrip("/")))
        return _source(dataset, where)
    except BaseException:
        file.close()
        raise


def _source(dataset: h5py.Dataset, where: str) -> Source:
    _check_filters(dataset, where)
    names = axis_names(dict(dataset.attrs)) or _dimension_labels(dataset)
    level = Level(
        stored=chunk_reader(dataset, partial(_voxels, dataset)),
        stored_shape=dataset.shape,
        dtype=checked_dtype(dataset.dtype, where),
        where=where,
        axes=spatial_axes(dataset.shape, names, where),
        stored_chunks=dataset.chunks,
        watch=_Watch.over(Path(dataset.file.filename)),
    )
    found = _spacing(dataset)
    return Source(
        location=where,
        format="HDF5",
        levels=(level,),
        voxel_size=found.voxel_size,
        origin=found.origin,
        note=found.note,
    )


@dataclass(frozen=True, slots=True)
class _Watch:
    """Sees to it that nobody writes to a file while it is read.

    HDF5 keeps much of a file in memory, and what it reads from one that was changed may be
    anything. A file that was deleted or replaced goes on to be read as it was.
    """

    path: Path
    inode: int
    version: tuple[int, int]
    """Size, and time of the last change."""

    @classmethod
    def over(cls, path: Path) -> _Watch:
        """Return a watch over the file that is there now."""
        found = path.stat()
        return cls(path, found.st_ino, (found.st_size, found.st_mtime_ns))

    def __call__(self, _: object) -> None:
        """Raise `VolumeLostError` where the file was changed in place."""
        with contextlib.suppress(FileNotFoundError):
            found = self.path.stat()
            if found.st_ino == self.inode and self.version != (found.st_size, found.st_mtime_ns):
                raise VolumeLostError(
                    "changed while it was open", where=self.path, remedy="open it again"
                )


def _voxels(dataset: h5py.Dataset, box: tuple[slice, ...]) -> npt.NDArray[Any]:
    return np.asarray(dataset[box])


def open_file(path: Path) -> h5py.File:
    """Open an HDF5 file for reading.

    Raises
    ------
    VolumeError
        It is damaged, or being written.
    """
    try:
        # Files on network drives often cannot be locked; they are only read here.
        return h5py.File(path, "r", locking="best-effort")
    except OSError as error:
        raise VolumeError(
            f"an HDF5 file that cannot be opened ({error})",
            where=path,
            remedy="check that it is complete and that no other program is writing it",
        ) from error


def dataset_names(group: h5py.Group) -> list[str]:
    """Return the names of all datasets of a file or group, sorted."""
    names: list[str] = []

    def visit(name: str, node: object) -> None:
        if isinstance(node, h5py.Dataset):
            names.append(name)

    group.visititems(visit)
    return sorted(names)


def _names(path: Path) -> list[str]:
    with open_file(path) as file:
        return [name for name in dataset_names(file) if len(file[name].shape or ()) >= 3]


def _dataset(file: h5py.File, location: Location) -> h5py.Dataset:
    """Return the dataset that is named, or the only one of three axes where none is."""
    node = node_in(file, location)
    if isinstance(node, h5py.Dataset):
        return node
    names = dataset_names(node)
    wide = [name for name in names if len(node[name].shape or ()) >= 3]
    if len(wide) == 1:
        return node[wide[0]]
    seen = f"{len(wide)} datasets" if wide else "no dataset"
    first = f"{node.name}/{(wide or ['NAME'])[0]}".lstrip("/")
    raise VolumeError(
        f"{seen} of three axes ({_listed(node, names)})",
        where=location,
        remedy=f"name the dataset after a colon, as in {location.path}:{first}",
    )


def node_in(file: h5py.File, location: Location) -> h5py.Dataset | h5py.Group:
    """Return what a location names in its open file; the file itself where it names nothing.

    Raises
    ------
    VolumeError
        There is nothing of that name; it lists what there is.
    """
    if not location.inner:
        return file
    try:
        node = file[location.inner]
    except (KeyError, ValueError, OSError, RuntimeError) as error:
        raise VolumeError(
            f"no dataset named {location.inner!r}",
            where=location.path,
            remedy=f"name one of those there: {_listed(file, dataset_names(file))}",
        ) from error
    return node


def _listed(group: h5py.Group, names: list[str]) -> str:
    """Return names with shapes and types as one line."""
    few = [f"{name} {group[name].shape} {group[name].dtype}" for name in names[:12]]
    return ", ".join(few + ["..."] * (len(names) > 12)) or "the file is empty"


def _check_filters(dataset: h5py.Dataset, where: str) -> None:
    """Raise `VolumeError` where HDF5 cannot undo how the dataset is compressed."""
    created = dataset.id.get_create_plist()
    for i in range(created.get_nfilters()):
        code, _, _, name = created.get_filter(i)
        if not h5py.h5z.filter_avail(code):
            raise VolumeError(
                f"compressed by the HDF5 filter {code} ({name.decode('ascii', 'replace')}), "
                "which is not installed",
                where=where,
                remedy="install it ('pip install hdf5plugin' has most of them) and import it, or "
                "repack the file with h5repack",
            )


def _dimension_labels(dataset: h5py.Dataset) -> list[str] | None:
    labels = [str(d.label).lower() for d in dataset.dims]
    return labels if labels and all(labels) else None


def _spacing(dataset: h5py.Dataset) -> Spacing:
    """Return what the dataset says, or else the nearest group above it."""
    node: h5py.Dataset | h5py.Group = dataset
    while True:
        found = spacing(dict(node.attrs))
        if found != Spacing() or node.name == "/":
            return found
        node = node.parent


HDF5 = Format("HDF5", (".h5", ".hdf5", ".hdf", ".he5"), _claim, _read, _names)
"""Registered in `napari_axonem.volumes.formats.registry`."""
