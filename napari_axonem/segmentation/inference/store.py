"""Affinities on disk: a zarr group that is there from the first block on.

``PATH/0`` holds the affinities (3, z, y, x) to the nearest lower neighbours, as `open_affinities`
wants them, ``PATH/long_range`` those at the other offsets of the model, if it has any. The
group's attributes say the grid, as OME-Zarr does, and the offsets.

Affinities are uint8, 255 is 1: a step of 0.004 is finer than networks in bf16 tell apart, a byte
is half of what float16 takes on disk and on its way to the watershed, which takes both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import zarr
import zarr.codecs

from napari_axonem.errors import StorageError, VolumeError
from napari_axonem.evaluation.threads import each
from napari_axonem.geometry import Box, Grid, Zyx, blocks, zyx
from napari_axonem.networks.card import NEAREST
from napari_axonem.volumes.disk import guarded
from napari_axonem.volumes.formats import ngff
from napari_axonem.volumes.formats.zarr import array_in, open_node
from napari_axonem.volumes.volume import LazyArray

OURS = "napari_axonem"
"""Where the attributes keep what OME-Zarr has no word for."""

NEAR, FAR = "0", "long_range"


@dataclass(frozen=True, slots=True, eq=False)
class AffinityVolume:
    """Affinities that a network gave."""

    path: Path
    """The group; while affinities are being made it has another name than at the end."""

    grid: Grid
    """Voxel size and origin in nm: the model's where the image was resampled for it."""

    offsets: tuple[Zyx, ...]
    """Of all channels: nearest neighbours first, then long-range ones."""

    near: zarr.Array[Any]
    """Shape (3, z, y, x), uint8; channel c: to the neighbour one lower along axis c."""

    far: zarr.Array[Any] | None
    """Shape (n, z, y, x), uint8: the other offsets; None where the model has no others."""

    complete: bool = True
    """Whether all blocks are there; otherwise those that are missing are 0."""

    @property
    def location(self) -> str:
        """What `open_affinities` takes."""
        return f"{self.path}/{NEAR}"

    @property
    def nearest(self) -> LazyArray:
        """The nearest-neighbour affinities (3, z, y, x)."""
        near: LazyArray = self.near
        return near

    @property
    def shape(self) -> Zyx:
        """Extent (z, y, x) in voxels."""
        return zyx(self.near.shape[1:])

    @classmethod
    def create(cls, path: Path, shape: Zyx, grid: Grid, offsets: Sequence[Zyx], chunk: Zyx) -> Self:
        """Make a store in which every affinity is 0.

        Raises
        ------
        VolumeError
            The offsets do not begin with those to the nearest neighbours.
        StorageError
            The disk cannot be written.
        """
        if tuple(offsets[:3]) != NEAREST:
            raise VolumeError(
                f"affinities at offsets {', '.join(map(str, offsets))}",
                where=path,
                remedy=f"use a model whose first offsets are {', '.join(map(str, NEAREST))}",
            )
        with guarded(path):
            group = zarr.create_group(path, attributes=_attributes(path.stem, grid, offsets))
            for name, channels in ((NEAR, 3), (FAR, len(offsets) - 3)):
                if channels:
                    group.create_array(
                        name,
                        shape=(channels, *shape),
                        chunks=(channels, *chunk),
                        dtype=np.uint8,
                        fill_value=0,
                        compressors=zarr.codecs.ZstdCodec(level=1, checksum=True),
                        dimension_names=("c", "z", "y", "x"),
                    )
        return cls.open(path, writable=True)

    @classmethod
    def open(cls, path: Path, *, writable: bool = False, complete: bool = True) -> Self:
        """Open a store that `create` made.

        Raises
        ------
        VolumeError
            There is none at `path`, or it is damaged.
        """
        node = open_node(path, mode="r+" if writable else "r")
        attributes = node.attrs.asdict()
        ours = attributes.get(OURS)
        found = ngff.parse(attributes, str(path))
        grid = None if found is None else ngff.grid_of(found, str(path))
        listed = ours.get("offsets") if isinstance(ours, dict) else None
        if not isinstance(node, zarr.Group) or grid is None or not isinstance(listed, list):
            raise VolumeError(
                "no affinities of this program",
                where=path,
                remedy="name a store that 'segment' has made",
            )
        offsets = tuple(zyx(offset) for offset in listed)
        far = array_in(node, FAR, path) if len(offsets) > 3 else None
        return cls(path, grid, offsets, array_in(node, NEAR, path), far, complete)

    def write(self, box: Box, affinities: npt.NDArray[np.uint8]) -> None:
        """Write the affinities (c, z, y, x) of a box; each chunk takes its name when it is whole.

        Raises
        ------
        StorageError
            The disk cannot be written; no chunk is still on its way.
        """

        def write(piece: Box) -> None:
            part = affinities[(slice(None), *piece.relative_to(box.start).slices)]
            where = (slice(None), *piece.slices)
            with guarded(self.path):
                self._put(self.near, where, part[:3])
                if self.far is not None:
                    self._put(self.far, where, part[3:])

        # Chunk by chunk: of one call for many, zarr goes on with others after it has failed.
        for _ in each(write, blocks(box, zyx(self.near.chunks[1:]))):
            pass

    def _put(
        self, array: zarr.Array[Any], where: tuple[slice, ...], part: npt.NDArray[np.uint8]
    ) -> None:
        try:
            array[where] = part
        except OSError:
            raise
        except Exception as error:  # a chunk that is only partly covered is read first
            raise StorageError(
                f"voxels from {tuple(s.start for s in where[1:])} on cannot be written "
                f"({type(error).__name__}: {error})",
                where=self.path,
                remedy="check that its files are complete",
            ) from error


def chunk_for(tile: Zyx, counts: Zyx, natural: Zyx) -> Zyx:
    """Return a chunk (z, y, x) near the natural one, of which tiles are made up.

    So no chunk is written by two processes, or in two parts. Along an axis with one tile any will
    do.
    """
    return zyx(
        [
            want
            if count == 1
            else max(n for n in range(1, edge + 1) if edge % n == 0 and n <= want)
            for edge, count, want in zip(tile, counts, natural, strict=True)
        ]
    )


def _attributes(name: str, grid: Grid, offsets: Sequence[Zyx]) -> dict[str, Any]:
    """Return OME-Zarr's attributes of an image, with an axis of channels before the others."""
    attributes = ngff.attributes(name, grid, [(1, 1, 1)], "image")
    (image,) = attributes["ome"]["multiscales"]
    image["axes"].insert(0, {"name": "c", "type": "channel"})
    scale, translation = image["datasets"][0]["coordinateTransformations"]
    scale["scale"].insert(0, 1.0)
    translation["translation"].insert(0, 0.0)
    return {**attributes, OURS: {"offsets": [list(offset) for offset in offsets]}}
