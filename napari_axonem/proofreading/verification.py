"""Computing a project anew from its voxels and its log, to see that everything agrees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import numpy as np

from napari_axonem.evaluation.cells import tabulate
from napari_axonem.evaluation.edges import fragment_edges
from napari_axonem.evaluation.parts import voi_of
from napari_axonem.evaluation.skeletons import lookup
from napari_axonem.evaluation.tables import CellTable
from napari_axonem.progress import Progress, silent
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.backups import leads_to
from napari_axonem.proofreading.tables.graph import BACKGROUND, FragmentGraph
from napari_axonem.proofreading.tables.state import State
from napari_axonem.proofreading.tables.stored import Tables

CELL_COLUMNS = ("fragment", "truth", "voxels", "start", "stop")
"""What of a cell is determined by the voxels; its point may be another as good."""

SAME_BITS = 1e-9
"""Scores may differ by so much in the order of their sums."""


def verify_project(project: Project, progress: Progress = silent) -> list[str]:
    """Compare the tables of an open project with a computation from scratch.

    Cells and contacts are counted anew in the voxels. Segments are made anew of the edges, and
    edges, deletions and history of the whole log, without a snapshot. The digests of the log are
    computed anew, the score from the table, and the fragments under the nodes of skeletons. The
    newest copy and the echo have to lead to the database.

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
    return [
        *_differing_tables(project, fresh),
        *_differing_graph(project, fresh),
        *_differing_log(project),
        *_differing_copies(project),
        *_differing_scores(project, progress),
    ]


def _differing_tables(project: Project, fresh: CellTable) -> Iterator[str]:
    known = project.state.table
    painted = any(carried.parent == BACKGROUND for carried in project.state.carried)
    for name in CELL_COLUMNS:
        new, old = getattr(fresh.cells, name), getattr(known.cells, name)
        if painted and name in ("start", "stop"):  # background gives voxels, not its box
            new, old = new[fresh.cells.fragment > 0], old[known.cells.fragment > 0]
        if not np.array_equal(new, old):
            yield f"cells: column {name!r} is not what the voxels say"
    for field in fields(fresh.contacts)[:3]:
        new, old = getattr(fresh.contacts, field.name), getattr(known.contacts, field.name)
        if painted:  # what is painted between two fragments does not part those near it
            new, old = new[fresh.contacts.area > 0], old[known.contacts.area > 0]
        if not np.array_equal(new, old):
            yield f"contacts: column {field.name!r} is not what the voxels say"


def _differing_graph(project: Project, fresh: CellTable) -> Iterator[str]:
    graph = project.graph
    edges = graph.edges.everything()
    contacts = fragment_edges(fresh)
    known, found = (
        set(zip(pairs.u.tolist(), pairs.v.tolist(), strict=True)) for pairs in (edges, contacts)
    )
    if missing := found - known:
        yield f"graph: {len(missing)} contacts have no edge, such as {min(missing)}"
    segments = FragmentGraph(edges, graph.rank, deleted=graph.deleted).segment
    if not np.array_equal(segments, project.segment):
        yield "segments: they are not the components of the edges that are on"


def _differing_log(project: Project) -> Iterator[str]:
    if damaged := project.log.out_of_chain():
        yield f"log: operation {damaged[0]} or the one before it is not what was written"
    fresh = State(Tables.load(project.folder.tables), project.log, project.sources.grid)
    now, then = project.graph, fresh.graph
    for name in ("rank", "deleted", "segment"):
        if not np.array_equal(getattr(now, name), getattr(then, name)):
            yield f"graph: column {name!r} is not what the log says"
    columns = [graph.edges.everything() for graph in (now, then)]
    for name in ("u", "v", "on"):
        if not np.array_equal(*(getattr(edges, name) for edges in columns)):
            yield f"edges: column {name!r} is not what the log says"
    if project.history.active() != fresh.history.active():
        yield "history: the active edits are not what the log says"


def _differing_copies(project: Project) -> Iterator[str]:
    mark = project.log.mark()
    if mark is not None and not leads_to(project.folder, mark):
        yield (
            "copies: the newest one and the changes recorded after it do not make up the database; "
            "opening the project for editing makes another"
        )


def _differing_scores(project: Project, progress: Progress) -> Iterator[str]:
    score = project.voi()
    if score is not None:
        wanted = voi_of(project.state.table, project.segment)
        away = max(abs(score.split - wanted.split), abs(score.merge - wanted.merge))
        if away > SAME_BITS:
            yield f"score: it is off by {away:g} bits"
    followed = project.state.followed
    if followed is not None:
        nodes = lookup(project.sources.fragments.volume, followed.skeletons, progress)
        if not np.array_equal(nodes.segment, followed.fragment):
            yield "skeletons: the fragments under their nodes are not what the voxels say"
