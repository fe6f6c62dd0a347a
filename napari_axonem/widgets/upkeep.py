"""The list of errors after an edit: only what the edit can have changed is looked for again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_axonem.evaluation.mistakes import Mistake, find_mistakes
from napari_axonem.proofreading.project import Project


def updated(project: Project, old: Sequence[Mistake], changed: frozenset[int]) -> list[Mistake]:
    """Return the errors of a project, worst first.

    An error depends on its own segments alone, so that those of all other segments stay.

    Parameters
    ----------
    old
        The errors before.
    changed
        All segments that edits have made or unmade since.
    """
    kept = [mistake for mistake in old if changed.isdisjoint(mistake.segments)]
    segment = project.segment
    there = [name for name in sorted(changed) if segment[name] == name]  # the others are gone
    if not there:
        return kept
    found = find_mistakes(
        project.state.table, segment, project.sources.grid, segments=np.array(there)
    )
    return sorted([*kept, *found], key=lambda mistake: -mistake.gain_voi)
