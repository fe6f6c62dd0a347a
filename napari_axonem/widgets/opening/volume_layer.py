"""The layer of a volume, named by where it lies."""

from __future__ import annotations

from napari.layers import Image, Labels

from napari_axonem.geometry import Nm
from napari_axonem.volumes import open_volume, require_labels
from napari_axonem.volumes.kinds import kind_of
from napari_axonem.widgets.opening.locations import short_name
from napari_axonem.widgets.picture.volume_layers import image_layer, objects_layer


def volume_layer(
    location: str, voxel_size: Nm | None = None, origin: Nm | None = None
) -> Image | Labels:
    """Return the layer of one volume, in nm: an image or labels, as `kind_of` says.

    Raises
    ------
    VolumeError
        It cannot be opened, its voxel size is not known, or it should be labels and its voxels
        are not integers.
    """
    volume = open_volume(location, voxel_size=voxel_size, origin=origin)
    name = short_name(volume.location)
    if kind_of(volume)[0] == "labels":
        return objects_layer(require_labels(volume), name)
    return image_layer(volume, name)
