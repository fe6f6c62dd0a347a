"""Neuroglancer precomputed skeletons: a folder with ``info`` and a binary file for each object.

A file holds, little-endian, the numbers of vertices and edges (uint32), the vertices (float32, x y
z), the edges (uint32 pairs) and attributes of vertices, which are passed over. ``transform`` in
``info`` brings vertices to nm. A folder of a precomputed volume that names its skeletons is
taken for these. See
https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/skeletons.md
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from napari_axonem.errors import SkeletonError
from napari_axonem.evaluation.skeletons.formats.source import SkeletonFormat, Stated
from napari_axonem.evaluation.skeletons.skeletons import (
    Floats,
    Skeletons,
    Tree,
    from_trees,
    trees,
)

_TYPE = "neuroglancer_skeletons"
_IDENTITY = [1.0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]


def _claim(path: Path) -> str | None:
    folder = _folder(path)
    return None if folder is None else f"its info file is of type {_TYPE}"


def _folder(path: Path) -> Path | None:
    """Return the folder of skeletons that `path` is or, as a volume, names."""
    info = _info(path)
    if info.get("@type") == _TYPE:
        return path
    named = info.get("skeletons")
    if isinstance(named, str) and _info(path / named).get("@type") == _TYPE:
        return path / named
    return None


def _info(folder: Path) -> dict[str, Any]:
    """Return what is in the file ``info``, nothing where it is no JSON object."""
    file = folder / "info"
    if not file.is_file():
        return {}
    try:
        info = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:  # not JSON, or not even text
        return {}
    return info if isinstance(info, dict) else {}


def _read(path: Path, _: Stated) -> Skeletons:
    folder = _folder(path) or path
    info = _info(folder)
    if info.get("sharding"):
        raise SkeletonError(
            "precomputed skeletons in shards, which are not read here",
            where=folder,
            remedy="copy them without sharding, for example with cloud-volume",
        )
    transform = np.asarray(info.get("transform", _IDENTITY), dtype=np.float64)
    if transform.size != 12:
        raise SkeletonError(f"a transform of {transform.size} numbers, not 12", where=folder)
    if not np.isfinite(transform).all():
        raise SkeletonError("a transform that is not finite", where=folder)
    return from_trees(_trees(folder, transform.reshape(3, 4)), folder)


def _trees(folder: Path, transform: Floats) -> Iterator[Tree]:
    files = [file for file in folder.iterdir() if file.name.isdecimal()]
    for file in sorted(files, key=lambda file: int(file.name)):
        data = file.read_bytes()
        vertices, edges = np.frombuffer(data[:8].ljust(8, b"\0"), "<u4").astype(int)
        split, end = 8 + 12 * vertices, 8 + 12 * vertices + 8 * edges
        if len(data) < max(8, end):
            raise SkeletonError(
                f"{len(data)} bytes where {vertices} vertices and {edges} edges need {max(8, end)}",
                where=file,
                remedy="check that it is complete",
            )
        xyz = np.frombuffer(data[8:split], "<f4").reshape(-1, 3).astype(np.float64)
        moved = xyz @ transform[:, :3].T + transform[:, 3]
        yield Tree(
            int(file.name), moved[:, ::-1], np.frombuffer(data[split:end], "<u4").reshape(-1, 2)
        )


def _write(path: Path, skeletons: Skeletons, _: Stated) -> None:
    if len(np.unique(skeletons.ids)) < len(skeletons):
        raise SkeletonError(
            "two skeletons of one id, which cannot be files of one name", where=path
        )
    path.mkdir()
    info = {"@type": _TYPE, "transform": _IDENTITY, "vertex_attributes": []}
    (path / "info").write_text(json.dumps(info), encoding="utf-8")
    for tree in trees(skeletons):
        counts = np.array([len(tree.positions), len(tree.edges)], dtype="<u4")
        parts = (counts, tree.positions[:, ::-1].astype("<f4"), tree.edges.astype("<u4"))
        (path / str(tree.id)).write_bytes(b"".join(part.tobytes() for part in parts))


PRECOMPUTED = SkeletonFormat(
    "Neuroglancer precomputed skeletons", (".precomputed",), _claim, _read, _write
)
