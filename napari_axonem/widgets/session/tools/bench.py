"""What all tools work with: the open project, and objects that take edits."""

from __future__ import annotations

from collections.abc import Callable

from napari_axonem.errors import EditError
from napari_axonem.geometry import Nm
from napari_axonem.proofreading.project import Project
from napari_axonem.widgets.session.drafts import Hit
from napari_axonem.widgets.session.planning import Planner, Proposal
from napari_axonem.widgets.session.workplace import Workplace


class Bench:
    """The project under the tools.

    Parameters
    ----------
    place
        Viewer and project.
    tell
        Called when an edit in the making has changed.
    """

    def __init__(self, place: Workplace, tell: Callable[[], None]) -> None:
        self.place = place
        self.tell = tell
        self._planners: list[Planner] = []

    @property
    def opened(self) -> Project:
        """The open project; `EditError` where there is none."""
        return self.place.opened

    @property
    def writable(self) -> Project:
        """The open project; `EditError` where there is none, or none that may be edited."""
        return self.place.writable

    def settled(self) -> Project:
        """Return the open project; an edit must not change it under a cut being planned.

        Raises
        ------
        EditError
            There is none, or a cut of it is being worked out.
        """
        project = self.opened
        if any(planner.reads(project) for planner in self._planners):
            raise EditError("a split is being worked out", remedy="wait a moment")
        return project

    def hit(self, position_nm: Nm, where: str) -> Hit:
        """Return what lies at a position (z, y, x) in nm.

        Parameters
        ----------
        where
            The tool, for the error.

        Raises
        ------
        EditError
            There is no object, or one that is locked.
        """
        project = self.opened
        pick = project.pick(position_nm)
        project.objects.refuse_locked([pick.fragment], where=where)
        return Hit(position_nm, pick.fragment, int(project.segment[pick.fragment]), pick.voxel)

    def planner(self, answer: Callable[[Proposal], None]) -> Planner:
        """Return what works cuts out beside the window."""
        planner = Planner(lambda work, done: self.place.compute(work, done), answer)
        self._planners.append(planner)
        return planner
