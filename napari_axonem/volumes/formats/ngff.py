"""OME-NGFF metadata: the part of OME-Zarr that says what the arrays of a group are.

An OME-Zarr ``translation`` of 0 at the finest level is what tools write when they know of no
origin, and `Grid.origin` (the corner of voxel 0) is then 0 as well: the translation of the
finest level *is* the origin. Coarser levels follow the rule of the field, in which a
translation locates the centre of the first voxel relative to that of the finest level, so that
theirs is larger by ``(factor - 1) / 2`` fine voxels. Viewers that put voxel centres at integer
coordinates, as napari does, then show all levels in place.

Source: https://ngff.openmicroscopy.org/0.5/ and https://ngff.openmicroscopy.org/0.4/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Grid, Zyx
from napari_axonem.volumes.formats.units import nm_per
from napari_axonem.volumes.reduction import Kind

Version: TypeAlias = Literal["0.4", "0.5"]
"""A version of the metadata that can be written."""

VERSION: Version = "0.5"
"""The version that is written unless another one is asked for."""

ZARR_FORMAT: dict[Version, Literal[2, 3]] = {"0.4": 2, "0.5": 3}
"""The version of zarr that each version of the metadata lies in."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of the arrays."""

    name: str
    """``"z"``, ``"y"``, ``"x"``, ``"c"``, ``"t"`` or another word."""

    type: str
    """``"space"``, ``"channel"``, ``"time"`` or empty."""

    nm: float | None
    """Length of the unit in nm, None where no unit of length is stated."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One level."""

    path: str
    """Where the array lies below the group."""

    scale: tuple[float, ...] | None
    """Edges of a voxel along all axes, in the axes' units; None where none are stated."""

    translation: tuple[float, ...]
    """Position of the first voxel along all axes, in the axes' units."""


@dataclass(frozen=True, slots=True)
class Multiscale:
    """The first multiscale image of a group."""

    version: str
    axes: tuple[Axis, ...]
    datasets: tuple[Dataset, ...]
    kind: Kind


def attributes(
    name: str, grid: Grid, factors: Sequence[Zyx], kind: Kind, version: Version = VERSION
) -> dict[str, Any]:
    """Return the attributes of a group with levels named ``"0"``, ``"1"``, and so on.

    Parameters
    ----------
    name
        Name of the image.
    grid
        Voxel size and origin of the finest level in nm.
    factors
        By how much (z, y, x) each level is reduced, finest first.
    kind
        ``"labels"`` adds the ``image-label`` object that marks a group as labels.
    version
        0.4 says its version in each object, 0.5 once for all.
    """
    multiscale = {
        "name": name,
        "type": "mode" if kind == "labels" else "mean",
        "axes": [{"name": a, "type": "space", "unit": "nanometer"} for a in "zyx"],
        "datasets": [_dataset(i, grid, f) for i, f in enumerate(factors)],
    }
    said = {"version": version} if version == "0.4" else {}
    body: dict[str, Any] = {"multiscales": [said | multiscale]}
    if kind == "labels":
        body["image-label"] = said
    return body if version == "0.4" else {"ome": {"version": version} | body}


def listed_labels(attrs: Mapping[str, Any]) -> list[str]:
    """Return the labels that a group ``labels`` lists, by its attributes of either version."""
    ome = attrs.get("ome")
    body = ome if isinstance(ome, Mapping) else attrs
    return list(body.get("labels") or [])


def labels_attributes(names: Sequence[str], version: Version) -> dict[str, Any]:
    """Return the attributes of a group ``labels`` that holds labels of these names."""
    listed = {"labels": list(names)}
    return listed if version == "0.4" else {"ome": {"version": version} | listed}


def _dataset(level: int, grid: Grid, factor: Zyx) -> dict[str, Any]:
    scale = [size * f for size, f in zip(grid.voxel_size, factor, strict=True)]
    translation = [
        start + (f - 1) / 2 * size
        for start, f, size in zip(grid.origin, factor, grid.voxel_size, strict=True)
    ]
    return {
        "path": str(level),
        "coordinateTransformations": [
            {"type": "scale", "scale": scale},
            {"type": "translation", "translation": translation},
        ],
    }


