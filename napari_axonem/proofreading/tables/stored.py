"""The tables of a project as they are stored: a file a column, mapped when it is looked at."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import ProjectError
from napari_axonem.evaluation.tables import Cells, CellTable, Contacts
from napari_axonem.proofreading.tables.edges import COLUMNS, Edges, Ids, Index
from napari_axonem.proofreading.tables.edgestore import Incidence


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a project as they were at creation; the log builds on them.

    They lie in a file a column, of which only what is looked at is read. What is changed in
    memory does not come into the files.
    """

    cells: CellTable
    """Cells and their contacts."""

    edges: Edges
    """The contacts between fragments with the states they started from, sorted by (u, v)."""

    strays: Edges
    """Edges without a contact: they hold the pieces of imported objects together."""

    incidence: Incidence
    """Where the edges of each fragment are."""

    segment: Ids
    """The segment of each fragment, shape (fragments + 1,)."""

    rank: Index
    """Voxels of each fragment, shape (fragments + 1,); 0 for the background."""

    fragment_ids: npt.NDArray[np.uint64]
    """The id that each fragment was imported with, shape (fragments + 1,)."""

    truth_ids: npt.NDArray[np.uint64]
    """The id that each true object was imported with, shape (objects + 1,)."""

    node_fragment: npt.NDArray[np.uint32]
    """The fragment under each node of the skeletons, shape (nodes,); empty without them."""

    score: npt.NDArray[np.float32]
    """What a threshold is compared with, a row a contact; empty where it is the mean affinity."""

    @staticmethod
    def save_rest(
        folder: Path,
        on: npt.NDArray[np.bool_],
        strays: Edges,
        incidence: Incidence,
        others: Mapping[str, npt.NDArray[Any]],
    ) -> None:
        """Write what is left once the columns of cells, contacts and edges are there."""
        columns: dict[str, npt.NDArray[Any]] = {"edges_on": on, **others}
        columns |= {f"strays_{name}": getattr(strays, name) for name in COLUMNS}
        columns |= {f"incidence_{n}": getattr(incidence, n) for n in names_of(Incidence)}
        for name, column in columns.items():
            np.save(folder / f"{name}.npy", column, allow_pickle=False)

    @staticmethod
    def cells_in(folder: Path) -> Cells:
        """Map the columns of cells."""
        names = names_of(Cells)
        if (folder / "cells_depth.npy").exists():
            return Cells(*_group(folder, "cells", names))
        # a project from before depths were kept: nothing of it is known to be thin
        columns = _group(folder, "cells", names[:-1])
        columns.append(np.full(len(columns[0]), np.inf, np.float32))
        return Cells(*columns)

    @classmethod
    def load(cls, folder: Path) -> Tables:
        """Map the tables; nothing but their headers is read yet.

        Raises
        ------
        ProjectError
            A file is missing or damaged.
        """
        return cls(
            CellTable(cls.cells_in(folder), Contacts(*_group(folder, *_CONTACTS))),
            Edges(*_group(folder, "edges", COLUMNS)),
            Edges(*_group(folder, "strays", COLUMNS)),
            Incidence(*(_column(folder, f"incidence_{n}") for n in names_of(Incidence))),
            *(_column(folder, name) for name in _OTHERS),
        )


def warm(folder: Path) -> None:
    """Read in a thread what edits will look at, so that none waits for a cold disk.

    Columns are mapped: where nothing of them is in the system's cache, the first edits would
    read them page by page, in tenths of a second each.
    """
    paths = [folder / f"{name}.npy" for name in _LOOKED_AT]

    def read() -> None:
        left = WARM_BYTES
        for path in paths:
            with suppress(OSError), path.open("rb") as file:
                while left > 0 and (got := len(file.read(_PIECE))):
                    left -= got

    with suppress(OSError):
        if sum(path.stat().st_size for path in paths) > _PIECE:
            threading.Thread(target=read, daemon=True).start()


def _column(folder: Path, name: str) -> npt.NDArray[Any]:
    path = folder / f"{name}.npy"
    try:
        return np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise ProjectError(
            f"the project's tables cannot be read ({error})", where=path, remedy=_REMEDY
        ) from error


def _group(folder: Path, prefix: str, names: tuple[str, ...]) -> list[npt.NDArray[Any]]:
    columns = [_column(folder, f"{prefix}_{name}") for name in names]
    if len({len(column) for column in columns}) > 1:
        raise ProjectError(
            f"the columns of {prefix} differ in length", where=folder, remedy=_REMEDY
        )
    return columns


_REMEDY = (
    "put the folder of tables back from a copy, or create the project anew; the log of edits in "
    "project.db is kept"
)

WARM_BYTES = 2**31
"""So much of the tables is read ahead."""

_PIECE = 2**23

_LOOKED_AT = (
    *(f"incidence_{name}" for name in ("lower", "upper", "order")),
    *(f"edges_{name}" for name in ("u", "v", "area", "point", "affinity", "facing")),
    *(f"cells_{name}" for name in ("fragment", "truth", "voxels", "point")),
)

_OTHERS = ("segment", "rank", "fragment_ids", "truth_ids", "node_fragment", "score")


def names_of(columns: type[Cells | Contacts | Incidence]) -> tuple[str, ...]:
    """Return the names of the columns of a table."""
    return tuple(field.name for field in fields(columns))


_CONTACTS = "contacts", names_of(Contacts)
