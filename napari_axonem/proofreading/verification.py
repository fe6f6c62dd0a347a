"""Computing a project anew from its voxels and its log, to see that everything agrees."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from napari_axonem.evaluation.cells import tabulate
from napari_axonem.evaluation.edges import fragment_edges
from napari_axonem.progress import Progress, silent
from napari_axonem.proofreading.graph import BACKGROUND, FragmentGraph
from napari_axonem.proofreading.project import Project

CELL_COLUMNS = ("fragment", "truth", "voxels", "start", "stop")
"""What of a cell is determined by the voxels; its point may be another as good."""


def verify_project(project: Project, progress: Progress = silent) -> list[str]:
    """Compare the tables of an open project with a computation from scratch.

    Returns
    -------
    One sentence for each difference; empty when all agree.
    """
    truth = project.sources.truth
    fresh = tabulate(
        project.sources.fragments.volume,
        None if truth is None else truth.volume,
        project.sources.affinities,
        progress,
    )
    known = project.state.table
    found = [
        f"cells: column {name!r} is not what the voxels say"
        for name in CELL_COLUMNS
        if not np.array_equal(getattr(fresh.cells, name), getattr(known.cells, name))
    ]
    found += [
        f"contacts: column {field.name!r} is not what the voxels say"
        for field in fields(fresh.contacts)[:3]
        if not np.array_equal(
            getattr(fresh.contacts, field.name), getattr(known.contacts, field.name)
        )
    ]
    edges = project.graph.edges
    contacts = fragment_edges(fresh)
    alive = edges.u != BACKGROUND
    known_pairs = set(zip(edges.u[alive].tolist(), edges.v[alive].tolist(), strict=True))
    missing = set(zip(contacts.u.tolist(), contacts.v.tolist(), strict=True)) - known_pairs
    if missing:
        found.append(f"graph: {len(missing)} contacts have no edge, such as {min(missing)}")
    segments = FragmentGraph(edges, project.graph.rank).segment
    if not np.array_equal(segments, project.segment):
        found.append("segments: they are not the components of the edges that are on")
    return found
