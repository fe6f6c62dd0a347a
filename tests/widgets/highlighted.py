"""What stands out in the picture, and whether it is drawn as an outline."""

import numpy as np

from napari_axonem.geometry import Box
from napari_axonem.widgets.picture.focus import OUTLINE, border_of, width_at
from napari_axonem.widgets.picture.layers import ProjectLayers


def highlighted(layers: ProjectLayers) -> np.ndarray:
    """Return the code of each voxel; of outlined objects also of those that are not drawn."""
    layer, focus = layers.focus, layers._focus
    shown = np.asarray(layer.data[0] if layer.multiscale else layer.data)
    if focus.stroke is not None or OUTLINE not in focus.codes:
        return shown
    volume = layers.project.sources.fragments.volume
    codes = np.take(focus.codes, volume.read(Box.of_shape(volume.shape)))
    width = width_at(volume.grid.voxel_size, (1, 1, 1))
    np.testing.assert_array_equal(shown, border_of(codes, width))
    return codes
