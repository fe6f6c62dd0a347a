"""HTML in which every text is escaped, because it is put together from elements only.

What comes out is XML too, so that a test can read it with a strict parser.
"""

from __future__ import annotations

import html
import re

NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What a file name may hold and a page may not."""


class Markup(str):
    """Text that is HTML already. Only functions of this module make it."""

    __slots__ = ()


Child = Markup | str | int


def text(value: object) -> Markup:
    """Return any value as escaped text."""
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(NO_XML.sub("\ufffd", str(value))))


def element(name: str, *children: Child, **attributes: object) -> Markup:
    """Return an element.

    Parameters
    ----------
    attributes
        A trailing underscore is left out of a name (``class_``), others become hyphens.
    """
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items()
    )
    inner = join(*children)
    if not inner and name in EMPTY:
        return Markup(f"<{name}{shown}/>")
    return Markup(f"<{name}{shown}>{inner}</{name}>")


def join(*children: Child) -> Markup:
    """Return children one after the other."""
    return Markup("".join(map(text, children)))


def table(head: list[str], rows: list[list[Child]]) -> Markup:
    """Return a table whose first column is a name and whose others are figures."""
    cells = [[element("td", cell) for cell in row] for row in rows]
    return element(
        "div",
        element(
            "table",
            element("thead", element("tr", *(element("th", cell, scope="col") for cell in head))),
            element("tbody", *(element("tr", *row) for row in cells)),
        ),
        class_="wide",
    )


def document(title: str, body: Markup) -> str:
    """Return a whole page."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("title", title),
        element("style", Markup(STYLE)),
    )
    return f"<!DOCTYPE html>\n{element('html', head, element('body', body), lang='en')}\n"


EMPTY = {"meta", "img", "rect", "line", "path"}

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Lets a browser load nothing at all."""

STYLE = """
:root { color-scheme: light dark; --paper: #fdfcf9; --ink: #23211e; --soft: #6d675f;
  --rule: #dcd6cb; --truth: #8b8377; --correct: #2b6ca3; --merged: #19a7c7; --split: #ee8a12;
  --omitted: #b9b2a6; }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #171615; --ink: #e9e5de;
  --soft: #a19a8f; --rule: #3a3733; --truth: #978f83; --correct: #5fa3dc; --merged: #19c3e6;
  --split: #ff9f1c; --omitted: #5c574f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 60rem; background: var(--paper);
  color: var(--ink); font: 1.0625rem/1.55 "Iowan Old Style", "Palatino Linotype", Palatino,
  Georgia, "DejaVu Serif", serif; font-variant-numeric: lining-nums tabular-nums; }
h1 { font-size: 1.9rem; line-height: 1.2; font-weight: 500; margin: 0 0 .3rem; }
h2 { font-size: 1.3rem; font-weight: 500; margin: 3rem 0 .6rem; padding-top: .8rem;
  border-top: 1px solid var(--rule); }
p { max-width: 42rem; margin: .4rem 0 1rem; }
.soft, figcaption span, th, dt { color: var(--soft); }
.soft, figcaption, table, dl { font-size: .9rem; line-height: 1.45; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; margin: 1.2rem 0; }
dt, dd { margin: 0; } dd { overflow-wrap: anywhere; }
.figures { display: flex; flex-wrap: wrap; gap: 1.2rem 2.6rem; margin: 1.8rem 0; }
.figures div { min-width: 8rem; } .figures b { display: block; font-size: 1.9rem;
  font-weight: 400; line-height: 1.2; } .figures span { display: block;
  font-size: .85rem; color: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .6rem 0 1.2rem; }
th, td { text-align: right; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--rule);
  white-space: nowrap; font-weight: 400; }
th:first-child, td:first-child { text-align: left; }
svg { display: block; width: 100%; height: auto; margin: .6rem 0; }
svg text { font: 13px "Iowan Old Style", Palatino, Georgia, "DejaVu Serif", serif;
  fill: var(--ink); } svg .soft { fill: var(--soft); font-size: 12px; }
.axis { stroke: var(--rule); } .mean { stroke-width: 1.5; stroke-dasharray: 5 4; }
.correct { fill: var(--correct); } .merged { fill: var(--merged); } .split { fill: var(--split); }
.omitted { fill: var(--omitted); } .line-truth { fill: none; stroke: var(--truth);
  stroke-width: 1.8; } .line-segmentation { stroke: var(--correct); } .truth { fill: var(--truth); }
.cards { display: flex; flex-wrap: wrap; gap: 1.4rem; margin: 1rem 0; }
figure { margin: 0; width: 13rem; } figure img { display: block; width: 100%; height: auto;
  border-radius: 3px; margin-bottom: .4rem; }
figcaption b { font-weight: 600; } figcaption span { display: block; }
footer { margin-top: 3rem; }
@media (max-width: 32rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; }
  figure { width: calc(50% - .7rem); } }
@media print { :root { color-scheme: light; } body { padding: 0; max-width: none; font-size: 10pt; }
  figure, tr, svg { break-inside: avoid; } h2 { break-after: avoid; } }
"""
