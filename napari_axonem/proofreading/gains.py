"""By how much the repair of each mistake would raise the expected run length, kept through edits.

One gain takes a fraction of a millisecond, a list of thousands seconds. So gains are worked out in
slices, and those that an edit did not change are kept. A gain depends on the skeletons with nodes
on the mistake's segments, and on the segments that these run along; an edit touches the skeletons
with nodes on the segments that it made. Where the two sets have no skeleton in common, no segment
of the mistake is *near* the edit (holds a node of a touched skeleton), and the gain is what it was.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import ProjectError
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.standing import Runs
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.states.extent import roots_of
from napari_axonem.proofreading.tables.stored import Tables

Key = tuple[object, ...]


class RunGains:
    """Gains in expected run length of mistakes of a project with skeletons.

    Parameters
    ----------
    project
        An open project.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._followed: object = None
        self._gains: dict[Key, float] = {}

    def known(self, mistake: Mistake) -> float | None:
        """Return the gain in nm of repairing a mistake alone; None while it is not worked out."""
        return self._gains.get(_key(mistake))

    def outdate(self, segments: Iterable[int]) -> None:
        """Forget the gains that an edit may have changed.

        Parameters
        ----------
        segments
            The segments that the edit made or unmade.
        """
        followed = self._project.state.followed
        if followed is None or followed.skeletons is not self._followed:
            self._gains.clear()
            return
        at_node = self._project.segment[followed.fragment]
        changed = np.fromiter(segments, np.int64)
        touched = _flags(at_node, changed)[at_node]
        on_touched = np.zeros(len(followed.skeletons), np.bool_)
        on_touched[followed.skeletons.node_skeleton[touched]] = True
        near = np.unique(at_node[on_touched[followed.skeletons.node_skeleton]])
        gone = {*changed.tolist(), *near.tolist()} - {0}
        self._gains = {
            key: gain for key, gain in self._gains.items() if gone.isdisjoint(_segments(key))
        }

    def work(self, mistakes: Iterable[Mistake], seconds: float) -> bool:
        """Work out gains that are not known, in order, for about so long.

        Returns
        -------
        Whether all are known now. There are none without skeletons.
        """
        followed = self._project.state.followed
        if followed is None:
            return True
        if followed.skeletons is not self._followed:
            self._gains.clear()
            self._followed = followed.skeletons
        until = time.perf_counter() + seconds
        for mistake in mistakes:
            key = _key(mistake)
            if key in self._gains:
                continue
            if time.perf_counter() > until:
                return False
            gain = self._project.erl_gain(mistake)
            if gain is not None:
                self._gains[key] = gain
        return True


def erl_at_start(project: Project) -> float:
    """Return the expected run length in nm before the first edit of a project with skeletons.

    Raises
    ------
    ProjectError
        It follows none.
    """
    state = project.state
    if state.followed is None:
        raise ProjectError("it follows no skeletons", where=project.name)
    fragment = roots_of(state)[state.followed.fragment]  # what was cut since was whole then
    segment = Tables.load(project.folder.tables).segment
    return Runs(state.followed.skeletons, fragment, segment, state.followed.settings).erl()


def _key(mistake: Mistake) -> Key:
    """Return what the gain of a mistake depends on, as long as its segments stay."""
    cut = mistake.truth[:1] if mistake.kind == "false_merge" else ()
    return mistake.segments, cut


def _segments(key: Key) -> tuple[int, ...]:
    segments = key[0]
    return segments if isinstance(segments, tuple) else ()


def _flags(values: npt.NDArray[np.uint32], chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return a table that tells which values are among the chosen ones."""
    most = max(int(values.max(initial=0)), int(chosen.max(initial=0)))
    table = np.zeros(most + 1, np.bool_)
    table[chosen] = True
    table[0] = False
    return table
