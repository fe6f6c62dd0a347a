"""Skeletons that are followed from now on, looked up beside the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari_axonem.errors import AxonemError, EditError
from napari_axonem.evaluation.skeletons.files import read_skeletons
from napari_axonem.evaluation.standing import RunSettings
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.tables.followed import FollowedSkeletons
from napari_axonem.widgets.session.workplace import Notice, Workplace


class Following:
    """Lets the open project follow skeletons.

    Parameters
    ----------
    place
        Viewer and project.
    followed
        Called when the project follows them.
    """

    def __init__(self, place: Workplace, followed: Callable[[], None]) -> None:
        self._place, self._followed = place, followed
        self.busy = False
        """Whether nodes are being looked up."""

    def follow(self, location: Path | str, settings: RunSettings) -> None:
        """Read skeletons and look up the fragments under their nodes.

        Raises
        ------
        EditError
            The project has no truth, or skeletons are being looked up already.
        """
        project = self._place.opened
        if not project.has_truth:
            raise EditError(
                "the project has no ground truth",
                where="skeletons",
                remedy="create it with --truth: skeletons are those of true objects",
            )
        if self.busy:
            raise EditError("skeletons are being looked up", remedy="wait a moment")
        self.busy = True
        found: list[FollowedSkeletons | AxonemError] = []
        known = project.graph.n_fragments

        def work() -> None:
            found.append(_looked_up(project, location, settings))

        def done() -> None:
            self.busy = False
            if self._place.project is not project:
                return
            result = found[0] if found else AxonemError("the skeletons could not be looked up")
            if isinstance(result, AxonemError):
                self._place.said.emit(Notice(str(result), problem=True))
            elif project.graph.n_fragments != known:  # a fragment was cut meanwhile
                self.follow(location, settings)
            else:
                project.state.follow(result)
                self._place.say(f"following {len(result.skeletons):,} skeletons")
                self._followed()

        self._place.compute(work, done)


def _looked_up(
    project: Project, location: Path | str, settings: RunSettings
) -> FollowedSkeletons | AxonemError:
    """Return skeletons on the fragments of a project, or why that cannot be."""
    volume = project.sources.fragments.volume
    grid = volume.grid
    try:
        skeletons = read_skeletons(location, voxel_size=grid.voxel_size, origin=grid.origin)
        return FollowedSkeletons.on(volume, skeletons, project.state.truth_ids, settings)
    except AxonemError as error:
        return error
