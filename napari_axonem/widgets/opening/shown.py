"""The volumes that a window shows, for docks that make something of them."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path

from napari.layers import Labels, Layer

from napari_axonem.geometry import Nm
from napari_axonem.volumes import Volume
from napari_axonem.widgets.opening.locations import is_project
from napari_axonem.widgets.picture.late import made_of
from napari_axonem.widgets.picture.planes import Planes


@dataclass(frozen=True, slots=True)
class Shown:
    """A volume that is a layer of the window."""

    name: str
    """Of the layer; no two layers have the same."""

    location: str
    """Where it lies, in the form that `open_volume` takes."""

    voxel_size: Nm
    """Edges (z, y, x) of a voxel in nm: what the file says, or what was answered."""

    is_labels: bool
    """Whether it is shown as objects."""


def shown_volumes(layers: Iterable[Layer]) -> list[Shown]:
    """Return the volumes that layers show whole, in their order.

    A project's own copies are left out, and what is only part of a file, as the labels of a
    training block are: their location would give something else.
    """
    return [
        Shown(layer.name, volume.location, volume.grid.voxel_size, isinstance(layer, Labels))
        for layer in layers
        for volume in _volumes_of(layer)
        if _is_whole(volume) and not _is_of_a_project(volume.location)
    ]


def hide(layers: Iterable[Layer], locations: Container[str]) -> None:
    """Hide the layers of some volumes, which are seen otherwise from now on."""
    for layer in layers:
        if any(volume.location in locations for volume in _volumes_of(layer)):
            layer.visible = False


def _volumes_of(layer: Layer) -> list[Volume]:
    return [source.volume for source in made_of(layer) if isinstance(source, Planes)]


def _is_whole(volume: Volume) -> bool:
    return bool(volume.opened) and volume.levels[0] is volume.opened[0]


def _is_of_a_project(location: str) -> bool:
    return any(is_project(str(folder)) for folder in Path(location).parents)
