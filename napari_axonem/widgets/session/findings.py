"""Where the list of errors comes from: the truth, or suggestions kept with the project."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import numpy as np

from napari_axonem.errors import EditError
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.standing import Choice
from napari_axonem.evaluation.suggestions import Suggestion
from napari_axonem.geometry import zyx
from napari_axonem.proofreading.gains import RunGains
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.suggested import Suggested
from napari_axonem.widgets.session.keyboard import by_key
from napari_axonem.widgets.session.queue import ErrorQueue, Filter, Finding, Rank
from napari_axonem.widgets.session.workplace import Workplace

LISTED = 5000
"""Errors listed at most, the worst: nobody works through more before the list has changed."""

SLICE_S, SHOWN_EVERY_S = 0.012, 0.5
"""How long gains are worked out at a stretch, and how often what is known of them is shown."""


class Findings:
    """Loads the list of errors of the open project.

    Parameters
    ----------
    place
        Viewer and project.
    queue
        Where they are listed, and which are wanted.
    shown
        Called when gains in run length became known.
    """

    def __init__(self, place: Workplace, queue: ErrorQueue, shown: Callable[[], None]) -> None:
        self._place, self._queue, self._shown = place, queue, shown
        self.suggesting = False
        """Whether suggestions are listed rather than errors known from the truth."""
        self.rank = Rank.VOI
        """What makes one error worse than another."""
        self.total = 0
        """Errors that pass the filter, also those that are not among the `LISTED` worst."""
        self._suggested: Suggested | None = None
        self._gains: RunGains | None = None
        self._working = False
        self._last_shown = 0.0

    def start(self) -> None:
        """Begin with a project that was just opened, or with none."""
        project = self._place.project
        self.suggesting = project is not None and not project.has_truth
        self._suggested = None
        self.read_suggestions()
        self.start_gains()

    def start_gains(self) -> None:
        """Begin to work gains in run length out, where there are skeletons."""
        project = self._place.project
        self._gains = None
        if project is not None and project.has_truth and project.state.followed is not None:
            self._gains = RunGains(project)
        if self._gains is None:
            self.rank = Rank.VOI

    def read_suggestions(self) -> None:
        """Take the suggestions kept with the project."""
        project = self._place.project
        self._suggested = None if project is None else Suggested.read(project.folder.root)

    @property
    def has_runs(self) -> bool:
        """Whether gains in run length are known, or will be."""
        return self._gains is not None and not self.suggesting

    @property
    def sought(self) -> bool:
        """Whether suggestions were looked for."""
        return self._suggested is not None

    def switch(self) -> None:
        """List suggestions instead of errors, or the other way round."""
        if not self._place.opened.has_truth:
            raise EditError("the project has no ground truth: only suggestions can be listed")
        self.suggesting = not self.suggesting

    def rank_by(self, by: Rank) -> None:
        """Let another measure say which error is worse."""
        self.rank = by
        self._number()

    def outdate(self, changed: Iterable[int]) -> None:
        """Forget what an edit of these segments changed."""
        if self._gains is not None:
            self._gains.outdate(changed)

    def load(self) -> None:
        """Bring the queue up to date with the project and the filter."""
        project = self._place.project
        if project is None:
            self.total = 0
            return
        found = self._suggestions(project) if self.suggesting else self._mistakes(project)
        self._queue.load(found, project.log.error_states(), project.sources.grid)
        if self.has_runs:
            self._number()
            self._go_on()

    def settle(self) -> None:
        """Put the contacts of fragments that were cut in their places, so that `renew` need not."""
        project = self._place.project
        if project is not None and project.has_truth and not self.suggesting:
            _ = project.state.table.contacts

    def renew(self) -> None:
        """Bring what the next `load` takes time for up to date, so that it takes less."""
        project = self._place.project
        if project is not None and project.has_truth and not self.suggesting:
            project.standing.count()

    def nothing(self) -> str:
        """Say why there is nothing in the list."""
        if not self.suggesting:
            return "no error is listed"
        truth = "" if self._place.opened.has_truth else "the project has no ground truth; "
        if self.sought:
            return f"{truth}no suggestion is left"
        return f"{truth}find suggestions first{by_key('suggest')}"

    def _mistakes(self, project: Project) -> list[Finding]:
        choice = _choice(project, self._queue.filter)
        found: list[Finding] = [*project.mistakes(choice, LISTED)]
        self.total = len(found) if len(found) < LISTED else project.standing.count(choice)
        return found

    def _suggestions(self, project: Project) -> list[Finding]:
        wanted, grid = self._queue.filter, project.sources.grid
        found = [] if self._suggested is None else self._suggested.standing(project.state)

        def passes(suggestion: Suggestion) -> bool:
            voxel = zyx(grid.to_voxel(suggestion.position_nm))
            return (
                (not wanted.kind or suggestion.kind == wanted.kind)
                and suggestion.size_voxels >= wanted.min_voxels
                and (wanted.box is None or wanted.box.contains(voxel))
            )

        chosen: list[Finding] = [*filter(passes, found)]
        self.total = len(chosen)
        return chosen

    def _number(self) -> None:
        if self._gains is not None:
            self._queue.rank(self._gains.known, self.rank)

    def _go_on(self) -> None:
        if not self._working:
            self._working, self._last_shown = True, time.perf_counter()
            self._place.later(self._work)

    def _work(self) -> None:
        """Work some gains out, and come back for more when the window has had its turn."""
        self._working = False
        if self._gains is None or not self.has_runs or self._place.project is None:
            return
        before = [row for row in self._queue.rows if row.gain_erl is None]
        todo = [row.mistake for row in before if isinstance(row.mistake, Mistake)]
        ready = self._gains.work(todo, SLICE_S)
        now = time.perf_counter()
        if before and (ready or now - self._last_shown > SHOWN_EVERY_S):
            self._last_shown = now
            self._number()
            self._shown()
        if not ready:
            self._working = True
            self._place.later(self._work)


def look_up(project: Project) -> None:
    """Have a project work out the errors that are listed when it is opened; for use in a thread."""
    project.graph.most_members(1)  # has all fragments sorted by their segments
    if project.has_truth:
        project.mistakes(limit=LISTED)


def _choice(project: Project, wanted: Filter) -> Choice:
    """Return the filter for errors that are known from the truth."""
    followed, truth = project.state.followed, None
    if wanted.min_run_nm and followed is not None:
        long = followed.skeletons.lengths >= wanted.min_run_nm
        truth = np.unique(followed.truth[long & (followed.truth > 0)]).tolist()
    kinds = {"false_split": "false_split", "false_merge": "false_merge"}
    return Choice(
        kind=kinds.get(wanted.kind, ""),  # type: ignore[arg-type]
        min_voxels=wanted.min_voxels,
        box=wanted.box,
        truth=truth,
    )
