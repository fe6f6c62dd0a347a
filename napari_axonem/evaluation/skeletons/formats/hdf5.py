"""HDF5 with a group for each object: ``vertices`` [n, 3] and ``edges`` [e, 2].

Groups are named by the id of the object and read in numerical order. Vertices are (z, y, x) in
voxels; files of ours state the voxel size in the attributes ``voxel_size_nm`` and ``origin_nm``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from napari_axonem.errors import SkeletonError
from napari_axonem.evaluation.skeletons.formats.source import SkeletonFormat, Stated, nm_of
from napari_axonem.evaluation.skeletons.skeletons import Skeletons, Tree, from_trees, trees
from napari_axonem.geometry import SNAP, Grid
from napari_axonem.volumes.formats.attributes import spacing


def _claim(path: Path) -> str | None:
    if not path.is_file() or not h5py.is_hdf5(path):
        return None
    with h5py.File(path, "r", locking="best-effort") as file:
        first = next(iter(file.values()), None)
        if isinstance(first, h5py.Group) and {"vertices", "edges"} <= set(first):
            return "an HDF5 file with groups of vertices and edges"
    return None


def _read(path: Path, stated: Stated) -> Skeletons:
    with h5py.File(path, "r", locking="best-effort") as file:
        said = spacing(dict(file.attrs))
        grid = stated.grid
        if said.voxel_size is not None:
            grid = Grid(said.voxel_size, said.origin or (0.0, 0.0, 0.0))
        wrong = [name for name in file if not name.isdecimal()]
        if wrong:
            raise SkeletonError(
                f"a group named {wrong[0]!r}, which is no id",
                where=path,
                remedy="name the groups by the ids of the objects",
            )
        return from_trees(_trees(file, grid, path), path)


def _trees(file: h5py.File, grid: Grid | None, path: Path) -> Iterator[Tree]:
    for name in sorted(file, key=int):
        group = file[name]
        try:
            vertices, edges = group["vertices"][()], group["edges"][()]
        except (KeyError, OSError, TypeError, AttributeError) as error:
            raise SkeletonError(
                f"skeleton {name} has no vertices and edges that can be read ({error})", where=path
            ) from error
        if vertices.ndim != 2 or vertices.shape[1] != 3:
            raise SkeletonError(
                f"skeleton {name} has vertices of shape {vertices.shape}, not (n, 3)", where=path
            )
        yield Tree(int(name), nm_of(vertices, "voxel", grid, path), edges)


def _write(path: Path, skeletons: Skeletons, stated: Stated) -> None:
    grid = stated.grid
    if grid is None:
        raise SkeletonError(
            "HDF5 holds positions in voxels, and no voxel size is given",
            where=path,
            remedy="pass --voxel-size Z,Y,X in nm, or choose another format",
        )
    if len(np.unique(skeletons.ids)) < len(skeletons):
        raise SkeletonError("two skeletons of one id, which HDF5 groups cannot hold", where=path)
    with h5py.File(path, "w") as file:
        file.attrs["voxel_size_nm"] = grid.voxel_size
        file.attrs["origin_nm"] = grid.origin
        for tree in trees(skeletons):
            voxels = (tree.positions.astype(np.float64) - grid.origin) / grid.voxel_size
            nearest = np.rint(voxels)
            # Readers cut off fractions: 2.9999999 must not become voxel 2. As in `Grid.to_voxel`
            # the error is relative to the position, not to its distance from the origin.
            reach = SNAP * np.maximum(1.0, np.abs(tree.positions) / np.asarray(grid.voxel_size))
            on_boundary = np.abs(voxels - nearest) <= reach
            group = file.create_group(str(tree.id))
            group["vertices"] = np.where(on_boundary, nearest, voxels)
            group["edges"] = tree.edges


HDF5 = SkeletonFormat("HDF5", (".h5", ".hdf5"), _claim, _read, _write)
