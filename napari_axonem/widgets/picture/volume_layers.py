"""Layers of volumes: where they lie, how they are cut into levels, and their contrast.

Imports little, because nothing is seen before this module is there.
"""

from __future__ import annotations

import numpy as np
from napari.layers import Image, Labels

from napari_axonem.geometry import Box, Grid, Nm, zyx
from napari_axonem.volumes import Volume
from napari_axonem.volumes.looking.scaled import with_levels
from napari_axonem.widgets.parts import colours
from napari_axonem.widgets.picture.lazy import LazyLevel
from napari_axonem.widgets.picture.planes import Planes
from napari_axonem.widgets.picture.tables import as_is

SAMPLE = (8, 512, 512)
"""Voxels (z, y, x) in the middle of an image that its contrast is taken from."""

LABELS_OPACITY = 0.5
"""Of labels over an image, that both are seen."""


def lattice(grid: Grid) -> tuple[Nm, Nm]:
    """Return scale and translation of a layer, so that world coordinates are nm.

    napari puts the centre of voxel 0 at the translation; ours covers ``[origin, origin + size)``.
    """
    z, y, x = (o + s / 2 for o, s in zip(grid.origin, grid.voxel_size, strict=True))
    return grid.voxel_size, (z, y, x)


def placed(grid: Grid) -> dict[str, object]:
    """Return the arguments of a layer that lies on a grid in nm."""
    scale, translate = lattice(grid)
    return {"scale": scale, "translate": translate, "units": ("nm", "nm", "nm")}


def image_layer(image: Volume, name: str) -> Image:
    """Return the layer of an image."""
    planes = Planes(with_levels(image, "image"))
    limits = contrast(planes, len(image.levels) - 1)  # made levels would take whole sections
    looks = {"contrast_limits": limits, "projection_mode": "none"}  # else sections are averaged
    return Image(**scaled(as_is(planes)), name=name, **looks, **placed(image.grid))


def objects_layer(labels: Volume, name: str) -> Labels:
    """Return the layer of labels as they are, each object in a colour of its own."""
    levels = as_is(Planes(with_levels(labels, "labels")))
    looks = {"opacity": LABELS_OPACITY, "colormap": colours.object_colormap()}
    return labels_layer(levels, name, labels.grid, **looks)


def labels_layer(levels: list[LazyLevel], name: str, grid: Grid, **looks: object) -> Labels:
    """Return a layer of ids that cannot be painted in."""
    layer = Labels(**scaled(levels), name=name, **looks, **placed(grid))
    layer.editable = False
    return layer


def scaled(levels: list[LazyLevel]) -> dict[str, object]:
    """Return the data of a layer; napari takes a single level for a list of planes."""
    several = len(levels) > 1
    return {"data": levels if several else levels[0], "multiscale": several}


def contrast(planes: Planes, level: int) -> tuple[float, float]:
    """Return the grey values to show as black and white, from a sample in the middle of a level.

    What is exactly 0 is passed over, where there is anything else: missing sections and tiles.
    """
    shape = planes.shape(level)
    extent = np.minimum(shape, SAMPLE)
    start = np.subtract(shape, extent) // 2
    sample = planes.read_all(Box(zyx(start), zyx(start + extent)), level)
    seen = sample[sample != 0]
    low, high = np.percentile(seen if seen.size else sample, (0.2, 99.8))
    return float(low), float(high if high > low else low + 1)
