"""Snapshots: the state of a project after some operation, so that opening it replays few.

The log stays the truth. A snapshot names the digest of the operation it was made after: one that
is damaged, or of another log, is passed over, and a missing one is made again.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from napari_axonem.proofreading.record.log import Log
from napari_axonem.proofreading.tables.edges import COLUMNS, Edges, Ids
from napari_axonem.volumes.disk import DAMAGES

KEPT = 2
"""Snapshots that are kept, so that a damaged one is not the only one."""

REVISION = 1
"""Raised when a snapshot comes to mean something else; older ones are passed over."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Everything that the log changes, as columns."""

    operation: int
    """The operation after which it was made."""

    digest: bytes
    """The digest of that operation, and with it of the whole log up to there."""

    segment: Ids
    """The segment of each fragment, shape (fragments + 1,)."""

    deleted: npt.NDArray[np.uint32]
    """The fragments that are deleted."""

    rank: npt.NDArray[np.int64]
    """Voxels of the fragments that refinements made, shape (made,)."""

    on: npt.NDArray[np.bool_]
    """Whether each contact at creation is on, shape (contacts,)."""

    late: Edges
    """The edges that came later."""

    buried: npt.NDArray[np.int64]
    """Rows of edges that refinements buried."""

    history: dict[str, npt.NDArray[np.int64]]
    """What `History.columns` gave."""

    carried: npt.NDArray[np.int64]
    """Operation, number, parent and child of each refinement, shape (refinements, 4)."""

    pairs: npt.NDArray[np.int64]
    """The edges of parts after refinements: place of the refinement, u, v; shape (n, 3)."""

    def save(self, folder: Path) -> None:
        """Write it and remove older ones; a disk that refuses is no failure of an edit."""
        columns: dict[str, npt.NDArray[Any]] = {
            "revision": np.array([REVISION, self.operation, len(self.on)]),
            "digest": np.frombuffer(self.digest, np.uint8),
            "on": np.packbits(self.on),
        }
        columns |= {f.name: getattr(self, f.name) for f in fields(self) if f.name in _ARRAYS}
        columns |= {f"late_{name}": getattr(self.late, name) for name in COLUMNS}
        columns |= {f"history_{name}": column for name, column in self.history.items()}
        path = folder / f"{self.operation:012}.npz"
        temporary = path.with_name(f".{path.name}.partial")
        with contextlib.suppress(OSError):
            folder.mkdir(exist_ok=True)
            with temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, **columns)
            temporary.replace(path)
            for old in saved_in(folder)[KEPT:]:
                old.unlink()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read one.

        Raises
        ------
        Any of `napari_axonem.volumes.disk.DAMAGES`
            It is damaged, or of another revision of the program.
        """
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            revision, operation, contacts = stored["revision"].tolist()
            if revision != REVISION:
                raise ValueError(f"revision {revision} of snapshots")
            columns = {name: stored[name] for name in _ARRAYS}
            return cls(
                operation=operation,
                digest=stored["digest"].tobytes(),
                on=np.unpackbits(stored["on"], count=contacts).astype(np.bool_),
                late=Edges(*(stored[f"late_{name}"] for name in COLUMNS)),
                history={name: stored[f"history_{name}"] for name in _HISTORY},
                **columns,
            )


_ARRAYS = ("segment", "deleted", "rank", "buried", "carried", "pairs")
_HISTORY = ("edits", "last_child", "head")


def saved_in(folder: Path) -> list[Path]:
    """Return the snapshots in a folder, newest first."""
    return sorted(folder.glob("[0-9]*.npz"), reverse=True)


def newest(folder: Path, log: Log, until: int | None = None) -> Snapshot | None:
    """Return the newest snapshot that belongs to a log and is whole, None where there is none.

    Parameters
    ----------
    until
        The last operation that may be in it; any where it is None.
    """
    for path in saved_in(folder):
        with contextlib.suppress(*DAMAGES):
            if until is not None and int(path.stem) > until:
                continue
            snapshot = Snapshot.load(path)
            if log.digest(snapshot.operation) == snapshot.digest:
                return snapshot
    return None
