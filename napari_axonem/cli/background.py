"""Long work begun from the command line, which goes on when the terminal is closed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from napari_axonem.cli.reporting import Outcome
from napari_axonem.cli.verb import LongVerb
from napari_axonem.jobs import common_folder, start

FLAG = "--background"
LEAST = len("--back")
"""Of the flag so much at least is typed, where it is abbreviated."""


def add_flag(parser: argparse.ArgumentParser) -> None:
    """Add the flag that makes a job of the work."""
    parser.add_argument(
        FLAG,
        action="store_true",
        help="begin it as a job and return; 'jobs list' says how far it is",
    )


def begin(verb: LongVerb[Any], settings: Any, arguments: Sequence[str]) -> Outcome:  # noqa: ANN401
    """Begin a job and say which.

    Parameters
    ----------
    settings
        What the verb was asked for: mistakes are found before anything begins.
    arguments
        Of the command, the verb first.

    Raises
    ------
    SettingsError
        A file of settings is wrong.
    JobError
        The process could not be started.
    """
    own = [word for word in arguments[1:] if not _is_flag(word) and word != "--json"]
    job = start(verb.job(settings, own), common_folder())
    text = f"{job.id} has begun: {job.specification.title}; 'napari-axonem jobs list' follows it"
    return Outcome({"id": job.id, "folder": str(job.folder.root)}, text)


def _is_flag(word: str) -> bool:
    return FLAG.startswith(word) and len(word) >= LEAST
