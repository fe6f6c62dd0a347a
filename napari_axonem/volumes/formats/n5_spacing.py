"""Voxel size and origin in the attributes of N5 arrays and groups.

====================  ==================  ==================================================
attribute             order               written by
====================  ==================  ==================================================
``transform``         as its ``axes``     COSEM: ``scale``, ``translate``, ``units``
``pixelResolution``   x, y, z             n5-viewer: ``dimensions`` and ``unit``, or a list
``resolution``        x, y, z             BigDataViewer and Neuroglancer: with ``units``
====================  ==================  ==================================================

and what `napari_axonem.volumes.formats.attributes` knows by a name with a unit in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from napari_axonem.geometry import Nm
from napari_axonem.volumes.formats.attributes import Spacing, spacing
from napari_axonem.volumes.formats.units import nm_per

_WITH_UNIT = ("voxel_size_nm", "origin_nm", "resolution_nm_zyx")


def axes_of(attributes: Mapping[str, Any], ndim: int) -> list[str]:
    """Return the names of the axes of an array in the order of N5, which begins with x."""
    named = attributes.get("axes")
    if isinstance(named, Sequence) and len(named) == ndim:
        return [str(n).lower() for n in named]
    return list("xyzct"[:ndim]) if 3 <= ndim <= 5 else [str(i) for i in range(ndim)]


def n5_spacing(attributes: Mapping[str, Any]) -> Spacing:
    """Return the voxel size and the origin that the attributes of an array or a group state."""
    try:
        if "transform" in attributes:
            return transformed(attributes["transform"])
        stated = attributes.get("pixelResolution")
        if isinstance(stated, Mapping):
            return _sized("pixelResolution", stated["dimensions"], stated.get("unit"), attributes)
        if stated is not None:
            return _sized("pixelResolution", stated, None, attributes)
        if "resolution" in attributes:
            units = attributes.get("units", attributes.get("unit"))
            return _sized("resolution", attributes["resolution"], units, attributes)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        note = f"its attributes cannot be understood, {type(error).__name__}: {error}"
        return Spacing(note=note)
    return spacing({k: attributes[k] for k in _WITH_UNIT if k in attributes})


def transformed(transform: Mapping[str, Any]) -> Spacing:
    """Return what a ``transform`` of COSEM states; raises what malformed JSON raises."""
    axes = [str(a).lower() for a in transform["axes"]]
    units = dict(zip(axes, transform["units"], strict=True))
    nm = {a: nm_per(str(units[a])) for a in "zyx"}
    if None in nm.values():
        return Spacing(note=f"the units of its transform are {transform['units']}")
    known = {a: n or 0.0 for a, n in nm.items()}
    size = _by_axis(transform["scale"], axes, known)
    if min(size) <= 0:
        raise ValueError(f"a scale of {transform['scale']}")
    shift = transform.get("translate")
    return Spacing(size, _by_axis(shift, axes, known) if shift is not None else None)


def _sized(
    name: str,
    values: Sequence[float],
    units: str | Sequence[str] | None,
    attributes: Mapping[str, Any],
) -> Spacing:
    axes = axes_of(attributes, len(values))
    if units is None:
        return Spacing(note=f"its attribute {name} {list(values)} has no unit")
    words = [units] * len(values) if isinstance(units, str) else list(units)
    nm = dict(zip(axes, (nm_per(str(w)) for w in words), strict=True))
    known = {a: nm[a] or 0.0 for a in "zyx"}
    size = _by_axis(values, axes, known)
    if min(size) <= 0:
        return Spacing(note=f"its attribute {name} is {list(values)} in {units}")
    return Spacing(size)


def _by_axis(values: Sequence[float], axes: Sequence[str], nm: Mapping[str, float]) -> Nm:
    found = dict(zip(axes, (float(v) for v in values), strict=True))
    z, y, x = (found[a] * nm[a] for a in "zyx")
    return z, y, x
