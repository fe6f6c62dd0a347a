"""Sample data: the phantom, made when it is asked for."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from napari_axonem.volumes.phantom import PhantomSettings, write_phantom
from napari_axonem.widgets.reader import volume_layer

PARTS = ("image", "labels/fragments", "labels/segmentation", "labels/truth")


def phantom() -> list[tuple[Any, dict[str, Any], str]]:
    """Make the synthetic axon volume and return its layers."""
    folder = Path(tempfile.mkdtemp(prefix="napari-axonem-")) / "phantom.zarr"
    write_phantom(folder, PhantomSettings())
    layers = [volume_layer(f"{folder}/{part}") for part in PARTS]
    for layer in layers[2:]:
        layer.visible = False
    return [layer.as_layer_data_tuple() for layer in layers]
