"""What every tool can do."""

from __future__ import annotations

from abc import ABC, abstractmethod

from napari_axonem.errors import EditError
from napari_axonem.geometry import Nm
from napari_axonem.widgets.session.drafts import Shown
from napari_axonem.widgets.session.tools.bench import Bench


class HandTool(ABC):
    """A tool, and the edit begun with it.

    Parameters
    ----------
    bench
        The project under it.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    @property
    @abstractmethod
    def begun(self) -> bool:
        """Whether there is something to drop."""

    @property
    def ready(self) -> bool:
        """Whether there is something to take."""
        return False

    @property
    def busy(self) -> bool:
        """Whether something is being worked out."""
        return False

    @property
    def shown(self) -> Shown:
        """What stands out in the picture."""
        return Shown()

    @abstractmethod
    def click(self, position_nm: Nm, more: bool) -> None:
        """Use it at a position (z, y, x) in nm; `more` is a click with Shift."""

    def take(self) -> None:
        """Do what is shown.

        Raises
        ------
        EditError
            There is nothing to do.
        """
        raise EditError("there is nothing to take", remedy="begin an edit with a tool")

    def take_back(self) -> None:
        """Forget the newest click.

        Raises
        ------
        EditError
            There is none.
        """
        raise EditError("no point is placed", remedy="begin an edit with a tool")

    @abstractmethod
    def drop(self) -> None:
        """Forget what was begun, without telling."""

    def settle(self) -> None:
        """Follow an operation, whoever did it: what was begun is out of date."""
        self.drop()


class Looking(HandTool):
    """No tool for edits: clicks pick objects (`napari_axonem.widgets.session.objects`)."""

    @property
    def begun(self) -> bool:
        """Nothing is ever begun."""
        return False

    def click(self, position_nm: Nm, more: bool) -> None:
        """Change nothing."""

    def drop(self) -> None:
        """There is nothing to forget."""
