"""The fragment table and the edits of a project as files for other programs."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_axonem.errors import SettingsError
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.operation import Kind
from napari_axonem.volumes.disk import replacing

TABLE_COLUMNS = ("fragment", "segment", "fragment_id", "object_id")
POINT_COLUMNS = ("operation", "kind", "point", "z_nm", "y_nm", "x_nm", "colour", "time", "user")


def export_table(project: Project, destination: Path | str, *, overwrite: bool = False) -> str:
    """Write the segment of each fragment, a row a fragment, the background left out.

    Columns are ``fragment`` and ``segment``, the project's own numbers, and ``fragment_id`` and
    ``object_id``, the ids that they were imported with and are exported with. A deleted fragment
    has segment and object 0.

    Parameters
    ----------
    destination
        ``NAME.csv``, or ``NAME.npz`` with an array a column.

    Returns
    -------
    The SHA-256 of the file.

    Raises
    ------
    SettingsError
        The name ends otherwise.
    VolumeError
        There is something already and `overwrite` is false.
    StorageError
        The disk cannot be written.
    """
    path = _ending(destination, (".csv", ".npz"), "--table")
    segment = project.segment[1:]
    columns: Sequence[Any] = (
        np.arange(1, len(segment) + 1, dtype=np.uint32),
        segment,
        project.state.names[1:],
        project.exported_ids()[1:],
    )
    with replacing(path, overwrite=overwrite) as temporary:
        if path.suffix == ".npz":
            with temporary.open("wb") as file:
                named = dict(zip(TABLE_COLUMNS, columns, strict=True))
                np.savez_compressed(file, allow_pickle=False, **named)
        else:
            _write_csv(temporary, TABLE_COLUMNS, zip(*columns, strict=True))
    return sha256(path)


def export_points(project: Project, destination: Path | str, *, overwrite: bool = False) -> str:
    """Write where the edits that are in force were made, a row a point.

    Those that were undone are left out, as are thresholds, which have no point.

    Parameters
    ----------
    destination
        ``NAME.csv`` or ``NAME.json``, the latter with an object for each edit.

    Returns
    -------
    The SHA-256 of the file.

    Raises
    ------
    SettingsError
        The name ends otherwise.
    VolumeError
        There is something already and `overwrite` is false.
    StorageError
        The disk cannot be written.
    """
    path = _ending(destination, (".csv", ".json"), "--points")
    edits = list(active_edits(project))
    with replacing(path, overwrite=overwrite) as temporary:
        if path.suffix == ".json":
            temporary.write_text(json.dumps(edits, indent=1), encoding="utf-8")
        else:
            _write_csv(temporary, POINT_COLUMNS, _rows(edits))
    return sha256(path)


def active_edits(project: Project) -> Iterator[dict[str, Any]]:
    """Yield the edits that are in force and have points, oldest first, as plain values."""
    active = set(project.history.active())
    left_out = ("undone", "target", "parent", "edges", "change_voi", "name", "threshold")
    for operation in project.operations:
        if operation.id in active and operation.points and operation.kind != Kind.THRESHOLD:
            said = operation.as_dict(undone=False)
            yield {name: value for name, value in said.items() if name not in left_out}


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file; of a folder that of the names and digests of its files."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        lines = (f"{sha256(file)}  {file.relative_to(path).as_posix()}\n" for file in files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rows(edits: Iterable[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    for edit in edits:
        for number, point in enumerate(edit["points_nm"]):
            colour = edit["colours"][number] or ""
            yield edit["id"], edit["kind"], number, *point, colour, edit["time"], edit["user"]


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _ending(destination: Path | str, known: Sequence[str], where: str) -> Path:
    path = Path(destination)
    if path.suffix not in known:
        raise SettingsError(
            f"no known format for the suffix {path.suffix!r}",
            where=where,
            remedy=f"choose a name that ends in {' or '.join(known)}",
        )
    return path
