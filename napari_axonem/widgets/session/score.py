"""How the score moved from the start of a project to now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from napari_axonem.evaluation.scores import Voi
from napari_axonem.evaluation.standing import RunSettings
from napari_axonem.proofreading.gains import erl_at_start
from napari_axonem.proofreading.record.glance import run_lengths, vois
from napari_axonem.proofreading.record.operation import Operation
from napari_axonem.proofreading.tables.followed import FollowedSkeletons
from napari_axonem.widgets.session.workplace import Workplace


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Scores over the operations of a project with truth."""

    start: Voi
    """The score at creation."""

    now: Voi
    """The newest score."""

    totals: Sequence[float]
    """The total at the start and after each operation that has a score, in bits."""


class ScoreRecord:
    """Notes the score after each operation, so that no edit goes through the whole log.

    Parameters
    ----------
    place
        Viewer and project.
    """

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._start: Voi | None = None
        self._now: Voi | None = None
        self._totals: list[float] = []

    def start(self) -> None:
        """Begin with a project that was just opened, or with none."""
        project = self._place.project
        self._start = self._now = None if project is None else project.voi_at_start
        self._totals = [] if self._start is None else [self._start.total]
        if project is None or self._start is None:
            return
        known = vois(project.log)
        self._totals += [split + merge for split, merge in known]
        self._now = Voi(*known[-1]) if known else self._start

    def add(self, operation: Operation) -> float | None:
        """Note the score after an operation; return the change, None where it has none."""
        if self._now is None or operation.voi is None:
            return None
        before, self._now = self._now, Voi(*operation.voi)
        self._totals.append(self._now.total)
        return self._now.total - before.total

    def track(self) -> Track | None:
        """Return how the score moved; None where it is not known, without truth."""
        if self._start is None or self._now is None:
            return None
        return Track(self._start, self._now, self._totals)


@dataclass(frozen=True, slots=True)
class RunTrack:
    """Expected run lengths over the operations of a project with skeletons, in nm."""

    start: float | None
    """The run length before the first edit; None while it is not known."""

    after: tuple[tuple[int, float], ...]
    """Operation and the run length after it, oldest first; those that are known."""

    now: float
    """The run length now."""

    truth: float
    """That of the truth against itself: the best there can be."""

    settings: RunSettings
    """What counts as merged."""

    @property
    def shares(self) -> list[float]:
        """The normalised run length at the start and after each operation, 0 to 1."""
        start = () if self.start is None else (self.start,)
        known = [*start, *(value for _, value in self.after)]
        return [value / self.truth for value in known or [self.now]]


class RunRecord:
    """Notes the expected run length after each operation.

    Parameters
    ----------
    place
        Viewer and project.
    told
        Called when the run length at the start became known.
    """

    def __init__(self, place: Workplace, told: Callable[[], None]) -> None:
        self._place, self._told = place, told
        self._followed: FollowedSkeletons | None = None
        self._start: float | None = None
        self._after: list[tuple[int, float]] = []
        self._truth = 0.0

    def start(self, *, own: bool = True) -> None:
        """Begin with the skeletons that the open project follows, if it does.

        Parameters
        ----------
        own
            Whether they are those that it was made with, which its log speaks of.
        """
        project = self._place.project
        self._followed = None if project is None else project.state.followed
        self._start, self._after = None, []
        if project is None or self._followed is None:
            return
        if own:
            self._after = run_lengths(project.log)
        lengths = self._followed.skeletons.lengths
        self._truth = float((lengths * lengths).sum() / lengths.sum())
        found: list[float] = []
        followed = self._followed

        def done() -> None:
            if found and self._followed is followed:
                self._start = found[0]
                self._told()

        self._place.compute(lambda: found.append(erl_at_start(project)), done)

    def add(self, operation: Operation) -> None:
        """Note the run length after an operation."""
        erl = self._place.opened.erl()
        if self._followed is not None and erl is not None:
            self._after.append((operation.id, erl))

    def track(self) -> RunTrack | None:
        """Return how the run length moved; None without skeletons."""
        project = self._place.project
        erl = None if project is None else project.erl()
        if self._followed is None or erl is None:
            return None
        return RunTrack(self._start, tuple(self._after), erl, self._truth, self._followed.settings)
