"""What napari calls to read files: volumes in nm, lazily; and projects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image, Labels

from napari_axonem.errors import AxonemError
from napari_axonem.geometry import Nm
from napari_axonem.proofreading.folder import SUFFIX, Folder
from napari_axonem.volumes import Volume, list_volumes, open_volume
from napari_axonem.widgets import colours
from napari_axonem.widgets.layers import image_layer, labels_layer
from napari_axonem.widgets.planes import Planes
from napari_axonem.widgets.tables import as_is

LayerData = tuple[Any, dict[str, Any], str]

Reader = Callable[[str | Sequence[str]], list[LayerData]]

GREY_TYPES = (np.dtype(np.uint8), np.dtype(np.int8))
"""Whole numbers that are taken for grey values; wider ones are taken for labels."""


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Return the function that reads `path`, or None where it is nothing of ours."""
    first = path if isinstance(path, str) else path[0]
    try:
        found = _locations(first)
    except AxonemError:
        return None
    return read if found else None


def read(path: str | Sequence[str]) -> list[LayerData]:
    """Return the layers of all volumes in files or in a project.

    Raises
    ------
    VoxelSizeUnknownError
        A file does not state its voxel size; the dock Volume asks for it.
    """
    paths = [path] if isinstance(path, str) else path
    layers = [volume_layer(location) for p in paths for location in _locations(p)]
    return [layer.as_layer_data_tuple() for layer in layers]


def volume_layer(location: str, voxel_size: Nm | None = None) -> Image | Labels:
    """Return the layer of one volume, in nm: labels for wide integers, else an image.

    Raises
    ------
    VolumeError
        It cannot be opened, or its voxel size is not known.
    """
    volume = open_volume(location, voxel_size=voxel_size)
    name = Path(volume.location.replace(":", "/")).name
    return _labels(volume, name) if _is_labels(volume) else image_layer(volume, name)


def _locations(path: str) -> list[str]:
    if Path(path).suffix == SUFFIX:
        folder = Folder(Path(path))
        return [str(p) for p in (folder.fragments, folder.truth) if p.exists()]
    return [f"{path}:{name}" if name else path for name in list_volumes(path)]


def _is_labels(volume: Volume) -> bool:
    return volume.dtype.kind in "iu" and volume.dtype not in GREY_TYPES


def _labels(volume: Volume, name: str) -> Labels:
    levels = as_is(Planes(volume))
    looks = {"opacity": 0.5, "colormap": colours.object_colormap()}
    return labels_layer(levels, name, volume.grid, **looks)
