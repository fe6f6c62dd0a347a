"""The graphs of em_erl: one compressed NumPy archive, in its present and its older layout.

Present (schema 2): ``erl_graph_schema_version``, ``skeleton_id`` [S], ``skeleton_len`` [S],
``node_skeleton_index`` [N], ``node_coords_zyx`` [N, 3] in nm, ``edge_u`` and ``edge_v`` [E],
``edge_len`` [E], ``edge_ptr`` [S + 1].

Older: ``skeleton_id``, ``skeleton_len``, ``nodes`` [N, 4] (skeleton, z, y, x in whole nm) and for
each skeleton ``edges_0``, ``edges_1``… [e, 3] (two nodes, counted through all skeletons, and the
length).

Nothing is ever unpickled.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import SkeletonError
from napari_axonem.evaluation.grouping import as_ids
from napari_axonem.evaluation.skeletons.formats.source import SkeletonFormat, Stated
from napari_axonem.evaluation.skeletons.skeletons import Skeletons, checked

_VERSION = "erl_graph_schema_version"
_SCHEMA = 2
_PRESENT = (
    "skeleton_id",
    "skeleton_len",
    "node_skeleton_index",
    "node_coords_zyx",
    "edge_u",
    "edge_v",
    "edge_len",
    "edge_ptr",
)

Arrays = Mapping[str, npt.NDArray[Any]]


def _claim(path: Path) -> str | None:
    if not path.is_file() or not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    return "a NumPy archive with skeleton_id" if "skeleton_id.npy" in names else None


def _read(path: Path, _: Stated) -> Skeletons:
    arrays = _load(path)
    if _VERSION not in arrays:
        return checked(_older(arrays, path), path)
    version = int(arrays[_VERSION].ravel()[0])
    if version != _SCHEMA:
        raise SkeletonError(
            f"em_erl graph of schema {version}, where {_SCHEMA} is known",
            where=path,
            remedy="write it again with a version of em_erl of that schema",
        )
    return checked(_present(arrays, path), path)


def _load(path: Path) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # a damaged archive fails in zipfile, zlib, NumPy's header ...
        raise SkeletonError(
            f"a NumPy archive that cannot be read ({type(error).__name__}: {error})",
            where=path,
            remedy="check that it is complete and holds no Python objects",
        ) from error


def _present(arrays: Arrays, path: Path) -> Skeletons:
    _require(arrays, _PRESENT, path)
    return Skeletons(
        ids=as_ids(arrays["skeleton_id"], str(path)),
        lengths=_floats(arrays["skeleton_len"], np.float64, "skeleton_len", path),
        node_skeleton=_places(arrays["node_skeleton_index"], "node_skeleton_index", path),
        positions=_floats(arrays["node_coords_zyx"], np.float32, "node_coords_zyx", path),
        edges=_pairs(arrays["edge_u"], arrays["edge_v"], path),
        edge_lengths=_floats(arrays["edge_len"], np.float32, "edge_len", path),
        edge_pointer=_places(arrays["edge_ptr"], "edge_ptr", path).astype(np.uint64),
    )


def _older(arrays: Arrays, path: Path) -> Skeletons:
    _require(arrays, ("skeleton_id", "skeleton_len", "nodes"), path)
    nodes = arrays["nodes"]
    parts = [n.removeprefix("edges_") for n in arrays if n.startswith("edges_")]
    if nodes.ndim != 2 or nodes.shape[1] != 4 or not all(p.isdecimal() for p in parts):
        raise SkeletonError(
            f"nodes of shape {nodes.shape} where (N, 4) is needed, or edges that are not numbered",
            where=path,
        )
    blocks = [arrays[f"edges_{part}"].reshape(-1, 3) for part in sorted(parts, key=int)]
    edges = np.concatenate([np.empty((0, 3)), *blocks])
    return Skeletons(
        ids=as_ids(arrays["skeleton_id"], str(path)),
        lengths=_floats(arrays["skeleton_len"], np.float64, "skeleton_len", path),
        node_skeleton=_places(nodes[:, 0], "nodes", path),
        positions=_floats(nodes[:, 1:], np.float32, "nodes", path),
        edges=_pairs(edges[:, 0], edges[:, 1], path),
        edge_lengths=_floats(edges[:, 2], np.float32, "edges", path),
        edge_pointer=np.cumsum([0, *map(len, blocks)]).astype(np.uint64),
    )


def _require(arrays: Arrays, names: tuple[str, ...], path: Path) -> None:
    missing = [name for name in names if name not in arrays]
    if missing:
        raise SkeletonError(f"an em_erl graph without {', '.join(missing)}", where=path)


def _floats(
    values: npt.NDArray[Any], dtype: type[np.floating[Any]], name: str, path: Path
) -> npt.NDArray[Any]:
    if values.dtype.kind not in "iuf":
        raise SkeletonError(f"{name} of type {values.dtype}, which are no numbers", where=path)
    with np.errstate(over="ignore"):  # what does not fit becomes infinite and is refused as such
        return values.astype(dtype)


def _places(values: npt.NDArray[Any], name: str, path: Path) -> npt.NDArray[np.uint32]:
    """Return numbers of nodes, skeletons or edges as uint32."""
    numbers = _floats(values, np.float64, name, path)  # exact: places need no more than 32 bits
    good = np.isfinite(numbers) & (numbers >= 0) & (numbers < 2**32) & (numbers % 1 == 0)
    if not good.all():
        raise SkeletonError(f"{name} hold {numbers[~good][0]:g}, which is no place", where=path)
    return numbers.astype(np.uint32)


def _pairs(u: npt.NDArray[Any], v: npt.NDArray[Any], path: Path) -> npt.NDArray[np.uint32]:
    if u.shape != v.shape:
        raise SkeletonError(f"{u.shape} first and {v.shape} second nodes of edges", where=path)
    return np.stack([_places(u, "edges", path), _places(v, "edges", path)], axis=-1)


def _write(path: Path, skeletons: Skeletons, _: Stated) -> None:
    arrays: dict[str, npt.NDArray[Any]] = {
        _VERSION: np.array(_SCHEMA, dtype=np.uint16),
        "skeleton_id": skeletons.ids,
        "skeleton_len": skeletons.lengths,
        "node_skeleton_index": skeletons.node_skeleton,
        "node_coords_zyx": skeletons.positions,
        "edge_u": skeletons.edges[:, 0],
        "edge_v": skeletons.edges[:, 1],
        "edge_len": skeletons.edge_lengths,
        "edge_ptr": skeletons.edge_pointer,
    }
    _save(path, arrays)


def _write_older(path: Path, skeletons: Skeletons, _: Stated) -> None:
    whole = np.rint(skeletons.positions)
    if whole.size and not 0 <= whole.min() <= whole.max() < 2**32:
        raise SkeletonError(
            f"positions from {whole.min():g} to {whole.max():g} nm do not fit the older em_erl "
            "layout, which holds whole nm from 0",
            where=path,
            remedy="write the present layout (NAME.npz)",
        )
    pointer = skeletons.edge_pointer.astype(np.int64)
    edges = np.column_stack([skeletons.edges.astype(np.float64), skeletons.edge_lengths])
    arrays: dict[str, npt.NDArray[Any]] = {
        "skeleton_id": skeletons.ids,
        "skeleton_len": skeletons.lengths,
        "nodes": np.column_stack([skeletons.node_skeleton, whole]).astype(np.uint32),
    }
    for i in range(len(skeletons)):
        arrays[f"edges_{i}"] = edges[pointer[i] : pointer[i + 1]]
    _save(path, arrays)


def _save(path: Path, arrays: Arrays) -> None:
    with path.open("wb") as file:  # a file, because NumPy adds .npz to a name
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # its stub has no keywords


EM_ERL = SkeletonFormat("em_erl graph", (".npz",), _claim, _read, _write)
EM_ERL_OLDER = SkeletonFormat(
    "em_erl graph of the older layout", (".older.npz",), lambda _: None, _read, _write_older
)
"""Writes whole nm only; `EM_ERL` reads both."""
