"""Figures of a job over its steps, and how fast the steps come."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field

WINDOW_S = 60.0
"""Speed is that of the last minute."""


@dataclass(slots=True)
class Curve:
    """Values at rising steps."""

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, step: int, value: float) -> None:
        """Take a point; work that was taken up again goes over some steps once more."""
        if self.steps and step <= self.steps[-1]:
            keep = bisect_left(self.steps, step)
            del self.steps[keep:], self.values[keep:]
        self.steps.append(step)
        self.values.append(value)


class Pace:
    """How fast work goes on."""

    def __init__(self) -> None:
        self._doing = ""
        self._points: deque[tuple[float, int]] = deque()

    def take(self, time: float, done: int, doing: str) -> None:
        """Take that so many steps were done at a time in seconds."""
        if doing != self._doing or (self._points and done < self._points[-1][1]):
            self._doing = doing
            self._points.clear()
        self._points.append((time, done))
        while len(self._points) > 2 and time - self._points[0][0] > WINDOW_S:
            self._points.popleft()

    @property
    def speed(self) -> float | None:
        """Steps a second; None where not known."""
        if len(self._points) < 2:
            return None
        (first, at_first), (last, at_last) = self._points[0], self._points[-1]
        return (at_last - at_first) / (last - first) if last > first else None
