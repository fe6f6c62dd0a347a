"""How the segments of a project stand against its truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_axonem.errors import ProjectError
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.replacement import replaced_cells
from napari_axonem.evaluation.scores import Voi
from napari_axonem.evaluation.skeletons.skeletons import Skeletons
from napari_axonem.evaluation.standing import (
    USUAL,
    USUAL_RUNS,
    Choice,
    RunLengths,
    RunSettings,
    Standing,
)
from napari_axonem.progress import Progress, silent
from napari_axonem.proofreading.keeper import Keeper
from napari_axonem.proofreading.plans.splitting import SplitPlan


class Scored:
    """The part of a project that answers how good its segments are.

    Parameters
    ----------
    keeper
        The open project.
    """

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper

    @property
    def has_truth(self) -> bool:
        """Whether ground truth was given that labels any voxel."""
        return self.keeper.state.has_truth

    @property
    def voi_at_start(self) -> Voi | None:
        """The variation of information before the first edit, or None without truth."""
        stored = self.keeper.settings.get("voi_at_start")
        return Voi(*map(float, stored)) if isinstance(stored, list) else None

    @property
    def standing(self) -> Standing:
        """Scores and mistakes, which follow each edit.

        Raises
        ------
        ProjectError
            The project has no truth.
        """
        if not self.has_truth:
            raise ProjectError(
                "it has no ground truth", where=self.keeper.name, remedy="create it with --truth"
            )
        return self.keeper.state.standing

    def voi(self) -> Voi | None:
        """Return the variation of information from the truth, or None without truth."""
        return self.keeper.state.voi()

    def mistakes(self, choice: Choice = USUAL, limit: int | None = None) -> list[Mistake]:
        """Return the false splits and false merges against the truth, to be repaired in order.

        Without skeletons the usual order is that of the gain in VOI alone.

        Parameters
        ----------
        choice
            Which ones, in which order.
        limit
            At most so many.

        Raises
        ------
        ProjectError
            The project has no truth.
        """
        lengths = self.run_lengths()
        if lengths is None and choice.rank == "repair":  # there is no run length to spoil
            choice = replace(choice, rank="voi")
        return self.standing.mistakes(choice, limit, lengths)

    def follow_skeletons(
        self,
        skeletons: Skeletons,
        settings: RunSettings = USUAL_RUNS,
        progress: Progress = silent,
    ) -> None:
        """Score the run length along skeletons of the truth from now on (`erl`).

        A project that was created with skeletons follows these from the start.

        Raises
        ------
        VolumeError
            The fragments cannot be read.
        """
        self.keeper.follow(skeletons, settings, progress)

    def erl(self) -> float | None:
        """Return the expected run length in nm, or None without skeletons."""
        return self.keeper.state.erl()

    def erl_gain(self, mistake: Mistake) -> float | None:
        """Return by how many nm the repair of one mistake alone would raise `erl`."""
        lengths = self.run_lengths()
        return None if lengths is None else lengths.gain(mistake)

    def run_lengths(self) -> RunLengths | None:
        """Return what says by how much a repair raises `erl`, or None without skeletons."""
        runs, followed = self.keeper.state.runs, self.keeper.state.followed
        return None if runs is None or followed is None else RunLengths(runs, followed.truth)

    def voi_after(self, plan: SplitPlan) -> Voi | None:
        """Return the variation of information that a planned split would give."""
        if not self.has_truth:
            return None
        standing, known = self.standing, len(self.keeper.state.graph.segment)
        fragments = np.array(list(plan.components), np.int64)
        cells = standing.cells_of(fragments[fragments < known])
        for refinement in plan.refinements:
            cells = replaced_cells(cells, refinement.table, refinement.parts)
        unused = known + len(plan.refinements)
        component = np.array([plan.components[f] for f in cells.fragment.tolist()], np.int64)
        return standing.voi_after(cells, plan.segment, unused + component)
