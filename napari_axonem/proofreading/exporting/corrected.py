"""The corrected segmentation as a volume, as it was after one operation.

Reading a box looks up the segment of each fragment. What a reader needs is found in the project's
folder, so that the volume is a few words when it is pickled, and workers open it each for itself.
Edits that are made meanwhile, in a window, do not show: the table is that of the operation, and a
fragment that was cut since is what it was cut from.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import EditError, ProjectError, SettingsError
from napari_axonem.geometry import Grid, Zyx, zyx
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.folder import Folder
from napari_axonem.proofreading.record.log import Log
from napari_axonem.proofreading.tables.refinement import Refinement
from napari_axonem.proofreading.tables.snapshots import newest
from napari_axonem.proofreading.tables.state import State
from napari_axonem.proofreading.tables.stored import Tables
from napari_axonem.volumes import Pyramid, Volume
from napari_axonem.volumes.conversion import Source
from napari_axonem.volumes.conversion.reading import stamp_of
from napari_axonem.volumes.lazy import Level


@dataclass(frozen=True, slots=True)
class CorrectedLevel:
    """One level of the corrected segmentation as a lazy array (z, y, x)."""

    root: Path
    """The project's folder, not depending on the current one."""

    operation: int
    """The operation after which the segments count, 0 for none."""

    level: int
    """Of the pyramid of fragments."""

    shape: Zyx
    """Extent (z, y, x) in voxels."""

    dtype: np.dtype[Any]
    """Type of an id: uint32 where all of them fit, else uint64."""

    chunks: Zyx | None
    """What is read from disk at once."""

    stamp: str
    """Of the project: what was read under another one does not count."""

    objects: tuple[int, ...] | None = None
    """The segments that are there, in the project's own numbers; all where it is None."""

    def __getitem__(self, key: tuple[slice, slice, slice]) -> npt.NDArray[Any]:
        fragments = np.asarray(_fragments(self.root, self.level, self.stamp)[key])
        table = _table(self.root, self.operation, self.objects, self.dtype.str, self.stamp)
        largest = int(fragments.max(initial=0))
        if largest >= len(table):
            table = table[_cut_from(self.root, self.operation, len(table), largest)]
        labels: npt.NDArray[Any] = table[fragments]
        return labels


def corrected_volume(
    project: Project, level: int = 0, objects: tuple[int, ...] | None = None
) -> Volume:
    """Return the segments of a project as they are now, with the ids that they are exported with.

    Parameters
    ----------
    level
        Scale that becomes the finest one, 0 for full size. A coarser voxel has the segment of the
        fragment that the project's pyramid has there: what the window shows at that scale.
    objects
        The segments that are to be there; all where it is None.

    Raises
    ------
    SettingsError
        There is no such scale.
    EditError
        One of the objects is not there.
    ProjectError
        A cut is in the log, but its voxels are not on disk yet.
    """
    if project.log.unwritten():
        raise ProjectError(
            "the voxels of its newest cut are not written yet",
            where=project.folder.root,
            remedy="try again in a moment, or open it for editing once, which writes them",
        )
    fragments = project.sources.fragments.volume
    if not 0 <= level < len(fragments.levels):
        raise SettingsError(
            f"there is no level {level}",
            where=project.folder.root,
            remedy=f"its levels are 0 to {len(fragments.levels) - 1}",
        )
    _require(project, objects)
    said = stamp(project)
    largest = int(project.exported_ids().max(initial=0))
    levels = tuple(
        CorrectedLevel(
            project.folder.root.absolute(),
            project.state.count,
            number,
            zyx(array.shape),
            np.dtype(np.uint32 if largest < 2**32 else np.uint64),
            getattr(array, "chunks", None),
            said,
            objects,
        )
        for number, array in enumerate(fragments.levels)
    )
    return Volume(
        levels=levels[level:],
        factors=tuple(
            zyx(np.floor_divide(f, fragments.factors[level])) for f in fragments.factors[level:]
        ),
        grid=_grid(fragments, level),
        location=str(project.folder.root),
        format="project",
        kind="labels",
    )


def corrected_source(
    project: Project, level: int = 0, objects: tuple[int, ...] | None = None
) -> Source:
    """Return the same for `napari_axonem.volumes.conversion.convert`."""
    which = "" if objects is None else "-" + hashlib.sha256(repr(objects).encode()).hexdigest()[:16]
    return Source(corrected_volume(project, level, objects), stamp(project) + which)


def stamp(project: Project) -> str:
    """Return a word that changes with each operation, and with a project made anew."""
    digest = project.log.digest(project.state.count) if project.state.count else b""
    made = stamp_of(str(project.folder.tables.absolute()))
    return f"{made}-{project.state.count}-{(digest or b'').hex()[:16]}"


def _grid(fragments: Volume, level: int) -> Grid:
    return fragments.grid.coarser(fragments.factors[level])


def _require(project: Project, objects: tuple[int, ...] | None) -> None:
    segment = project.segment
    for one in objects or ():
        if not 0 < one < len(segment) or segment[one] != one:
            raise EditError(f"there is no object {one}", remedy="it may have been edited")


@lru_cache(maxsize=8)
def _fragments(root: Path, level: int, stamp: str) -> Level:
    found: Any = Pyramid.open(Folder(root).fragments).volume.levels[level]
    return found  # type: ignore[no-any-return]


@lru_cache(maxsize=4)
def _table(
    root: Path, operation: int, objects: tuple[int, ...] | None, dtype: str, stamp: str
) -> npt.NDArray[Any]:
    """Return the id to write for each fragment, 0 for those that are not wanted."""
    folder = Folder(root)
    with contextlib.closing(Log(folder.database, writable=False)) as log:
        snapshot = newest(folder.snapshots, log, operation)
        grid = Pyramid.open(folder.fragments).grid
        state = State(Tables.load(folder.tables), log, grid, snapshot, operation)
    ids = state.names[state.graph.segment].astype(dtype)
    if objects is not None:
        ids[~np.isin(state.graph.segment, objects)] = 0
    return ids


def forget_tables() -> None:
    """Let go of the tables and files that this process has read."""
    _table.cache_clear()
    _fragments.cache_clear()


def _cut_from(root: Path, operation: int, known: int, largest: int) -> npt.NDArray[np.int64]:
    """Return, for each fragment there is now, the one of `known` that it was a part of then.

    Voxels that were background then lead to fragment 0.
    """
    roots = list(range(known))
    with contextlib.closing(Log(Folder(root).database, writable=False)) as log:
        for stored in log.refinements(operation):
            roots.append(roots[Refinement.from_bytes(stored.content).parent])
    if largest >= len(roots):
        raise ProjectError(
            f"fragment {largest} is in the voxels and not in the log",
            where=root,
            remedy="check it with 'napari-axonem project verify'",
        )
    return np.array(roots, np.int64)
