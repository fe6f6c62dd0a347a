"""The command's reference, made from the command itself: ``reference/command.md``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx

from napari_axonem.cli.main import VERBS, build_parser
from napari_axonem.cli.verb import AnyVerb

HEAD = """# The command

Made from the command itself; `napari-axonem VERB --help` says the same. Every verb takes `--json`
for a machine-readable result. Positions are `z,y,x` in nm. Exit status: 0 done, 2 a mistake in
what was asked, 1 a failure of the program or the machine, 130 stopped with Ctrl+C.
"""


def written(app: Sphinx) -> None:
    """Write the page into the source folder, where it is not under version control."""
    page = Path(app.srcdir) / "reference" / "command.md"
    page.write_text("\n".join([HEAD, *map(_section, VERBS)]), encoding="utf-8")


def _section(verb: AnyVerb) -> str:
    words = verb.name.split(" ")
    parser = _parser_of(build_parser(), words)
    rows = [_row(action) for action in _shown(parser)]
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    table = "\n".join(["| argument | meaning |", "|---|---|", *rows]) if rows else ""
    help_text = verb.help[:1].upper() + verb.help[1:]
    return f"## {verb.name}\n\n{help_text}.\n\n```text\n{usage}\n```\n\n{table}\n"


def _parser_of(parser: argparse.ArgumentParser, words: list[str]) -> argparse.ArgumentParser:
    for word in words:
        (choices,) = (a.choices for a in parser._actions if isinstance(a.choices, dict))
        parser = choices[word]
    return parser


def _shown(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    return (a for a in parser._actions if not {"--help", "--json"} & set(a.option_strings))


def _row(action: argparse.Action) -> str:
    name = ", ".join(action.option_strings) or str(action.metavar or action.dest)
    if action.option_strings and action.metavar:
        metavar = action.metavar
        name += f" {metavar if isinstance(metavar, str) else ' '.join(metavar)}"
    elif action.choices and not isinstance(action.choices, dict):
        name += f" {{{','.join(map(str, action.choices))}}}"
    about = (action.help or "").replace("%%", "%").replace("|", "\\|").replace("{", "\\{")
    return f"| `{name}` | {about} |"


def setup(app: Sphinx) -> dict[str, bool]:
    """Let the page be written before Sphinx looks for sources."""
    app.connect("builder-inited", written, priority=100)
    return {"parallel_read_safe": True}
