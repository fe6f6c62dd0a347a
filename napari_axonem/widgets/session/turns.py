"""Work that has to be done in the window's thread, one step a turn of its event loop."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial

from napari_axonem.widgets.session.workplace import Workplace

Steps = Generator[None, None, None]
"""Work that gives the window a turn wherever it yields."""


class Turns:
    """Does steps one after the other; between two of them the window draws and answers.

    Parameters
    ----------
    place
        Says when the window has had its turn; without a window all is done at once.
    """

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._steps = _none()

    def begin(self, steps: Steps) -> None:
        """Do these steps, after those that were begun before and are not finished."""
        self.finish()
        self._steps = steps
        self._place.later(partial(self._turn, steps))

    def at_once(self, steps: Steps) -> None:
        """Do these steps now, after those that were begun before."""
        self.finish()
        for _ in steps:
            pass

    def finish(self) -> None:
        """Do now what is left of the steps begun."""
        steps, self._steps = self._steps, _none()
        for _ in steps:
            pass

    def drop(self) -> None:
        """Do no more steps."""
        self._steps.close()

    def _turn(self, steps: Steps) -> None:
        for _ in steps:  # nothing where they were finished, or dropped, meanwhile
            self._place.later(partial(self._turn, steps))
            return


def _none() -> Steps:
    yield from ()
