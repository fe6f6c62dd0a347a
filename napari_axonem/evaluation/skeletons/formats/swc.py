"""SWC: one node a line, ``number type x y z radius parent``, with -1 as the parent of a root.

A file holds the skeleton of one object, named by its id (``1234.swc``), or, as we write several
into one file, those of several, each after a line ``# skeleton ID``: other programs pass
over such lines and see a forest. A folder of such files is read in the order of ids.

SWC has no agreed unit: a comment may state it (``# units: nm``), otherwise the caller must.

References
----------
.. [1] R. C. Cannon et al., "An on-line archive of reconstructed hippocampal neurons", Journal of
   Neuroscience Methods 84 (1998) 49-54.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from napari_axonem.errors import SkeletonError
from napari_axonem.evaluation.grouping import Ints
from napari_axonem.evaluation.skeletons.formats.source import SkeletonFormat, Stated, nm_of
from napari_axonem.evaluation.skeletons.skeletons import Floats, Skeletons, Tree, from_trees, trees
from napari_axonem.volumes.formats.units import nm_per

_UNIT = re.compile(
    r"^#.*\bunits?\b[^\w\n]*(?:(?:are|is|in|of)\b[^\w\n]+)*(?P<unit>\w+)",
    re.IGNORECASE | re.MULTILINE,
)
_SCALE = re.compile(r"^#\s*SCALE\s+(?P<scale>.+)$", re.IGNORECASE | re.MULTILINE)
_ONE = re.compile(r"1(\.0*)?")
_SKELETON = re.compile(r"^# skeleton (?P<id>\d+)\s*$", re.MULTILINE)
_NODE = re.compile(r"\s*\d+\s+\d+(\s+[-+.\deE]+){4}\s+-?\d+\s*$")

_HEADER = "# units: nm\n# SCALE 1.0 1.0 1.0\n# columns: number type x y z radius parent\n"


def _claim_file(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("r", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                return "a text of SWC nodes" if _NODE.match(line[:400]) else None
    return None


def _claim_folder(path: Path) -> str | None:
    return "a folder of SWC files" if path.is_dir() and any(path.glob("*.swc")) else None


def _read_file(path: Path, stated: Stated) -> Skeletons:
    return from_trees(_trees_of(path, stated, _id_of(path, default=1)), path)


def _read_folder(path: Path, stated: Stated) -> Skeletons:
    files = [(_id_of(file), file) for file in path.glob("*.swc")]
    found = (tree for id_, file in sorted(files) for tree in _trees_of(file, stated, id_))
    return from_trees(found, path)


def _id_of(path: Path, default: int | None = None) -> int:
    if path.stem.isdecimal():
        return int(path.stem)
    if default is None:
        raise SkeletonError(
            "an SWC file whose name is no id",
            where=path,
            remedy="name it by the id of its object, as in 1234.swc",
        )
    return default


def _trees_of(path: Path, stated: Stated, id_: int) -> Iterator[Tree]:
    text = path.read_text(encoding="utf-8", errors="replace")
    marks = list(_SKELETON.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    parts = [(int(m["id"]), text[m.end() : end]) for m, end in zip(marks, ends, strict=False)]
    for number, part in parts or [(id_, text)]:
        table = _table(part, path)
        yield Tree(number, _positions(table[:, 2:5], text, stated, path), _edges(table, path))


def _table(text: str, path: Path) -> Floats:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        return np.empty((0, 7))
    try:
        table = np.loadtxt(io.StringIO("\n".join(lines)), ndmin=2, dtype=np.float64)
    except ValueError as error:
        raise SkeletonError(f"no SWC table ({error})", where=path) from error
    if table.shape[1] < 7:
        raise SkeletonError(
            f"{table.shape[1]} columns, where SWC has number type x y z radius parent", where=path
        )
    return table


def _positions(xyz: Floats, text: str, stated: Stated, path: Path) -> Floats:
    """Return positions (z, y, x) in nm."""
    scale = _SCALE.search(text)
    if scale and not all(_ONE.fullmatch(number) for number in scale["scale"].split()):
        raise SkeletonError(
            f"the header has SCALE {scale['scale'].strip()}, and programs differ in whether it "
            "was applied",
            where=path,
            remedy="apply it to the positions where needed, and set it to 1.0 1.0 1.0",
        )
    zyx = xyz[:, ::-1]
    said = _UNIT.search(text)
    nm = nm_per(said["unit"]) if said else None
    if nm is not None:
        return zyx * nm
    unit = "voxel" if said and said["unit"].lower() in ("voxel", "voxels") else stated.unit
    if unit is None:
        raise SkeletonError(
            "the SWC file does not state the unit of its positions",
            where=path,
            remedy="pass --skeleton-unit nm, um or voxel, or write '# units: nm' into it",
        )
    return nm_of(zyx, unit, stated.grid, path)


def _edges(table: Floats, path: Path) -> Ints:
    number, parent = table[:, 0].astype(np.int64), table[:, 6].astype(np.int64)
    order = np.argsort(number, kind="stable")
    if (np.diff(number[order]) == 0).any():
        again = number[order][:-1][np.diff(number[order]) == 0][0]
        raise SkeletonError(f"node {again} twice", where=path)
    children = np.flatnonzero(parent >= 0)
    place = np.searchsorted(number, parent[children], sorter=order)
    found = order[np.minimum(place, len(order) - 1)]
    lost = number[found] != parent[children]
    if lost.any():
        child = children[lost][0]
        raise SkeletonError(
            f"node {number[child]} has the parent {parent[child]}, which is not there", where=path
        )
    return np.stack([found, children], axis=1)


def _write_file(path: Path, skeletons: Skeletons, _: Stated) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(_HEADER)
        first = 1
        for tree in trees(skeletons):
            file.write(f"# skeleton {tree.id}\n")
            _write_tree(file, tree, first, path)
            first += len(tree.positions)


def _write_folder(path: Path, skeletons: Skeletons, _: Stated) -> None:
    if len(np.unique(skeletons.ids)) < len(skeletons):
        raise SkeletonError(
            "two skeletons of one id, which cannot be files of one name", where=path
        )
    path.mkdir()
    for tree in trees(skeletons):
        with (path / f"{tree.id}.swc").open("w", encoding="utf-8", newline="\n") as file:
            file.write(_HEADER)
            _write_tree(file, tree, 1, path)


def _write_tree(file: TextIO, tree: Tree, first: int, path: Path) -> None:
    """Write nodes so that parents come before children, numbered from `first`."""
    order, parent = _rooted(tree, path)
    number = np.empty(len(order) + 1, dtype=np.int64)
    number[order] = np.arange(first, first + len(order))
    number[-1] = -1  # the parent of a root is -1, here and there
    for node in order:
        z, y, x = tree.positions[node]
        # Nine digits bring a float32 back exactly.
        file.write(f"{number[node]} 0 {x:.9g} {y:.9g} {z:.9g} 0 {number[parent[node]]}\n")


def _rooted(tree: Tree, path: Path) -> tuple[Ints, npt.NDArray[np.int64]]:
    """Return the nodes, parents before children, and the parent of each node or -1."""
    n = len(tree.positions)
    ones = np.ones(len(tree.edges), dtype=np.int64)
    graph = coo_array((ones, (tree.edges[:, 0], tree.edges[:, 1])), shape=(n, n)).tocsr()
    graph = ((graph + graph.T) > 0).astype(np.int64)
    parts, part = connected_components(graph, directed=False)
    if graph.nnz // 2 != n - parts:
        raise SkeletonError(
            f"skeleton {tree.id} has a loop, which SWC cannot hold",
            where=path,
            remedy="choose another format, such as NAME.npz",
        )
    order, parent = [], np.full(n, -1, dtype=np.int64)
    for root in np.unique(part, return_index=True)[1]:
        reached, before = breadth_first_order(graph, root, directed=False)
        order.append(reached)
        parent[reached[1:]] = before[reached[1:]]
    return np.concatenate([np.empty(0, np.int64), *order]).astype(np.int64), parent


SWC = SkeletonFormat("SWC", (".swc",), _claim_file, _read_file, _write_file)
SWC_FOLDER = SkeletonFormat(
    "folder of SWC files", ("/", "\\"), _claim_folder, _read_folder, _write_folder
)
