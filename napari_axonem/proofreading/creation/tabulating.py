"""The tables of cells, contacts and edges, of more rows than fit into memory at once.

Each block's terms go into files, sorted. Then the fragments are divided into ranges, and the
terms of a range are added up by themselves: one after the other, the ranges are the whole table.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.format import open_memmap

from napari_axonem.evaluation.cells import GAP_VOXELS, tabulate_piece
from napari_axonem.evaluation.edges import FragmentEdges, fragment_edges
from napari_axonem.evaluation.overlaps import count_overlaps
from napari_axonem.evaluation.tables import (
    Cells,
    CellSums,
    CellTable,
    Contacts,
    ContactSums,
    Sums,
    finish,
    merge_sums,
    split_key,
)
from napari_axonem.geometry import Box
from napari_axonem.proofreading.creation.labels import Item, opened
from napari_axonem.proofreading.tables.stored import names_of
from napari_axonem.volumes import open_affinities
from napari_axonem.volumes.conversion.reading import Reading
from napari_axonem.volumes.volume import LazyArray

ROWS_AT_ONCE = 3_000_000
"""About how many terms are added up at once, in some hundred MB."""

CELL_TERMS = np.dtype(
    [
        ("key", "<u8"),
        ("voxels", "<i8"),
        ("start", "<i4", 3),
        ("stop", "<i4", 3),
        ("point", "<i4", 3),
        ("depth", "<f4"),
    ]
)
CONTACT_TERMS = np.dtype(
    [
        ("key_a", "<u8"),
        ("key_b", "<u8"),
        ("area", "<i8"),
        ("affinity", "<i8"),
        ("point", "<i4", 3),
        ("facing", "<i4", 3),
        ("support", "<i8"),
    ]
)
"""The columns of `CellSums` and `ContactSums`, in files."""


@dataclass(frozen=True, slots=True)
class Tabulate:
    """Tabulates a block into files of its own."""

    fragments: Path
    truth: Path | None
    affinities: str | None
    whole: Box
    folder: Path

    def __call__(self, item: Item) -> tuple[int, int]:
        """Tabulate one block; return the numbers of cells and contacts."""
        number, box = item
        truth = None if self.truth is None else opened(self.truth).volume
        affinities = None if self.affinities is None else _affinities(self.affinities)
        fragments = opened(self.fragments).volume
        sums = merge_sums(
            [tabulate_piece(fragments, truth, affinities, box, self.whole, GAP_VOXELS)]
        )
        for name, part, dtype in (
            ("cells", sums.cells, CELL_TERMS),
            ("contacts", sums.contacts, CONTACT_TERMS),
        ):
            np.save(term_file(self.folder, name, number), _packed(part, dtype), allow_pickle=False)
        return len(sums.cells.key), len(sums.contacts.key_a)


@dataclass(frozen=True, slots=True)
class MergeRange:
    """Adds up the terms of a range of fragments."""

    folder: Path

    blocks: int
    """How many blocks there are."""

    scale: float
    """What affinity 1 is in the terms; nan without affinities."""

    def __call__(self, item: tuple[int, int, int]) -> tuple[int, int, int]:
        """Add up one range: its number, first fragment, and fragment after the last.

        Returns
        -------
        The numbers of cells, contacts and edges.
        """
        number, first, last = item
        sums = merge_sums([self._terms(n, first, last) for n in range(self.blocks)])
        table = finish_alone(sums, self.scale)
        edges = fragment_edges(table)
        columns = {
            f"cells_{n}": getattr(table.cells, n)[: len(sums.cells.key)] for n in names_of(Cells)
        }
        columns |= {f"contacts_{n}": getattr(table.contacts, n) for n in names_of(Contacts)[2:]}
        columns |= {"key": sums.cells.key}
        columns |= {"key_a": sums.contacts.key_a, "key_b": sums.contacts.key_b}
        columns |= {f"edges_{n}": getattr(edges, n) for n in EDGE_COLUMNS}
        np.savez(range_file(self.folder, number), allow_pickle=False, **columns)
        return len(sums.cells.key), len(sums.contacts.key_a), len(edges)

    def _terms(self, block: int, first: int, last: int) -> Sums:
        """Return the terms of a range that one block has."""
        bounds = np.array([first, last], np.uint64) << np.uint64(32)

        def columns(name: str, key: str) -> list[npt.NDArray[Any]]:
            path = term_file(self.folder, name, block)
            rows = np.load(path, mmap_mode="r", allow_pickle=False)
            start, stop = np.searchsorted(rows[key], bounds)
            chosen = np.array(rows[start:stop])
            return [chosen[field] for field in chosen.dtype.names or ()]

        return Sums(CellSums(*columns("cells", "key")), ContactSums(*columns("contacts", "key_a")))


EDGE_COLUMNS = ("u", "v", "area", "affinity", "point", "facing")


@dataclass(frozen=True, slots=True)
class CountOverlaps:
    """Counts what fragments share with segments in a block, into a file of its own."""

    fragments: Path
    segmentation: Reading
    folder: Path

    def __call__(self, item: Item) -> int:
        """Count one block; return the number of pairs."""
        number, box = item
        pairs = count_overlaps(
            opened(self.fragments).volume.read(box), self.segmentation.read(box)[0]
        )
        np.savez(overlap_file(self.folder, number), pairs.segment, pairs.truth, pairs.voxels)
        return len(pairs)


def term_file(folder: Path, name: str, number: int) -> Path:
    """Return where the terms of a block are."""
    return folder / f"{name}-{number}.npy"


def range_file(folder: Path, number: int) -> Path:
    """Return where the table of a range of fragments is."""
    return folder / f"range-{number}.npz"


def overlap_file(folder: Path, number: int) -> Path:
    """Return where the overlaps of a block are."""
    return folder / f"overlaps-{number}.npz"


def ranges_of(fragments: int, terms: int) -> list[tuple[int, int, int]]:
    """Divide fragments 0 … n into ranges with about `ROWS_AT_ONCE` terms each."""
    count = max(1, min(fragments, -(-terms // ROWS_AT_ONCE)))
    bounds = np.linspace(0, fragments + 1, count + 1).astype(int).tolist()
    return [(n, first, last) for n, (first, last) in enumerate(itertools.pairwise(bounds))]


def finish_alone(sums: Sums, scale: float) -> CellTable:
    """Return the table of a range; cells of other ranges are there to name ends of contacts."""
    contacts = sums.contacts
    others = np.setdiff1d(np.concatenate([contacts.key_a, contacts.key_b]), sums.cells.key)
    key = np.concatenate([sums.cells.key, others])
    none = np.zeros((len(others), 3), np.int32)
    own = sums.cells
    start, stop, point = (np.concatenate([c, none]) for c in (own.start, own.stop, own.point))
    voxels = np.concatenate([own.voxels, np.zeros(len(others), np.int64)])
    depth = np.concatenate([own.depth, np.zeros(len(others), np.float32)])
    cells = CellSums(key, voxels, start, stop, point, depth)
    return finish(Sums(cells, contacts), scale)


class Assembly:
    """Puts the tables of all ranges together in the files of the project.

    Parameters
    ----------
    folder
        Where the ranges are.
    counts
        The numbers of cells, contacts and edges of each.
    tables
        The project's folder of tables; it exists.
    """

    def __init__(self, folder: Path, counts: Sequence[tuple[int, int, int]], tables: Path) -> None:
        self._folder, self._counts, self._tables = folder, counts, tables

    def cells_and_contacts(self) -> None:
        """Write the columns of cells and contacts."""
        key = np.empty(self._rows("cells"), np.uint64)
        for rows, part in self._parts("key", "cells"):
            key[rows] = part
        for name, half in zip(("fragment", "truth"), split_key(key), strict=True):
            np.save(self._tables / f"cells_{name}.npy", half, allow_pickle=False)
        for name in names_of(Cells)[2:]:
            self._write(f"cells_{name}", "cells")
        for end in ("a", "b"):
            self._write(
                f"key_{end}",
                "contacts",
                f"contacts_cell_{end}",
                lambda ends: np.searchsorted(key, ends),
            )
        for name in names_of(Contacts)[2:]:
            self._write(f"contacts_{name}", "contacts")

    def edges(self) -> FragmentEdges:
        """Write the columns of edges but their states, and return them."""
        for name in EDGE_COLUMNS:
            self._write(f"edges_{name}", "edges")
        return FragmentEdges(
            *(np.load(self._tables / f"edges_{name}.npy", mmap_mode="r") for name in EDGE_COLUMNS)
        )

    def _write(
        self,
        name: str,
        of: str,
        called: str = "",
        changed: Callable[[npt.NDArray[Any]], npt.NDArray[Any]] = np.asarray,
    ) -> None:
        """Write one column of all ranges, a range at a time."""
        path, file = self._tables / f"{called or name}.npy", None
        for rows, part in self._parts(name, of):
            column = changed(part)
            if file is None:
                shape = (self._rows(of), *column.shape[1:])
                file = open_memmap(path, mode="w+", dtype=column.dtype, shape=shape)
            file[rows] = column
        if file is not None:
            file.flush()

    def _rows(self, of: str) -> int:
        return sum(count[_OF.index(of)] for count in self._counts)

    def _parts(self, name: str, of: str) -> Iterator[tuple[slice, npt.NDArray[Any]]]:
        """Yield a column of each range, with the rows that it takes of the whole."""
        at = 0
        for number, count in enumerate(self._counts):
            with np.load(range_file(self._folder, number), allow_pickle=False) as stored:
                part = stored[name]
            rows = count[_OF.index(of)]
            yield slice(at, at + rows), part
            at += rows


_OF = ("cells", "contacts", "edges")


def _packed(part: CellSums | ContactSums, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    names = dtype.names or ()
    rows = np.empty(len(getattr(part, names[0])), dtype)
    for name in names:
        rows[name] = getattr(part, name)
    return rows


@lru_cache(maxsize=2)
def _affinities(location: str) -> LazyArray:
    return open_affinities(location)
