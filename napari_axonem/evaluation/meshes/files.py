"""Files of meshes: Neuroglancer's legacy precomputed meshes, PLY and OBJ, one object each.

A precomputed mesh of object ID is a file ``ID:0``, JSON, that names the file with the surface: the
number of vertices (uint32, little-endian), the vertices (float32, x y z, nm) and the triangles
(uint32). See
https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/meshes.md
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from napari_axonem.evaluation.meshes.pieces import Mesh
from napari_axonem.volumes.disk import guarded

MeshFormat = Literal["precomputed", "ply", "obj"]
MESH_FORMATS: tuple[MeshFormat, ...] = get_args(MeshFormat)


def begin_folder(folder: Path, format: MeshFormat) -> None:  # noqa: A002
    """Write what a folder of meshes needs besides them; precomputed ones have an ``info``."""
    with guarded(folder):
        folder.mkdir(exist_ok=True)
        if format == "precomputed":
            info = {"@type": "neuroglancer_legacy_mesh"}
            (folder / "info").write_text(json.dumps(info), encoding="utf-8")


def write_mesh(folder: Path, number: int, mesh: Mesh, format: MeshFormat) -> None:  # noqa: A002
    """Write the mesh of one object into a folder, named by its id; coordinates x, y, z in nm.

    Raises
    ------
    StorageError
        The disk cannot be written.
    """
    from zmesh import Mesh as Surface

    surface = Surface(np.ascontiguousarray(mesh.vertices[:, ::-1]), mesh.faces, None, id=number)
    with guarded(folder):
        if format == "precomputed":
            (folder / f"{number}.mesh").write_bytes(surface.to_precomputed())
            manifest = json.dumps({"fragments": [f"{number}.mesh"]})
            (folder / f"{number}:0").write_text(manifest, encoding="utf-8")
        elif format == "ply":
            (folder / f"{number}.ply").write_bytes(surface.to_ply())
        else:
            (folder / f"{number}.obj").write_bytes(surface.to_obj())
