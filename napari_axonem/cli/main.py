"""The command ``napari-axonem VERB …``."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from napari_axonem import __version__
from napari_axonem.cli import (
    axonem,
    background,
    converting,
    editing,
    evaluating,
    exporting,
    jobs,
    looking,
    making,
    marking,
    models,
    segmenting,
    showing,
    skeletonizing,
    training,
)
from napari_axonem.cli.flags import Parser, add_flags, naming_flags, read_flags
from napari_axonem.cli.reporting import Outcome, Spoken, progress_for, show
from napari_axonem.cli.verb import AnyVerb, LongVerb
from napari_axonem.errors import AxonemError
from napari_axonem.jobs.running import heeding, running_job
from napari_axonem.watching import Watcher

VERBS: tuple[AnyVerb, ...] = (
    *looking.VERBS,
    *evaluating.VERBS,
    *skeletonizing.VERBS,
    *showing.VERBS,
    *converting.VERBS,
    *making.VERBS,
    *segmenting.VERBS,
    *models.VERBS,
    *training.VERBS,
    *axonem.VERBS,
    *editing.VERBS,
    *marking.VERBS,
    *exporting.VERBS,
    *jobs.VERBS,
)

NETWORK_LIBRARIES = ("torch", "waterz")
"""What the extra `models` brings."""

INTERRUPTED = 130
"""Exit status after Control-C, as shells give it."""

TRACE_VARIABLE = "AXONEM_TRACE"
"""Set to anything to see where an unexpected failure happened."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """How the command ended."""

    status: int
    how: str
    """ "done", "stopped" or "failed"."""

    text: str = ""
    data: Any = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; as a job, where the environment says so.

    Returns
    -------
    0 when done, 2 for a user's mistake, 1 for a failure of the program or the machine.
    """
    try:
        with running_job() as job:
            ended = _run(arguments, None if job is None else job.watcher)
            if job is not None:
                job.end(ended.how, ended.text, ended.data)
            return ended.status
    except AxonemError as error:  # the folder of the job
        sys.stderr.write(f"napari-axonem: {error}\n")
        return error.exit_status


def _run(arguments: Sequence[str] | None, watcher: Watcher | None) -> _Ended:
    """Run the command and say how it ended, on the standard streams and to the caller."""
    goes_on = False
    try:
        parsed = build_parser().parse_args(arguments)
        goes_on = parsed.verb.goes_on
        outcome = _perform(parsed, watcher, sys.argv[1:] if arguments is None else arguments)
        show(outcome, as_json=parsed.json)
    except AxonemError as error:
        return _failed(str(error), error.exit_status)
    except KeyboardInterrupt:
        remedy = "; the same command goes on where it was" if goes_on else ""
        sys.stderr.write(f"napari-axonem: stopped{remedy}\n")
        return _Ended(INTERRUPTED, "stopped", "stopped")
    except BrokenPipeError:  # the reader of our output has had enough
        sys.stderr.close()
        return _Ended(0, "done")
    except ModuleNotFoundError as error:
        if error.name not in NETWORK_LIBRARIES:
            return _unexpected(error, watcher)
        remedy = "pip install 'napari-axonem[models]'"
        return _failed(f"networks need {error.name}, which is not installed; {remedy}", 2)
    except Exception as error:  # a failure of ours: one line, the trace on request
        return _unexpected(error, watcher)
    how = "stopped" if outcome.stopped else "done" if outcome.status == 0 else "failed"
    return _Ended(outcome.status, how, outcome.text, outcome.data)


def _perform(
    parsed: argparse.Namespace, watcher: Watcher | None, arguments: Sequence[str]
) -> Outcome:
    """Do what was asked for, or begin it."""
    verb: AnyVerb = parsed.verb
    settings = read_flags(verb.settings, parsed)
    with naming_flags(verb.settings):
        if isinstance(verb, LongVerb):
            if parsed.background:
                return background.begin(verb, settings, arguments)
            return verb.run(settings, watcher or Spoken())
        return verb.run(settings, heeding(watcher) if watcher else progress_for(sys.stderr))


def _unexpected(error: Exception, watcher: Watcher | None) -> _Ended:
    if os.environ.get(TRACE_VARIABLE) or watcher is not None:
        traceback.print_exception(error)
    return _failed(
        f"unexpected {type(error).__name__}: {error}; "
        f"set {TRACE_VARIABLE}=1 to see where, and please report it",
        1,
    )


def _failed(text: str, status: int) -> _Ended:
    sys.stderr.write(f"napari-axonem: {text}\n")
    return _Ended(status, "failed", text)


def build_parser() -> Parser:
    """Return the parser of all verbs."""
    parser = Parser(
        prog="napari-axonem",
        description="Reconstruct axons from electron microscopy: see, rank and repair errors.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(metavar="VERB", required=True)
    subjects: dict[str, argparse._SubParsersAction[Parser]] = {}
    for verb in VERBS:
        subject, _, name = verb.name.rpartition(" ")
        if subject and subject not in subjects:
            about = f"{subject}: {', '.join(_verbs_of(subject))}"
            group = subparsers.add_parser(subject, help=about, description=about)
            subjects[subject] = group.add_subparsers(metavar="VERB", required=True)
        _add_verb(subjects.get(subject, subparsers), name, verb)
    return parser


def _verbs_of(subject: str) -> Iterable[str]:
    return (v.name.split(" ")[1] for v in VERBS if v.name.startswith(subject + " "))


def _add_verb(subparsers: argparse._SubParsersAction[Parser], name: str, verb: AnyVerb) -> None:
    parser = subparsers.add_parser(name, help=verb.help, description=verb.help)
    add_flags(parser, verb.settings)
    if isinstance(verb, LongVerb):
        background.add_flag(parser)
    parser.add_argument("--json", action="store_true", help="print a machine-readable result")
    parser.set_defaults(verb=verb)
