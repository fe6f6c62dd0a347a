"""Suggestions kept with a project, and what edits have made of them.

Looking for suggestions takes minutes, so they are kept in the project's folder. A suggestion is
about two places: that a merge joins them, or that a split parts them. So it is settled when the
places lie in one segment, or in two, whoever saw to that and however; and an undo brings it back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import StorageError
from napari_axonem.evaluation.edges import FragmentEdges
from napari_axonem.evaluation.suggestions import (
    Agglomeration,
    Suggestion,
    segments_of,
    suggest,
)
from napari_axonem.geometry import Box, Zyx, zyx
from napari_axonem.progress import Progress, silent
from napari_axonem.proofreading.plans.thresholding import scores
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.tables.state import State

FILE = "suggestions.json"
VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class Suggested:
    """Suggestions with the fragments at their points."""

    suggestions: tuple[Suggestion, ...]
    """As they were found, likeliest first."""

    ends: npt.NDArray[np.int64]
    """The fragments at the first red and the first blue point of each when they were found,
    int64, shape (n, 2)."""

    fragments: int = 0
    """Fragments that the project had; later ones were cut from those."""

    @classmethod
    def of(cls, project: Project, suggestions: Sequence[Suggestion]) -> Suggested:
        """Look up the fragments at the points.

        Raises
        ------
        VolumeError
            The fragments cannot be read.
        """
        volume = project.sources.fragments.volume

        def at(voxel: Zyx) -> int:
            return int(volume.read(Box(voxel, zyx(np.add(voxel, 1))))[0, 0, 0])

        ends = [(at(s.red[0]), at(s.blue[0])) for s in suggestions]
        table = np.array(ends, dtype=np.int64).reshape(-1, 2)
        return cls(tuple(suggestions), table, project.graph.n_fragments)

    def standing(self, state: State) -> list[Suggestion]:
        """Return those that are not settled, with the names that their segments have now."""
        segments = state.graph.segment[self._ends_now(state)]
        found = []
        for suggestion, (red, blue) in zip(self.suggestions, segments.tolist(), strict=True):
            joined = red == blue
            if not red or not blue or joined == (suggestion.kind == "false_split"):
                continue
            names = (red,) if joined else (min(red, blue), max(red, blue))
            found.append(replace(suggestion, segments=names))
        return found

    def write(self, folder: Path) -> None:
        """Keep them in a project's folder; the file is there whole or not at all.

        Raises
        ------
        StorageError
            The disk refuses.
        """
        content = {
            "version": VERSION,
            "fragments": self.fragments,
            "ends": self.ends.tolist(),
            "suggestions": [asdict(suggestion) for suggestion in self.suggestions],
        }
        partial = folder / f".{FILE}.{os.getpid()}"
        try:
            partial.write_text(json.dumps(content), encoding="utf-8")
            partial.replace(folder / FILE)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise StorageError(
                f"the suggestions could not be kept ({error})",
                where=folder,
                remedy="free some disk space and check that the folder can be written",
            ) from error

    @classmethod
    def read(cls, folder: Path) -> Suggested | None:
        """Read those kept in a project's folder.

        Returns
        -------
        None where there are none, or none that can be read: they can be found again.
        """
        try:
            content = json.loads((folder / FILE).read_text(encoding="utf-8"))
            if content["version"] != VERSION:
                return None
            ends = np.array(content["ends"], dtype=np.int64).reshape(-1, 2)
            suggestions = tuple(_suggestion(row) for row in content["suggestions"])
            return cls(suggestions, ends, int(content["fragments"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _ends_now(self, state: State) -> npt.NDArray[np.int64]:
        """Return the fragments at the points, where some were cut since."""
        if all(cut.child <= self.fragments for cut in state.carried):
            return self.ends
        ends = self.ends.copy()
        points = np.array([(s.red[0], s.blue[0]) for s in self.suggestions]).reshape(-1, 2, 3)
        for cut in state.refinements():
            if cut.child <= self.fragments:
                continue
            inside = points - np.array(cut.corner)
            within = ((inside >= 0) & (inside < cut.mask.shape)).all(axis=2)
            rows = np.argwhere(within & (ends == cut.parent))
            hit = cut.mask[tuple(inside[tuple(rows.T)].T)]
            ends[tuple(rows[hit].T)] = cut.child
        return ends


def suggest_for(project: Project, progress: Progress = silent) -> list[Suggestion]:
    """Look for likely errors of a project, by all that it knows but the truth.

    Raises
    ------
    MismatchError
        The image or the affinities do not fit the fragments.
    VolumeError
        They cannot be read.
    """
    sources = project.sources
    segments = segments_of(sources.fragments.volume, project.segment)
    return suggest(
        segments, sources.image, sources.affinities, agglomeration_of(project), progress=progress
    )


def agglomeration_of(project: Project) -> Agglomeration:
    """Return how the fragments of a project are joined; what an edit has set has no score."""
    state, edges = project.state, project.state.graph.edges
    score = scores(state).copy()
    fixed = state.edits_by_hand()
    rows = state.graph.find(fixed[:, 0], fixed[:, 1])
    score[rows[rows >= 0]] = np.nan
    cells = project.surroundings().cells
    inside = np.zeros((len(state.graph.rank), 3), np.int32)
    order = np.argsort(cells.voxels, kind="stable")  # the last of a fragment is its largest
    inside[cells.fragment[order]] = cells.point[order]
    alive = np.flatnonzero(edges.alive)
    columns = (getattr(edges, field.name).whole()[alive] for field in fields(FragmentEdges))
    return Agglomeration(
        FragmentEdges(*columns),
        edges.on.whole()[alive],
        score[alive],
        state.graph.rank,
        inside,
        state.graph.segment,
    )


def _suggestion(row: dict[str, Any]) -> Suggestion:
    voxels = {name: tuple(zyx(v) for v in row[name]) for name in ("red", "blue")}
    z, y, x = row["position_nm"]
    box = Box(zyx(row["box"]["start"]), zyx(row["box"]["stop"]))
    return Suggestion(
        kind=row["kind"],
        segments=tuple(row["segments"]),
        position_nm=(z, y, x),
        score=row["score"],
        reason=row["reason"],
        size_voxels=row["size_voxels"],
        box=box,
        red=voxels["red"],
        blue=voxels["blue"],
    )