def parse(attrs: Mapping[str, Any], where: str) -> Multiscale | None:
    """Read the attributes of a zarr group.

    Lenient where the versions differ (0.4 at the top, 0.5 below ``ome``) or where tools do not
    keep to the letter (0.1 to 0.3: axes as words or left out, no transformations).

    Returns
    -------
    The first multiscale, or None where the attributes hold none.

    Raises
    ------
    VolumeError
        There is one, but it cannot be understood.
    """
    ome = attrs.get("ome")
    body: Mapping[str, Any] = ome if isinstance(ome, Mapping) else attrs
    if not body.get("multiscales"):
        return None
    try:
        first = body["multiscales"][0]
        datasets = first["datasets"]
        axes = tuple(_axis(a) for a in first.get("axes", "tczyx"))
        common = _transform(first.get("coordinateTransformations", ()), len(axes))
        return Multiscale(
            version=str(body.get("version", first.get("version", "0.4"))),
            axes=axes,
            datasets=tuple(_level(d, common, len(axes)) for d in datasets),
            kind="labels" if "image-label" in body else "image",
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise VolumeError(
            f"OME-Zarr metadata that cannot be understood ({type(error).__name__}: {error})",
            where=where,
            remedy="name one array of the group instead, such as STORE.zarr/0",
        ) from error


def _axis(axis: str | Mapping[str, Any]) -> Axis:
    if isinstance(axis, str):
        return Axis(axis.lower(), {"c": "channel", "t": "time"}.get(axis.lower(), "space"), None)
    return Axis(str(axis["name"]).lower(), str(axis.get("type", "")), nm_per(axis.get("unit")))


_Transform = tuple[tuple[float, ...] | None, tuple[float, ...]]
"""Scale, or None where none is stated, and translation."""


def _transform(steps: Sequence[Mapping[str, Any]], ndim: int) -> _Transform:
    scale: tuple[float, ...] | None = None
    translation = (0.0,) * ndim
    for step in steps:
        if step["type"] == "scale":
            scale = _numbers(step["scale"], ndim)
        elif step["type"] == "translation":
            translation = _numbers(step["translation"], ndim)
        elif step["type"] != "identity":
            raise ValueError(f"a coordinate transformation of type {step['type']!r}")
    return scale, translation


def _numbers(values: Sequence[float], ndim: int) -> tuple[float, ...]:
    if len(values) != ndim:
        raise ValueError(f"{len(values)} numbers for {ndim} axes")
    return tuple(float(v) for v in values)


def _level(dataset: Mapping[str, Any], common: _Transform, ndim: int) -> Dataset:
    """Return a level with the transformation of all levels applied after its own."""
    own_scale, own_shift = _transform(dataset.get("coordinateTransformations", ()), ndim)
    scale, shift = common
    ones = (1.0,) * ndim
    factors = scale or ones
    return Dataset(
        path=str(dataset["path"]),
        scale=_product(own_scale or ones, factors) if own_scale or scale else None,
        translation=tuple(t + s for t, s in zip(_product(own_shift, factors), shift, strict=True)),
    )


def _product(a: Sequence[float], b: Sequence[float]) -> tuple[float, ...]:
    return tuple(x * y for x, y in zip(a, b, strict=True))


def space(found: Multiscale, where: str) -> Zyx:
    """Return which of the axes are z, y and x.

    Raises
    ------
    VolumeError
        The image has no z, y or x.
    """
    names = [a.name for a in found.axes]
    if not set("zyx") <= set(names):
        raise VolumeError(
            f"axes {', '.join(names)} without all of z, y, x",
            where=where,
            remedy="give a volume of three dimensions",
        )
    return names.index("z"), names.index("y"), names.index("x")


def grid_of(found: Multiscale, where: str) -> Grid | None:
    """Return voxel size and origin of the finest level, None where unit or scale are missing.

    Raises
    ------
    VolumeError
        The image has no z, y or x.
    """
    axes = space(found, where)
    first = found.datasets[0]
    units = [found.axes[a].nm for a in axes]
    if first.scale is None or None in units:
        return None
    nm = [unit or 0.0 for unit in units]
    z, y, x = (first.scale[a] * unit for a, unit in zip(axes, nm, strict=True))
    oz, oy, ox = (first.translation[a] * unit for a, unit in zip(axes, nm, strict=True))
    return Grid((z, y, x), (oz, oy, ox))


def factors_of(found: Multiscale, shapes: Sequence[Sequence[int]], where: str) -> tuple[Zyx, ...]:
    """Return by how much each level is reduced along z, y, x.

    Taken from the scales, or, where they are missing, from the `shapes` of the stored arrays;
    to the nearest integer.

    Raises
    ------
    VolumeError
        The image has no z, y or x.
    """
    axes = space(found, where)
    first = found.datasets[0]
    factors = []
    for dataset, shape in zip(found.datasets, shapes, strict=True):
        if dataset.scale is None or first.scale is None:
            ratios = [shapes[0][a] / max(1, shape[a]) for a in axes]
        else:
            ratios = [dataset.scale[a] / first.scale[a] for a in axes]
        z, y, x = (max(1, round(r)) for r in ratios)
        factors.append((z, y, x))
    return tuple(factors)
