"""A job as whoever follows it sees it: what came of it so far, and whether it is alive."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from napari_axonem.jobs import processes
from napari_axonem.jobs.curves import Curve, Pace
from napari_axonem.jobs.events import Event, EventReader, Kind
from napari_axonem.jobs.folder import JobFolder
from napari_axonem.jobs.specification import Specification

LINES = 500
"""Lines for people that are kept, the latest ones."""


class State(StrEnum):
    """Where a job stands."""

    NEW = "not started"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    DONE = "done"
    FAILED = "failed"

    LOST = "cut off"
    """Its process is gone and did not say why: killed, or the machine was."""

    @property
    def is_alive(self) -> bool:
        """Whether a process is at work."""
        return self in (State.STARTING, State.RUNNING, State.PAUSED)

    @property
    def can_resume(self) -> bool:
        """Whether it can be taken up again."""
        return self not in (State.STARTING, State.RUNNING, State.DONE)


class Job:
    """Follows a job; `update` reads what is new, and nothing is read otherwise.

    Parameters
    ----------
    root
        The job's folder.

    Raises
    ------
    JobError
        It is no job.
    """

    def __init__(self, root: Path) -> None:
        self.folder = JobFolder(root)
        self.specification = Specification.read(self.folder.specification)
        self.state = State.NEW
        self.progress: tuple[int, int, str] = (0, 0, "")
        """Steps done, steps in all, and what is being done."""

        self.curves: dict[str, Curve] = {}
        self.pictures: dict[str, tuple[int, Path]] = {}
        """The latest of each name, with its step."""

        self.lines: deque[str] = deque(maxlen=LINES)
        self.text = ""
        """How it ended, in one line."""

        self.data: Mapping[str, Any] = {}
        """What came of it; empty before it is done."""

        self.began = 0.0
        """When the process that is at work, or was last, took it up; seconds since 1970."""

        self.last = 0.0
        """When something happened last."""

        self._pace = Pace()
        self._reader = EventReader(self.folder.events)
        self._marker = Event(0.0, Kind.ENDED, {"how": ""})
        self._process: tuple[Any, ...] = ()
        self._paused = False
        self._take: dict[Kind, Callable[[Event], None]] = {
            Kind.LAUNCHED: self._launched,
            Kind.BEGAN: self._begun,
            Kind.PROGRESS: self._progressed,
            Kind.SCALAR: self._scalar,
            Kind.PICTURE: self._picture,
            Kind.LINE: self._line,
            Kind.PAUSED: self._pause,
            Kind.GOING_ON: self._pause,
            Kind.ENDED: self._end,
        }

    @property
    def id(self) -> str:
        """Its name among others."""
        return self.specification.id or self.folder.root.name

    @property
    def process_id(self) -> int:
        """Number of the process that is at work, or was last; 0 where there was none."""
        return int(self._process[0]) if self._process else 0

    @property
    def speed(self) -> float | None:
        """Steps a second lately; None where not known."""
        return self._pace.speed if self.state is State.RUNNING else None

    @property
    def seconds_left(self) -> float | None:
        """Time that what is being done will take; None where not known."""
        done, total, _ = self.progress
        return (total - done) / self.speed if self.speed and total >= done else None

    @property
    def damaged(self) -> int:
        """Lines of the events that could not be read, and were passed over."""
        return self._reader.damaged

    @property
    def is_behind(self) -> bool:
        """Whether there is more to read than was read at once."""
        return self._reader.has_more

    def update(self) -> bool:
        """Read what is new; return whether anything is."""
        before = self.state
        news = self._read()
        self.state = self._stand()
        return news or self.state is not before

    def catch_up(self) -> None:
        """Read all that there is."""
        self.update()
        while self._reader.has_more and self._read():
            self.state = self._stand()

    def _read(self) -> bool:
        events = self._reader.new()
        for event in events:
            self.last = event.time
            try:
                self._take[event.kind](event)
            except (KeyError, TypeError, ValueError):  # a line of this kind is damaged
                self._reader.damaged += 1
        return bool(events)

    def _stand(self) -> State:
        """Return where it stands, after its events were read."""
        if self._marker.kind is not Kind.ENDED:
            if self.folder.is_held():
                return State.PAUSED if self._paused else State.RUNNING
            if self._is_starting():
                return State.STARTING
            self._read()  # the end was written down before the lock was let go of
        if self._marker.kind is Kind.ENDED:
            how = str(self._marker.values.get("how", ""))
            return State(how) if how in tuple(State) else State.NEW
        if not self.text:
            self.text = self._last_words()
        return State.LOST

    def _is_starting(self) -> bool:
        return self._marker.kind is Kind.LAUNCHED and processes.is_there(self._marker.values)

    def _last_words(self) -> str:
        """Return the last line that a process said which did not come to its end."""
        try:
            with self.folder.output.open("rb") as file:
                file.seek(max(0, self.folder.output.stat().st_size - 4096))
                said = file.read().decode(errors="replace").split("\n")
        except OSError:
            said = []
        last = next((line.strip() for line in reversed(said) if line.strip()), "")
        return f"its process was ended{f'; it said last: {last}' if last else ''}"

    def _launched(self, event: Event) -> None:
        if _process(event) != self._process:  # else it was quicker than who launched it
            self._marker = event
            self._reset()

    def _begun(self, event: Event) -> None:
        self._process = _process(event)
        self._marker, self.began = event, event.time
        self._reset()

    def _reset(self) -> None:
        self.text, self.data, self._paused = "", {}, False
        self._pace = Pace()

    def _progressed(self, event: Event) -> None:
        values = event.values
        done, total, doing = int(values["done"]), int(values["total"]), str(values["doing"])
        self.progress = (done, total, doing)
        self._pace.take(event.time, done, doing)

    def _scalar(self, event: Event) -> None:
        values = event.values
        curve = self.curves.setdefault(str(values["name"]), Curve())
        curve.add(int(values["step"]), float(values["value"]))

    def _picture(self, event: Event) -> None:
        path = self.folder.pictures / Path(str(event.values["file"])).name
        self.pictures[str(event.values["name"])] = (int(event.values["step"]), path)

    def _line(self, event: Event) -> None:
        self.lines.append(str(event.values["text"]))

    def _pause(self, event: Event) -> None:
        self._paused = event.kind is Kind.PAUSED
        self._pace = Pace()

    def _end(self, event: Event) -> None:
        self._marker = event
        self.text = str(event.values["text"])
        data = event.values.get("data")
        self.data = data if isinstance(data, dict) else {}


def _process(event: Event) -> tuple[Any, ...]:
    """Return what tells the process of an event from others."""
    return tuple(event.values[name] for name in ("pid", "host", "born"))
