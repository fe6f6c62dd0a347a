"""Skeletons of the truth on the fragments of a project."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.grouping import Ids, Ints
from napari_axonem.evaluation.skeletons.lookup import lookup
from napari_axonem.evaluation.skeletons.skeletons import Skeletons
from napari_axonem.evaluation.standing import Runs, RunSettings
from napari_axonem.geometry import Grid
from napari_axonem.progress import Progress, silent
from napari_axonem.proofreading.tables.refinement import Refinement
from napari_axonem.volumes.volume import Volume


@dataclass(frozen=True, slots=True, eq=False)
class FollowedSkeletons:
    """Skeletons whose run lengths follow the edits of a project."""

    skeletons: Skeletons

    settings: RunSettings

    voxel: Ints
    """Voxel (z, y, x) of each node, int64, shape (N, 3)."""

    fragment: Ints
    """Fragment under each node, int64, shape (N,); 0 is none."""

    truth: Ints
    """True object of each skeleton, by its id within the project, int64, shape (S,); 0 where it
    is not one of the project."""

    @classmethod
    def on(
        cls,
        fragments: Volume,
        skeletons: Skeletons,
        truth_ids: Ids,
        settings: RunSettings,
        progress: Progress = silent,
    ) -> FollowedSkeletons:
        """Look up the fragments under the nodes.

        Parameters
        ----------
        fragments
            The volume of fragments.
        truth_ids
            The id that each true object was imported with, shape (objects + 1,).

        Raises
        ------
        VolumeError
            The fragments cannot be read.
        """
        nodes = lookup(fragments, skeletons, progress)
        return cls.known(skeletons, nodes.segment, truth_ids, fragments.grid, settings)

    @classmethod
    def known(
        cls,
        skeletons: Skeletons,
        node_fragment: npt.NDArray[np.integer],
        truth_ids: Ids,
        grid: Grid,
        settings: RunSettings,
    ) -> FollowedSkeletons:
        """Return the same from fragments under the nodes that were looked up before.

        Parameters
        ----------
        node_fragment
            The fragment under each node, shape (N,).
        grid
            That of the fragments.
        """
        order = np.argsort(truth_ids)
        place = np.minimum(
            np.searchsorted(truth_ids, skeletons.ids, sorter=order), len(truth_ids) - 1
        )
        known = truth_ids[order[place]] == skeletons.ids
        return cls(
            skeletons,
            settings,
            grid.to_voxel(skeletons.positions),
            node_fragment.astype(np.int64),
            np.where(known, order[place], 0),
        )

    def refined(self, refinement: Refinement) -> FollowedSkeletons:
        """Return the same after a fragment was cut in two."""
        inside = self.voxel - np.array(refinement.corner)
        within = ((inside >= 0) & (inside < refinement.mask.shape)).all(axis=1)
        nodes = np.flatnonzero(within & (self.fragment == refinement.parent))
        nodes = nodes[refinement.mask[tuple(inside[nodes].T)]]
        fragment = self.fragment.copy()
        fragment[nodes] = refinement.child
        return replace(self, fragment=fragment)

    def runs(self, segment: npt.NDArray[np.uint32]) -> Runs:
        """Return the run lengths along segments."""
        return Runs(self.skeletons, self.fragment, segment, self.settings)
