"""A refinement: one fragment becomes two, for good.

Cutting inside a fragment writes voxels, which cannot be switched like an edge. So the cut is
kept for ever as a refinement of the fragments, with an edge between the two parts that is on:
this alone changes no segment. The operation that wanted the cut then switches that edge off,
and undo switches it on again; no voxel is ever written back.

Edges named in the log before a refinement are carried over to the parts that have them.

Painting over background makes a fragment out of none: a refinement of fragment 0. What it makes
begins as deleted, which is what background is; the operation then brings it in.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.edges import fragment_edges
from napari_axonem.evaluation.tables import Cells, CellTable, Contacts
from napari_axonem.geometry import Box, Zyx, zyx
from napari_axonem.proofreading.record.operation import EdgeStates, Operation
from napari_axonem.proofreading.tables.edges import Edges
from napari_axonem.proofreading.tables.graph import FragmentGraph

Finish = Callable[[FragmentGraph], Operation]
"""Gives an operation once its refinements are in the graph."""


@dataclass(frozen=True, slots=True)
class Refinement:
    """The cut of one fragment in two."""

    parent: int
    """The fragment that was cut; it keeps its id and its larger part. 0 for background."""

    child: int
    """The new fragment."""

    corner: Zyx
    """First voxel (z, y, x) of `mask` in the volume."""

    mask: npt.NDArray[np.bool_]
    """The voxels of the child, shape (z, y, x)."""

    table: CellTable
    """Cells of parent and child after the cut, and their contacts.

    It also names the cells that they touch, whose other columns mean nothing here.
    """

    @property
    def box(self) -> Box:
        """The box of `mask` in the volume."""
        return Box.of_shape(self.mask.shape).shift(self.corner)

    @property
    def parts(self) -> tuple[int, ...]:
        """The fragments whose cells and contacts `table` has: parent and child.

        Of a refinement of background only the child.
        """
        return (self.parent, self.child) if self.parent else (self.child,)

    @property
    def child_voxels(self) -> int:
        """Number of voxels of the child."""
        return int(self.mask.sum())

    def to_bytes(self) -> bytes:
        """Return the refinement in a form for the log (npz, no pickles)."""
        content = io.BytesIO()
        columns = {f"cells_{name}": getattr(self.table.cells, name) for name in _slots(Cells)}
        columns |= {f"contacts_{n}": getattr(self.table.contacts, n) for n in _slots(Contacts)}
        np.savez_compressed(
            content,
            allow_pickle=False,
            ids=np.array([self.parent, self.child], dtype=np.uint32),
            corner=np.array(self.corner, dtype=np.int64),
            shape=np.array(self.mask.shape, dtype=np.int64),
            mask=np.packbits(self.mask),
            **columns,
        )
        return content.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Refinement:
        """Read what `to_bytes` gave."""
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            shape = zyx(stored["shape"])
            count = int(np.prod(shape))
            parent, child = (int(i) for i in stored["ids"])
            return cls(
                parent=parent,
                child=child,
                corner=zyx(stored["corner"]),
                mask=np.unpackbits(stored["mask"], count=count).astype(np.bool_).reshape(shape),
                table=CellTable(
                    Cells(*_cell_columns(stored)),
                    Contacts(*(stored[f"contacts_{name}"] for name in _slots(Contacts))),
                ),
            )


def refined_edges(old: Edges, refinement: Refinement) -> Edges:
    """Return the edges of parent and child that take the place of the parent's `old` ones.

    A contact that one or both parts have taken over keeps its state. An edge without such a
    contact (made by hand) goes to the part that holds its point. The edge between the two
    parts is on.
    """
    parent, child = refinement.parent, refinement.child
    new = _edges_of_parts(refinement)
    neighbour = np.where(old.u == parent, old.v, old.u)
    was_on = dict(zip(neighbour.tolist(), old.on.tolist(), strict=True))
    ours = np.isin(new.u, refinement.parts)
    other = np.where(ours, new.v, new.u)
    between = ours & np.isin(new.v, refinement.parts)
    on = np.array([was_on.get(int(n), False) for n in other], dtype=np.bool_) | between
    rows = replace(new, on=on)
    orphans = old.taken(~np.isin(neighbour, other))
    rows = rows.appended(_handed_over(orphans, refinement))
    if parent and not between.any():
        ends = {int(f): p for f, p in zip(*_places(refinement), strict=True)}
        rows = rows.appended(
            Edges.made_by_hand({part: ends[part] for part in (parent, child)}, on=True)
        )
    return rows


@dataclass(frozen=True, slots=True)
class Carried:
    """What is remembered of a refinement to carry over edges that were named before it."""

    operation: int
    """The operation that it came with."""

    number: int
    """Position among the refinements of the log, from 1."""

    parent: int
    child: int

    pairs: frozenset[tuple[int, int]]
    """The edges (u, v) that parent and child had afterwards."""


def refine(graph: FragmentGraph, refinement: Refinement) -> Edges:
    """Put a refinement into the graph; no voxel changes its segment.

    Returns
    -------
    The edges of parent and child.
    """
    rows = refined_edges(graph.edges.taken(_edges_at_parent(graph, refinement)), refinement)
    graph.bury(_edges_at_parent(graph, refinement))
    graph.add_fragment(refinement.child_voxels, refinement.parent)
    graph.add_edges(rows)
    return rows


def _edges_at_parent(graph: FragmentGraph, refinement: Refinement) -> npt.NDArray[np.int64]:
    return graph.edges_at([refinement.parent] if refinement.parent else [])


def translated(states: EdgeStates, carried: Carried) -> EdgeStates:
    """Carry logged edge states from before a refinement over to the parts.

    Parameters
    ----------
    states
        Rows (u, v, on) that may name the parent. A deletion of it is one of both parts.
    """
    parent, child = carried.parent, carried.child
    concerned = (states[:, :2] == parent).any(axis=1)
    if not parent or not concerned.any():
        return states
    rows: list[tuple[int, int, int]] = []
    for u, v, on in states[concerned].tolist():
        neighbour = v if u == parent else u
        ends = [(min(p, neighbour), max(p, neighbour)) for p in (parent, child)]
        rows.extend((a, b, on) for a, b in ends if not neighbour or (a, b) in carried.pairs)
    added = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return np.concatenate([states[~concerned], added])


def write_child(labels: npt.NDArray[np.uint32], box: Box, refinement: Refinement) -> None:
    """Write the child of a refinement into `labels`, the fragments of `box`."""
    common = refinement.box.intersect(box)
    if common.size:
        part = refinement.mask[common.relative_to(refinement.corner).slices]
        labels[common.relative_to(box.start).slices][part] = refinement.child


def _edges_of_parts(refinement: Refinement) -> Edges:
    """Return all contacts of the two parts as edges, off."""
    found = fragment_edges(refinement.table)
    chosen = np.isin(found.u, refinement.parts) | np.isin(found.v, refinement.parts)
    return Edges.of_contacts(found, np.zeros(len(found), dtype=np.bool_)).taken(chosen)


def _handed_over(orphans: Edges, refinement: Refinement) -> Edges:
    """Give each edge without a contact to the part that holds its point."""
    at_u = (orphans.u == refinement.parent)[:, np.newaxis]
    inside = np.where(at_u, orphans.point, orphans.facing) - np.array(refinement.corner)
    within = np.all((inside >= 0) & (inside < refinement.mask.shape), axis=1)
    to_child = np.zeros(len(orphans), dtype=np.bool_)
    to_child[within] = refinement.mask[tuple(inside[within].T)]
    neighbour = np.where(orphans.u == refinement.parent, orphans.v, orphans.u)
    part = np.where(to_child, refinement.child, refinement.parent).astype(np.uint32)
    swapped = np.where(at_u[:, 0], part > neighbour, neighbour > part)[:, np.newaxis]
    return replace(
        orphans,
        u=np.minimum(part, neighbour),
        v=np.maximum(part, neighbour),
        point=np.where(swapped, orphans.facing, orphans.point),
        facing=np.where(swapped, orphans.point, orphans.facing),
    )


def _places(refinement: Refinement) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int32]]:
    """Return fragments and a voxel of each."""
    return refinement.table.cells.fragment, refinement.table.cells.point


def _cell_columns(stored: Mapping[str, npt.NDArray[Any]]) -> Iterator[npt.NDArray[Any]]:
    """Yield the columns of the cells; those cut before depths were kept have none."""
    for name in _slots(Cells):
        yield stored.get(f"cells_{name}", np.full(len(stored["cells_voxels"]), np.inf, np.float32))


def _slots(columns: type) -> tuple[str, ...]:
    return tuple(columns.__dataclass_fields__)  # type: ignore[attr-defined]
