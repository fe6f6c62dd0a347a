"""A writable OME-Zarr pyramid: an image or labels at several scales on disk."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import zarr
import zarr.codecs

from napari_axonem.errors import AxonemError, StorageError, VolumeError
from napari_axonem.geometry import Box, Grid, Zyx, blocks
from napari_axonem.progress import Progress, silent, tracked
from napari_axonem.volumes.chunking import BLOCK_BYTES, natural_block, natural_chunk, storable
from napari_axonem.volumes.disk import guarded, refuse_existing
from napari_axonem.volumes.formats import ngff
from napari_axonem.volumes.formats.zarr import array_in, open_node, zarr_level
from napari_axonem.volumes.lazy import Level
from napari_axonem.volumes.reduction import (
    Kind,
    level_factors,
    reduce_block,
    reduced_shape,
)
from napari_axonem.volumes.volume import Volume

__all__ = ["Pyramid", "natural_block", "natural_chunk"]

_WRITERS = min(8, os.cpu_count() or 1)
"""Chunks of one block that are compressed and written at the same time."""

_CODEC = zarr.codecs.ZstdCodec(level=1, checksum=True)
"""On ids and EM grey values alike as small as Blosc's shuffles and higher levels, and faster.

With the checksum a damaged chunk is an error, never other ids.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Pyramid:
    """An OME-Zarr image or labels of several levels that can be written.

    zarr 3 with OME-NGFF 0.5 metadata: axes z, y, x in nanometers, a scale and a translation of
    every level (`napari_axonem.volumes.formats.ngff` says what they mean). A level is made from
    the next finer one, by means or, for labels, by the most frequent id (`reduce_block`).

    Threads may `write` at the same time, as long as no chunk is written by two of them.
    """

    path: Path
    """The folder of the group."""

    arrays: tuple[zarr.Array[Any], ...]
    """The levels, finest first."""

    factors: tuple[Zyx, ...]
    """By how much each level is reduced along z, y, x; the first is (1, 1, 1)."""

    grid: Grid
    """Voxel size and origin of the finest level in nm."""

    kind: Kind
    """Whether the voxels are grey values or ids."""

    writable: bool
    """Whether `write` may be called."""

    @classmethod
    def create(
        cls,
        path: Path,
        shape: Zyx,
        dtype: npt.DTypeLike,
        grid: Grid,
        kind: Kind,
        chunk: Zyx | None = None,
        name: str = "",
    ) -> Self:
        """Make a pyramid with all levels and no voxels: every one reads as 0.

        Parameters
        ----------
        path
            Folder that comes into being.
        shape
            Extent (z, y, x) of the finest level in voxels.
        dtype
            Type of a voxel: any integer, for images also floating.
        grid
            Voxel size and origin in nm.
        kind
            Whether the voxels are grey values or ids.
        chunk
            Extent (z, y, x) of a chunk; `natural_chunk` where None.
        name
            Name of the image; that of the folder where empty.

        Raises
        ------
        VolumeError
            Something has that name, or the shape or the type cannot be had.
        StorageError
            The disk cannot be written.
        """
        refuse_existing(path, overwrite=False)
        dtype = storable(shape, dtype, kind, path)
        factors = level_factors(shape, grid.voxel_size)
        chunk = chunk or natural_chunk(grid.voxel_size)
        with guarded(path):
            attributes = ngff.attributes(name or path.stem, grid, factors, kind)
            group = zarr.create_group(path, zarr_format=3, attributes=attributes)
            arrays = tuple(
                group.create_array(
                    str(level),
                    shape=reduced_shape(shape, factor),
                    dtype=dtype,
                    chunks=chunk,
                    compressors=_CODEC,
                    fill_value=0,
                    dimension_names=("z", "y", "x"),
                )
                for level, factor in enumerate(factors)
            )
        return cls(path, arrays, factors, grid, kind, writable=True)

    @classmethod
    def open(cls, path: Path, *, writable: bool = False) -> Self:
        """Open a pyramid that `create` made, or one that is laid out in the same way.

        Raises
        ------
        VolumeError
            There is none at `path`, it is damaged, or it is laid out otherwise than `create`
            does; `open_volume` reads more than this.
        """
        node = open_node(path, mode="r+" if writable else "r")
        found = ngff.parse(node.attrs.asdict(), str(path)) if isinstance(node, zarr.Group) else None
        if not isinstance(node, zarr.Group) or found is None:
            raise VolumeError(
                "not an OME-Zarr image", where=path, remedy="name the group that holds the levels"
            )
        arrays = tuple(array_in(node, d.path, path) for d in found.datasets)
        grid = ngff.grid_of(found, str(path))
        factors = ngff.factors_of(found, [a.shape for a in arrays], str(path))
        shapes = [reduced_shape(arrays[0].shape, f) for f in factors]
        if grid is None or len(found.axes) != 3 or [a.shape for a in arrays] != shapes:
            raise VolumeError(
                "its levels are not those of a pyramid z, y, x in nm made of halves",
                where=path,
                remedy="convert it with 'napari-axonem convert'",
            )
        return cls(path, arrays, factors, grid, found.kind, writable)

    @property
    def volume(self) -> Volume:
        """The pyramid as a volume to read from; it shows what is written later as well."""
        return Volume(
            levels=self._levels(),
            factors=self.factors,
            grid=self.grid,
            location=str(self.path),
            format=f"OME-Zarr {ngff.VERSION}",
        )

    @property
    def shape(self) -> Zyx:
        """Extent (z, y, x) of the finest level in voxels."""
        return Box.of_shape(self.arrays[0].shape).shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a voxel."""
        return np.dtype(self.arrays[0].dtype)

    @property
    def chunk(self) -> Zyx:
        """Extent (z, y, x) of a chunk in voxels, the same at all levels."""
        return Box.of_shape(self.arrays[0].chunks).shape

    def write(self, box: Box, array: npt.NDArray[Any]) -> None:
        """Write voxels at the finest level; coarser levels wait for `refresh_levels`.

        Parameters
        ----------
        box
            Where, in voxels of the finest level.
        array
            Voxels (z, y, x) of the pyramid's type and the box's shape.

        Raises
        ------
        VolumeError
            Wrong box, shape or type, or the pyramid was opened for reading.
        StorageError
            The disk cannot be written.
        """
        if array.dtype != self.dtype or array.shape != box.shape:
            raise VolumeError(
                f"voxels {array.dtype} {array.shape} do not fit {self.dtype} {box.shape}",
                where=self.path,
            )
        self._write(0, box, array)

    def build_levels(self, progress: Progress = silent) -> None:
        """Make all coarser levels from the finest one, block by block.

        Raises
        ------
        VolumeError
            A level cannot be read.
        StorageError
            The disk cannot be written.
        """
        self.refresh_levels(Box.of_shape(self.shape), progress)

    def refresh_levels(self, box: Box, progress: Progress = silent) -> None:
        """Make those voxels of all coarser levels anew that depend on `box`.

        Parameters
        ----------
        box
            What was written, in voxels of the finest level.
        progress
            Called after each block of each level.
        """
        todo = list(self._blocks_above(box))
        levels = self._levels()
        for level, block in tracked(todo, progress, "making coarser levels"):
            step = self._step(level)
            finer = levels[level - 1]
            source = Box(_times(block.start, step), _times(block.stop, step)).intersect(
                Box.of_shape(finer.shape)
            )
            self._write(level, block, reduce_block(finer[source.slices], step, self.kind))

    def _blocks_above(self, box: Box) -> Iterator[tuple[int, Box]]:
        """Yield the blocks of coarser levels that depend on `box`, finer levels first."""
        box = box.intersect(Box.of_shape(self.shape))
        for level in range(1, len(self.arrays)):
            step = self._step(level)
            start, stop = _over(box.start, step), reduced_shape(box.stop, step)
            box = Box(start, stop)
            if box.size:
                shape = natural_block(self.volume, BLOCK_BYTES // 8, level)
                yield from ((level, block) for block in blocks(box, shape))

    def _step(self, level: int) -> Zyx:
        return _over(self.factors[level], self.factors[level - 1])

    def _levels(self) -> tuple[Level, ...]:
        return tuple(zarr_level(a, f"{self.path}/{i}") for i, a in enumerate(self.arrays))

    def _write(self, level: int, box: Box, array: npt.NDArray[Any]) -> None:
        if not self.writable:
            raise VolumeError(
                "opened for reading only", where=self.path, remedy="open it as writable"
            )
        if box != box.intersect(Box.of_shape(self.arrays[level].shape)):
            raise VolumeError(
                f"box {box.start}..{box.stop} is not inside the shape {self.arrays[level].shape}",
                where=self.path,
            )
        # One call for each chunk, and all of them waited for: of one call for many, zarr goes on
        # writing the others in the background after it has raised the error of the first.
        pieces = list(blocks(box, self.chunk))
        if len(pieces) == 1:
            self._write_chunk(level, box, array)
            return
        with ThreadPoolExecutor(_WRITERS) as pool:
            parts = [array[piece.relative_to(box.start).slices] for piece in pieces]
            list(pool.map(self._write_chunk, itertools.repeat(level), pieces, parts))

    def _write_chunk(self, level: int, box: Box, array: npt.NDArray[Any]) -> None:
        try:
            with guarded(self.path):
                self.arrays[level][box.slices] = array
        except AxonemError:
            raise
        except Exception as error:  # a chunk that is only partly covered is read first
            raise StorageError(
                f"voxels {box.start}..{box.stop} of level {level} cannot be written "
                f"({type(error).__name__}: {error})",
                where=self.path,
                remedy="check that its files are complete",
            ) from error


def _times(index: Zyx, factor: Zyx) -> Zyx:
    z, y, x = (i * f for i, f in zip(index, factor, strict=True))
    return z, y, x


def _over(index: Zyx, factor: Zyx) -> Zyx:
    z, y, x = (i // f for i, f in zip(index, factor, strict=True))
    return z, y, x
