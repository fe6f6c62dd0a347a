"""What can be looked at of a segmentation while it is being made; torch is not loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_axonem.segmentation.result import Result
from napari_axonem.volumes.conversion.work import Work, work_folder


def affinities_so_far(folder: Path) -> Path | None:
    """Return where the affinities of a segmentation are now; None before there are any."""
    hidden = Result(_hidden(folder)).affinities
    return _first([Result(folder).affinities, hidden, _hidden(hidden)])


def segments_so_far(folder: Path) -> Path | None:
    """Return where the pyramid of segments is now; None before it is begun."""
    return _first([Result(folder).segmentation, Result(_hidden(folder)).segmentation])


def _hidden(destination: Path) -> Path:
    """Return what becomes a destination, while work on it goes on."""
    return Work(work_folder(destination), destination).result


def _first(paths: Sequence[Path]) -> Path | None:
    return next((path for path in paths if path.exists()), None)
