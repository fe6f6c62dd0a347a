"""A verb of the command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from napari_axonem.cli.reporting import Outcome
from napari_axonem.jobs import Specification
from napari_axonem.progress import Progress
from napari_axonem.settings import Settings
from napari_axonem.watching import Watcher

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Verb(Generic[S]):
    """What the user can ask for, and what does it."""

    name: str
    """One word, or two for a verb with a subject, such as ``"project create"``."""

    help: str
    """One line."""

    settings: type[S]
    """What can be set."""

    run: Callable[[S, Progress], Outcome]
    """Do it."""

    goes_on: bool = False
    """Whether the same command goes on where it was when it is cut off."""


@dataclass(frozen=True, slots=True)
class LongVerb(Generic[S]):
    """The same for work of hours, which draws curves and is asked to pause or to stop."""

    name: str
    help: str
    settings: type[S]
    run: Callable[[S, Watcher], Outcome]

    job: Callable[[S, Sequence[str]], Specification]
    """The same as a job, from the settings and the arguments that they were read from."""

    goes_on: bool = False


AnyVerb = Verb[Any] | LongVerb[Any]
