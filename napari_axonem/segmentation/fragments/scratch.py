"""What the blocks leave for each other on disk until the fragments are made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import StorageError
from napari_axonem.geometry import Box
from napari_axonem.segmentation.fragments.basins import Basins, Int64
from napari_axonem.volumes.disk import DAMAGES, guarded

Plane = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """Where the basins of one block end; `Basins` without its voxels."""

    end: Int64
    leaves: npt.NDArray[np.bool_]
    voxels: Int64
    is_object: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Scratch:
    """A folder of tables and of voxels that are not final yet."""

    folder: Path

    @property
    def labels(self) -> Path:
        """The pyramid of basins, numbered within each block."""
        return self.folder / "basins.zarr"

    @property
    def fragments(self) -> Path:
        """The pyramid of fragments, where those of the image are on another grid."""
        return self.folder / "fragments.zarr"

    @property
    def sizes(self) -> Path:
        """Voxels of each fragment, int64."""
        return self.folder / "sizes.npy"

    @property
    def numbers(self) -> Path:
        """The fragment of each basin, block after block, uint32; with `starts`."""
        return self.folder / "numbers.npy"

    @property
    def starts(self) -> Path:
        """Where the basins of each block begin in `numbers`, int64."""
        return self.folder / "starts.npy"

    @property
    def segments(self) -> Path:
        """The segment of each fragment, uint32."""
        return self.folder / "segments.npy"

    def save_basins(self, index: int, found: Basins) -> None:
        """Keep the ends of a block's basins, and which basins lie at its six sides.

        Raises
        ------
        StorageError
            The disk cannot be written.
        """
        columns: dict[str, npt.NDArray[Any]] = {
            name: getattr(found, name) for name in ("end", "leaves", "voxels", "is_object")
        }
        for axis in range(3):
            along = np.moveaxis(found.basin, axis, 0)
            columns[f"low{axis}"] = along[0]
            columns[f"high{axis}"] = along[-1]
        self._save(f"basins-{index}.npz", columns)

    def ends(self, index: int) -> Ends:
        """Return the ends of a block's basins."""
        return Ends(*self._load(f"basins-{index}.npz", "end", "leaves", "voxels", "is_object"))

    def side(self, index: int, axis: int, *, high: bool) -> Plane:
        """Return which basins lie at a side of a block."""
        plane: Plane
        (plane,) = self._load(f"basins-{index}.npz", f"{'high' if high else 'low'}{axis}")
        return plane

    def save_contacts(self, index: int, columns: tuple[Int64, Int64, Int64]) -> None:
        """Keep the contacts of a block: pairs as one key, areas, sums of affinities."""
        self._save(
            f"contacts-{index}.npz", dict(zip(("key", "area", "total"), columns, strict=True))
        )

    def contacts(self, index: int) -> tuple[Int64, Int64, Int64]:
        """Return the contacts of a block."""
        key, area, total = self._load(f"contacts-{index}.npz", "key", "area", "total")
        return key, area, total

    def _save(self, name: str, columns: dict[str, npt.NDArray[Any]]) -> None:
        path = self.folder / name
        temporary = path.with_name(f"{name}.partial")
        with guarded(path):
            with temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, **columns)
            temporary.replace(path)

    def _load(self, name: str, *columns: str) -> list[npt.NDArray[Any]]:
        """Return columns of a file that `_save` wrote.

        Raises
        ------
        StorageError
            It is gone or damaged.
        """
        path = self.folder / name
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return [stored[column] for column in columns]
        except DAMAGES as error:
            raise StorageError(
                f"cannot be read ({error})",
                where=path,
                remedy=f"remove {self.folder.parent} and start again",
            ) from error


@dataclass(frozen=True, slots=True)
class Lattice:
    """Blocks of equal shape that cover a volume, numbered in raster order."""

    boxes: tuple[Box, ...]

    @property
    def counts(self) -> tuple[int, int, int]:
        """Number of blocks along z, y, x."""
        z, y, x = (len({box.start[axis] for box in self.boxes}) for axis in range(3))
        return z, y, x

    def neighbour(self, index: int, axis: int, *, high: bool) -> int | None:
        """Return the block at a side of another one; None at the edge of the volume."""
        at = list(np.unravel_index(index, self.counts))
        at[axis] += 1 if high else -1
        if not 0 <= at[axis] < self.counts[axis]:
            return None
        return int(np.ravel_multi_index(tuple(at), self.counts))
