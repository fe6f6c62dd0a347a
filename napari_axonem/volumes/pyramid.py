"""A writable OME-Zarr pyramid: an image or labels at several scales on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import zarr

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Box, Grid, Zyx, blocks
from napari_axonem.progress import Progress, silent, tracked
from napari_axonem.volumes.arrays import create_arrays, write_chunks
from napari_axonem.volumes.chunking import BLOCK_BYTES, natural_block, natural_chunk, storable
from napari_axonem.volumes.disk import refuse_existing
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


@dataclass(frozen=True, slots=True, eq=False)
class Pyramid:
    """An OME-Zarr image or labels of several levels that can be written.

    zarr 3 with OME-NGFF 0.5 metadata, or zarr 2 with 0.4: axes z, y, x in nanometers, a scale and
    a translation of every level (`napari_axonem.volumes.formats.ngff` says what they mean). A
    level is made from the next finer one, by means or, for labels, by the most frequent id
    (`reduce_block`).

    Threads and processes may `write` at the same time, as long as no chunk is written by two.
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

    version: str = ngff.VERSION
    """Of the OME-NGFF metadata."""

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
        version: ngff.Version = ngff.VERSION,
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
        version
            Of OME-NGFF: 0.5 in zarr 3, or 0.4 in zarr 2 for programs that read no other.

        Raises
        ------
        VolumeError
            Something has that name, or the shape or the type cannot be had.
        StorageError
            The disk cannot be written.
        """
        refuse_existing(path, overwrite=None)
        dtype = storable(shape, dtype, kind, path)
        factors = level_factors(shape, grid.voxel_size)
        arrays = create_arrays(
            path,
            ngff.attributes(name or path.stem, grid, factors, kind, version),
            [reduced_shape(shape, factor) for factor in factors],
            dtype,
            chunk or natural_chunk(grid.voxel_size),
            version,
        )
        return cls(path, arrays, factors, grid, kind, writable=True, version=version)

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
        axes = "".join(axis.name for axis in found.axes)
        if grid is None or axes != "zyx" or [a.shape for a in arrays] != shapes:
            raise VolumeError(
                "its levels are not those of a pyramid z, y, x in nm made of halves",
                where=path,
                remedy="convert it with 'napari-axonem convert'",
            )
        return cls(path, arrays, factors, grid, found.kind, writable, found.version)

    @property
    def volume(self) -> Volume:
        """The pyramid as a volume to read from; it shows what is written later as well."""
        return Volume(
            levels=self._levels(),
            factors=self.factors,
            grid=self.grid,
            location=str(self.path),
            format=f"OME-Zarr {self.version}",
            kind="labels" if self.kind == "labels" else None,
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

        Raises
        ------
        VolumeError
            A level cannot be read.
        StorageError
            The disk cannot be written.
        """
        todo = list(self._blocks_above(box))
        for level, block in tracked(todo, progress, "making coarser levels"):
            self.refresh_block(level, block)

    def coarser_blocks(self) -> list[list[Box]]:
        """Return the blocks in which level 1, level 2 and so on are made by `refresh_block`."""
        found: list[list[Box]] = [[] for _ in self.arrays[1:]]
        for level, block in self._blocks_above(Box.of_shape(self.shape)):
            found[level - 1].append(block)
        return found

    def refresh_block(self, level: int, block: Box) -> None:
        """Make the voxels of one block of a coarser level anew from the next finer one.

        Parameters
        ----------
        level
            1 or more.
        block
            In voxels of that level.

        Raises
        ------
        VolumeError
            The finer level cannot be read.
        StorageError
            The disk cannot be written.
        """
        step = self._step(level)
        finer = self._levels()[level - 1]
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
        write_chunks(self.arrays[level], box, array, level, self.path)


def _times(index: Zyx, factor: Zyx) -> Zyx:
    z, y, x = (i * f for i, f in zip(index, factor, strict=True))
    return z, y, x


def _over(index: Zyx, factor: Zyx) -> Zyx:
    z, y, x = (i // f for i, f in zip(index, factor, strict=True))
    return z, y, x
