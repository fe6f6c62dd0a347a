"""Voxel size, origin and axes in the loose attributes that programs attach to arrays.

Every triple is in the order (z, y, x), whatever the order of the array's axes:

====================  ======================  =====================================
attribute             unit                    written by
====================  ======================  =====================================
``voxel_size_nm``     nm                      this package; origin ``origin_nm``
``resolution_nm_zyx`` nm                      data published with it
``element_size_um``   µm                      ilastik, PlantSeg and Fiji's HDF5
``voxel_size``        ``units``, otherwise nm funlib (gunpowder, daisy); ``offset``
``resolution``        ``units``, otherwise nm CREMI and older funlib; ``offset``
====================  ======================  =====================================

Axes are named by ``axes`` (a word such as ``zyx``, or a list), ``axistags`` (vigra and ilastik,
JSON), ``axis_names`` (funlib) or ``_ARRAY_DIMENSIONS`` (xarray).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_axonem.geometry import Nm
from napari_axonem.volumes.formats.units import nm_per

_SIZES = {  # attribute -> nm per unit, None where `units` says
    "voxel_size_nm": 1.0,
    "resolution_nm_zyx": 1.0,
    "element_size_um": 1e3,
    "voxel_size": None,
    "resolution": None,
}
_ORIGINS = {"voxel_size_nm": "origin_nm", "voxel_size": "offset", "resolution": "offset"}


@dataclass(frozen=True, slots=True)
class Spacing:
    """Voxel size and origin in nm (z, y, x) as far as they are stated."""

    voxel_size: Nm | None = None
    origin: Nm | None = None
    note: str = ""
    """Why what is stated cannot be used."""


def spacing(attributes: Mapping[str, Any]) -> Spacing:
    """Return the voxel size and the origin that `attributes` state."""
    for name, unit in _SIZES.items():
        if name not in attributes:
            continue
        nm = unit or _unit(attributes)
        size = _triple(attributes[name])
        if nm is None or size is None or min(size) <= 0:
            return Spacing(note=f"attribute {name} is {attributes[name]!r}, which is no size")
        start = _triple(attributes.get(_ORIGINS.get(name, "")))
        return Spacing(scaled(size, nm), scaled(start, nm) if start else None)
    return Spacing()


def axis_names(attributes: Mapping[str, Any]) -> list[str] | None:
    """Return the names of an array's axes in lower case, None where they are not stated."""
    if "axistags" in attributes:
        tags = json.loads(_text(attributes["axistags"]))
        return [str(axis["key"]).lower() for axis in tags["axes"]]
    for name in ("axes", "axis_names", "_ARRAY_DIMENSIONS"):
        if name in attributes:
            value = attributes[name]
            words = _text(value) if isinstance(value, str | bytes) else [_text(v) for v in value]
            # funlib marks what is no axis of space, as in "c^".
            return [w.lower().strip("^") for w in words if w not in ", "]
    return None


def scaled(values: Sequence[float], factor: float) -> Nm:
    """Return three lengths multiplied by `factor`."""
    z, y, x = (float(v) * factor for v in values)
    return z, y, x


def _unit(attributes: Mapping[str, Any]) -> float | None:
    """Return how many nm the attribute ``units`` means: nm where there is none."""
    if "units" not in attributes:
        return 1.0
    units = attributes["units"]
    words = {_text(units)} if isinstance(units, str | bytes) else {_text(u) for u in units}
    return nm_per(words.pop()) if len(words) == 1 else None


def _triple(value: object) -> Nm | None:
    """Return three finite numbers, None for anything else."""
    try:
        numbers = np.asarray(value, dtype=np.float64).ravel().tolist()
    except (TypeError, ValueError):
        return None
    if len(numbers) != 3 or not all(math.isfinite(n) for n in numbers):
        return None
    z, y, x = numbers
    return z, y, x


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
