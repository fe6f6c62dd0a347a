"""The command ``napari-axonem VERB …``."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Iterable, Sequence

from napari_axonem import __version__
from napari_axonem.cli import (
    axonem,
    converting,
    editing,
    evaluating,
    exporting,
    looking,
    making,
    marking,
    models,
    segmenting,
    showing,
    skeletonizing,
    training,
)
from napari_axonem.cli.flags import Parser, add_flags, read_flags
from napari_axonem.cli.reporting import progress_for, show
from napari_axonem.cli.verb import AnyVerb
from napari_axonem.errors import AxonemError

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
)

INTERRUPTED = 130
"""Exit status after Control-C, as shells give it."""

TRACE_VARIABLE = "AXONEM_TRACE"
"""Set to anything to see where an unexpected failure happened."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns
    -------
    0 when done, 2 for a user's mistake, 1 for a failure of the program or the machine.
    """
    try:
        parsed = build_parser().parse_args(arguments)
        verb: AnyVerb = parsed.verb
        settings = read_flags(verb.settings, parsed)
        outcome = verb.run(settings, progress_for(sys.stderr))
        show(outcome, as_json=parsed.json)
    except AxonemError as error:
        sys.stderr.write(f"napari-axonem: {error}\n")
        return error.exit_status
    except KeyboardInterrupt:
        sys.stderr.write("napari-axonem: stopped\n")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has had enough
        sys.stderr.close()
        return 0
    except Exception as error:  # a failure of ours: one line, the trace on request
        if os.environ.get(TRACE_VARIABLE):
            traceback.print_exc()
        kind = type(error).__name__
        sys.stderr.write(
            f"napari-axonem: unexpected {kind}: {error}; "
            f"set {TRACE_VARIABLE}=1 to see where, and please report it\n"
        )
        return 1
    return outcome.status


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
    parser.add_argument("--json", action="store_true", help="print a machine-readable result")
    parser.set_defaults(verb=verb)
