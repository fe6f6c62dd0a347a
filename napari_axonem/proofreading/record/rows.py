"""An operation as a row of the database, and the chain of digests over rows."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence

import numpy as np

from napari_axonem.errors import StorageError
from napari_axonem.proofreading.record.operation import (
    Colour,
    EdgeStates,
    Kind,
    Operation,
    Point,
    no_made,
)

OPERATION_COLUMNS = """
    kind TEXT NOT NULL,
    parent INTEGER NOT NULL,
    target INTEGER NOT NULL,
    points TEXT NOT NULL,
    fragments TEXT NOT NULL,
    edges BLOB NOT NULL,
    segments_before TEXT NOT NULL,
    segments_after TEXT NOT NULL,
    details TEXT,
    voi TEXT,
    time TEXT NOT NULL,
    user TEXT NOT NULL,
    version TEXT NOT NULL
"""

START = bytes(32)
"""The digest before the first operation."""

COMPRESSED_ROWS = 1000
"""Edge states are compressed from so many rows on: those of a threshold are millions."""

_PLAIN, _ZLIB = b"\0", b"\1"
"""First byte of the rows of edges: how the others are written."""

Row = tuple[str | int | bytes | None, ...]


def to_row(operation: Operation) -> Row:
    """Return an operation as a row, without its id."""
    details = {
        "made": operation.made.tolist(),
        "name": operation.name,
        "threshold": operation.threshold,
        "erl_nm": operation.erl_nm,
    }
    said = {name: value for name, value in details.items() if value not in ([], "", None)}
    return (
        str(operation.kind),
        operation.parent,
        operation.target,
        json.dumps([[*p.position_nm, p.colour and str(p.colour)] for p in operation.points]),
        json.dumps(operation.fragments),
        _edges_to_blob(operation.edges),
        json.dumps(operation.segments_before),
        json.dumps(operation.segments_after),
        json.dumps(said) if said else None,
        None if operation.voi is None else json.dumps(operation.voi),
        operation.time,
        operation.user,
        operation.version,
    )


def from_row(row: tuple[object, ...]) -> Operation:
    """Return the operation of a row, which begins with its id."""
    id_, kind, parent, target, points, fragments, edges, before, after, details, voi, *stamp = row
    time, user, version = (str(part) for part in stamp)
    said = {} if details is None else json.loads(str(details))
    return Operation(
        kind=Kind(str(kind)),
        id=int(str(id_)),
        parent=int(str(parent)),
        target=int(str(target)),
        points=tuple(
            Point((z, y, x), None if colour is None else Colour(colour))
            for z, y, x, colour in json.loads(str(points))
        ),
        fragments=tuple(json.loads(str(fragments))),
        edges=edges_from_blob(edges),
        made=np.array(said["made"], np.int64) if "made" in said else no_made(),
        name=said.get("name", ""),
        threshold=said.get("threshold"),
        segments_before=tuple(json.loads(str(before))),
        segments_after=tuple(json.loads(str(after))),
        voi=None if voi is None else tuple(json.loads(str(voi))),
        erl_nm=said.get("erl_nm"),
        time=time,
        user=user,
        version=version,
    )


def digest_of(
    before: bytes, number: int, row: Sequence[object], refinements: Sequence[bytes]
) -> bytes:
    """Return the digest of a row with its id and refinements, chained to the one before."""
    digest = hashlib.sha256(before)
    for value in (number, *row):
        content = value if isinstance(value, bytes) else str(value).encode()
        digest.update(len(content).to_bytes(8, "little") + content)
    for content in refinements:
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.digest()


def _edges_to_blob(edges: EdgeStates) -> bytes:
    raw = np.ascontiguousarray(edges, dtype="<u4").tobytes()
    return _PLAIN + raw if len(edges) < COMPRESSED_ROWS else _ZLIB + zlib.compress(raw, level=1)


def edges_from_blob(blob: object) -> EdgeStates:
    """Return the edge states that a row holds."""
    if not isinstance(blob, bytes):
        raise StorageError("an operation's edges are no bytes", where="project database")
    try:
        raw = zlib.decompress(blob[1:]) if blob[:1] == _ZLIB else blob[1:]
        return np.frombuffer(raw, dtype="<u4").reshape(-1, 3).astype(np.int64)
    except (zlib.error, ValueError) as error:
        raise StorageError("an operation's edges are damaged", where="project database") from error
