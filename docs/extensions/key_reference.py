"""The table of keys, made from the program's own: ``reference/keys.md``."""

from __future__ import annotations

import itertools
from pathlib import Path

from sphinx.application import Sphinx

from napari_axonem.widgets.session.keys import ACTIONS, HELP_KEYS

HEAD = f"""# Keys

The window shows the same table: {" or ".join(f"`{key}`" for key in HELP_KEYS)}.
"""


def written(app: Sphinx) -> None:
    """Write the page into the source folder, where it is not under version control."""
    parts = [HEAD]
    for group, actions in itertools.groupby(ACTIONS, lambda action: action.group):
        rows = [f"| `{action.shown_key}` | {action.title} |" for action in actions]
        parts += ["\n".join([f"## {group}\n", "| key | does |", "|---|---|", *rows, ""])]
    page = Path(app.srcdir) / "reference" / "keys.md"
    page.write_text("\n".join(parts), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Let the page be written before Sphinx looks for sources."""
    app.connect("builder-inited", written, priority=100)
    return {"parallel_read_safe": True}
