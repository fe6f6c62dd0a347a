"""What lies where in a project's folder, and how its tables are stored."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import ProjectError
from napari_axonem.evaluation.tables import Cells, CellTable, Contacts
from napari_axonem.proofreading.edges import COLUMNS, Edges, Ids

SUFFIX = ".axonem"


@dataclass(frozen=True, slots=True)
class Folder:
    """The paths of a project."""

    root: Path
    """The project's folder, ``NAME.axonem``."""

    @property
    def database(self) -> Path:
        """The log of operations and what else is said of the project."""
        return self.root / "project.db"

    @property
    def fragments(self) -> Path:
        """The pyramid of fragments, OME-Zarr."""
        return self.root / "fragments.zarr"

    @property
    def truth(self) -> Path:
        """The pyramid of true objects, OME-Zarr; there only when truth was given."""
        return self.root / "truth.zarr"

    @property
    def tables(self) -> Path:
        """The tables as they were at creation."""
        return self.root / "tables.npz"


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a project as they were at creation; the log builds on them."""

    cells: CellTable
    """Cells and their contacts."""

    edges: Edges
    """The fragment graph with the states it started from."""

    segment: Ids
    """The segment of each fragment, shape (fragments + 1,)."""

    fragment_ids: npt.NDArray[np.uint64]
    """The id that each fragment was imported with, shape (fragments + 1,)."""

    truth_ids: npt.NDArray[np.uint64]
    """The id that each true object was imported with, shape (objects + 1,)."""

    def rank(self) -> npt.NDArray[np.int64]:
        """Return the voxels of each fragment, shape (fragments + 1,)."""
        rank = np.zeros(len(self.segment), dtype=np.int64)
        np.add.at(rank, self.cells.cells.fragment, self.cells.cells.voxels)
        return rank

    def save(self, path: Path) -> None:
        """Write the tables (npz, no pickles)."""
        cells, contacts = self.cells.cells, self.cells.contacts
        columns = {f"cells_{name}": getattr(cells, name) for name in _names(Cells)}
        columns |= {f"contacts_{name}": getattr(contacts, name) for name in _names(Contacts)}
        columns |= {f"edges_{name}": getattr(self.edges, name) for name in COLUMNS}
        columns |= {n: getattr(self, n) for n in ("segment", "fragment_ids", "truth_ids")}
        np.savez(path, allow_pickle=False, **columns)

    @classmethod
    def load(cls, path: Path) -> Tables:
        """Read the tables.

        Raises
        ------
        ProjectError
            The file is missing or damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                cells = Cells(*(stored[f"cells_{n}"] for n in _names(Cells)))
                contacts = Contacts(*(stored[f"contacts_{n}"] for n in _names(Contacts)))
                return cls(
                    CellTable(cells, contacts),
                    Edges(*(stored[f"edges_{name}"] for name in COLUMNS)),
                    stored["segment"],
                    stored["fragment_ids"],
                    stored["truth_ids"],
                )
        except (OSError, ValueError, KeyError) as error:
            raise ProjectError(
                f"the project's tables cannot be read ({error})",
                where=path,
                remedy="create the project anew; the log of edits in project.db is kept",
            ) from error


def _names(columns: type[Cells | Contacts]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(columns))
