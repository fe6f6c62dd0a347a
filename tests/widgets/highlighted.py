"""What stands out in the picture, whether it is drawn as an outline, and errors below it."""

import numpy as np

from napari_axonem.geometry import Box
from napari_axonem.widgets.picture.layers import ProjectLayers
from napari_axonem.widgets.picture.overlay import ERRORS, OUTLINE, border_of, width_at


def highlighted(layers: ProjectLayers) -> np.ndarray:
    """Return the code of each voxel; of outlined objects also of those that are not drawn."""
    shown, overlay = _codes(layers), layers._overlay
    shown = np.where(shown <= ERRORS, shown, 0)
    if overlay.stroke is not None or OUTLINE not in overlay.codes:
        return shown
    volume = layers.project.sources.fragments.volume
    codes = np.take(overlay.codes, volume.read(Box.of_shape(volume.shape)))
    width = width_at(volume.grid.voxel_size, (1, 1, 1))
    np.testing.assert_array_equal(shown, border_of(codes, width))
    return codes


def marked(layers: ProjectLayers) -> np.ndarray:
    """Return how each voxel is said to disagree with the truth: a code of `disagreement`, or 0."""
    shown = _codes(layers)
    return np.where(shown > ERRORS, shown - ERRORS, 0)


def _codes(layers: ProjectLayers) -> np.ndarray:
    layer = layers.overlay
    return np.asarray(layer.data[0] if layer.multiscale else layer.data).astype(int)
