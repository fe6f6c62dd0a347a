"""Neuroglancer precomputed: a folder of scales in chunk files, by tensorstore.

Nothing is lost: images are raw, ids of 32 and 64 bits take the format's own compression.

The format counts voxels from the zero of space, at each scale in voxels of that scale. A coarser
voxel therefore covers whole windows of that lattice, not of the volume's: where the volume
begins inside a window, the first voxel of the scale is made from the part that is there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import AxonemError, StorageError, VolumeError
from napari_axonem.geometry import SNAP, Box, Zyx, blocks, zyx
from napari_axonem.progress import Progress
from napari_axonem.volumes.chunking import BLOCK_BYTES, block_shape, natural_chunk
from napari_axonem.volumes.disk import guarded
from napari_axonem.volumes.formats.remote import plain, tensorstore
from napari_axonem.volumes.reduction import Kind, level_factors, reduce_block
from napari_axonem.volumes.writers.sink import Content, Writer

_TYPES = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "float32")
"""What a voxel of the format can be."""

_TORN = "*.__lock"
"""What tensorstore calls a file while it writes it; one is left where a process was killed."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """One scale, in voxels of its own."""

    factor: Zyx
    """By how much it is reduced."""

    box: Box
    """Where it lies, counted from the zero of space."""

    chunk: Zyx
    """Extent of a chunk; the first one begins where the scale does."""


@dataclass(frozen=True, slots=True, eq=False)
class _Scales:
    """A volume that is being written; every chunk file takes its name when it is whole."""

    path: Path
    content: Content
    scales: tuple[_Scale, ...]
    arrays: tuple[Any, ...]
    """Arrays of tensorstore, axes (z, y, x), counted from the zero of space."""

    @property
    def block(self) -> Zyx:
        """A chunk, so that none is written by two processes."""
        return self.scales[0].chunk

    @property
    def is_parallel(self) -> bool:
        """Each block has its own chunks."""
        return True

    def write(self, box: Box, voxels: npt.NDArray[Any]) -> None:
        """Write one block of the finest scale."""
        self._write(0, box.shift(self.scales[0].box.start), voxels)

    @property
    def coarser(self) -> Sequence[Sequence[Box]]:
        """The blocks of scale 1, 2 and so on."""
        return [list(blocks(Box.of_shape(s.box.shape), self._block(s))) for s in self.scales[1:]]

    def make(self, level: int, box: Box) -> None:
        """Make one block of a coarser scale."""
        scale, finer = self.scales[level], self.scales[level - 1]
        step = zyx(np.floor_divide(scale.factor, finer.factor))
        target = box.shift(scale.box.start)
        source = Box(zyx(np.multiply(target.start, step)), zyx(np.multiply(target.stop, step)))
        source = source.intersect(finer.box)
        voxels = self._read(level - 1, source)
        self._write(level, target, _reduced(voxels, source.start, step, self.content.kind))

    def finish(self, progress: Progress) -> None:
        """Remove what killed processes have left between the chunks."""
        with guarded(self.path):
            for file in self.path.rglob(_TORN):
                file.unlink()

    def close(self) -> None:
        """Nothing is held open."""

    def _block(self, scale: _Scale) -> Zyx:
        size = self.content.grid.coarser(scale.factor).voxel_size
        itemsize = self.content.dtype.itemsize
        # An eighth of what a block may be: it is made from up to eight times as many voxels.
        return block_shape(scale.box.shape, scale.chunk, itemsize, size, BLOCK_BYTES // 8)

    def _read(self, level: int, box: Box) -> npt.NDArray[Any]:
        try:
            return np.asarray(self.arrays[level][box.slices].read().result())
        except Exception as error:  # tensorstore's, of many kinds
            raise VolumeError(
                f"voxels {box.start}..{box.stop} of scale {level} cannot be read back "
                f"({plain(error)})",
                where=self.path,
                remedy="check the disk, then write it again",
            ) from error

    def _write(self, level: int, box: Box, voxels: npt.NDArray[Any]) -> None:
        try:
            self.arrays[level][box.slices].write(voxels).result()
        except Exception as error:  # tensorstore's, of many kinds
            raise StorageError(
                f"voxels {box.start}..{box.stop} of scale {level} cannot be written "
                f"({plain(error)})",
                where=self.path,
                remedy="check that the disk has space and may be written to",
            ) from error


def _reduced(
    voxels: npt.NDArray[Any], start: Sequence[int], step: Zyx, kind: Kind
) -> npt.NDArray[Any]:
    """Reduce voxels that begin at `start` by the windows of the lattice that begins at 0."""
    for axis, (first, extent, window) in enumerate(zip(start, voxels.shape, step, strict=True)):
        head = -first % window
        if 0 < head < extent:
            parts = np.split(voxels, [head], axis)
            rest = [a + head * (i == axis) for i, a in enumerate(start)]
            return np.concatenate(
                [_reduced(v, s, step, kind) for v, s in zip(parts, (start, rest), strict=True)],
                axis,
            )
    return reduce_block(voxels, step, kind)


def _scales(content: Content, where: Path) -> tuple[_Scale, ...]:
    """Return the scales, finest first."""
    start = _offset(content, where)
    stop = zyx(np.add(start, content.shape))
    return tuple(
        _Scale(
            factor,
            Box(
                zyx([math.floor(a / f) for a, f in zip(start, factor, strict=True)]),
                zyx([-(-b // f) for b, f in zip(stop, factor, strict=True)]),
            ),
            natural_chunk(content.grid.coarser(factor).voxel_size),
        )
        for factor in level_factors(content.shape, content.grid.voxel_size)
    )


def _offset(content: Content, where: Path) -> Zyx:
    """Return the first voxel, counted from the zero of space.

    Raises
    ------
    VolumeError
        The origin lies inside a voxel. To move the volume to the nearest would put it beside
        others of the same place.
    """
    exact = np.divide(content.grid.origin, content.grid.voxel_size)
    nearest = np.rint(exact)
    if np.any(np.abs(exact - nearest) > SNAP * np.maximum(1.0, np.abs(nearest))):
        raise VolumeError(
            f"the origin {content.grid.origin} nm is no multiple of the voxel size "
            f"{content.grid.voxel_size} nm, but precomputed volumes begin at a whole voxel",
            where=where,
            remedy="pass --origin with such a multiple, or write OME-Zarr or HDF5 instead",
        )
    return zyx(nearest)


def _check(path: Path, content: Content) -> None:
    """Raise `VolumeError` where the format has no such voxels, place, or library."""
    tensorstore(path)
    if content.dtype.name not in _TYPES:
        raise VolumeError(
            f"{content.kind} of type {content.dtype}, but precomputed volumes are of "
            f"{', '.join(_TYPES)}",
            where=path,
            remedy="convert the voxels to one of these, or write OME-Zarr or HDF5 instead",
        )
    _offset(content, path)


def _create(path: Path, content: Content) -> _Scales:
    return _open(path, content, is_new=True)


def _resume(path: Path, content: Content) -> _Scales:
    return _open(path, content, is_new=False)


def _open(path: Path, content: Content, *, is_new: bool) -> _Scales:
    scales = _scales(content, path)
    module = tensorstore(path)
    # Files are brought to the disk at once, by whoever drives the sink.
    context = module.Context({"file_io_sync": False})
    try:
        with guarded(path):
            path.mkdir(parents=True, exist_ok=True)
        arrays = [
            module.open(_spec(path, content, scale, is_new=is_new), context=context).result()
            for scale in scales
        ]
    except AxonemError:
        raise
    except Exception as error:  # tensorstore's, of many kinds
        raise StorageError(
            f"cannot be {'begun' if is_new else 'gone on with'} ({plain(error)})",
            where=path,
            remedy="check that the disk has space and may be written to",
        ) from error
    return _Scales(path, content, scales, tuple(array[..., 0].T for array in arrays))


def _spec(path: Path, content: Content, scale: _Scale, *, is_new: bool) -> dict[str, Any]:
    """Return what tensorstore is to create or to open; the format's axes are x, y, z."""
    is_packed = content.kind == "labels" and content.dtype.name in ("uint32", "uint64")
    packing = {"compressed_segmentation_block_size": [8, 8, 8]} if is_packed else {}
    return {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": f"{path.as_posix()}/"},
        "open": True,
        "create": is_new,
        "multiscale_metadata": {
            "type": "segmentation" if content.kind == "labels" else "image",
            "data_type": content.dtype.name,
            "num_channels": 1,
        },
        "scale_metadata": {
            "resolution": content.grid.coarser(scale.factor).voxel_size[::-1],
            "size": scale.box.shape[::-1],
            "voxel_offset": scale.box.start[::-1],
            "chunk_size": scale.chunk[::-1],
            "encoding": "compressed_segmentation" if is_packed else "raw",
            **packing,
        },
        # Programs of the field take a chunk without a file for a mistake.
        "store_data_equal_to_fill_value": True,
    }


PRECOMPUTED = Writer(
    name="precomputed",
    suffixes=(".precomputed",),
    create=_create,
    resume=_resume,
    check=_check,
)
"""Registered in `napari_axonem.volumes.writers.registry`."""
