"""Single columns of a log, read without the operations that they are of, however long it is."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from napari_axonem.proofreading.record.log import Log
from napari_axonem.proofreading.record.operation import TURNS, EdgeStates, Kind
from napari_axonem.proofreading.record.rows import edges_from_blob

_NO_EDITS_BY_HAND = (*TURNS, Kind.MARK, Kind.THRESHOLD)


def vois(log: Log) -> list[tuple[float, float]]:
    """Return VOI (split, merge) after each operation that has one, oldest first."""
    rows = log.select("SELECT voi FROM operations WHERE voi IS NOT NULL ORDER BY id")
    return [(split, merge) for split, merge in json.loads(f"[{','.join(voi for (voi,) in rows)}]")]


def run_lengths(log: Log) -> list[tuple[int, float]]:
    """Return the operations with an expected run length, and that in nm, oldest first."""
    rows = log.select(
        "SELECT id, details FROM operations WHERE details LIKE '%\"erl_nm\"%' ORDER BY id"
    )
    found = ((id_, json.loads(said).get("erl_nm")) for id_, said in rows)
    return [(id_, erl) for id_, erl in found if erl is not None]  # a mark may be named like that


def times_of_edits(log: Log, after: int = 0) -> list[tuple[int, datetime]]:
    """Return when each edit by hand was made, of those with ids above `after`, oldest first."""
    found = _of_edits(log, "time", after)
    return [(id_, datetime.fromisoformat(time)) for id_, time in found]


def edges_of_edits(log: Log) -> list[tuple[int, EdgeStates]]:
    """Return the ids and edges of all edits by hand, oldest first."""
    return [(id_, edges_from_blob(blob)) for id_, blob in _of_edits(log, "edges")]


def thresholds(log: Log, after: int = 0) -> list[tuple[int, float]]:
    """Return the thresholds set by operations with ids above `after`, with those, oldest first."""
    return [(id_, said["threshold"]) for id_, said in _details(log, Kind.THRESHOLD, after)]


def marked(log: Log, name: str) -> int | None:
    """Return the newest mark with a name; None where there is none."""
    marks = reversed(_details(log, Kind.MARK))
    return next((id_ for id_, said in marks if said["name"] == name), None)


def _of_edits(log: Log, column: str, after: int = 0) -> list[tuple[Any, ...]]:
    kinds = ", ".join("?" * len(_NO_EDITS_BY_HAND))
    return log.select(
        f"SELECT id, {column} FROM operations WHERE id > ? AND kind NOT IN ({kinds}) ORDER BY id",
        after,
        *map(str, _NO_EDITS_BY_HAND),
    )


def _details(log: Log, kind: Kind, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
    rows = log.select(
        "SELECT id, details FROM operations WHERE id > ? AND kind = ? ORDER BY id", after, str(kind)
    )
    return [(id_, json.loads(said)) for id_, said in rows]
