"""Layers of AxonEM training blocks: the image with its context, the labels cropped to the block."""

from __future__ import annotations

from pathlib import Path

from napari.layers import Layer

from napari_axonem.errors import VoxelSizeUnknownError
from napari_axonem.volumes.axonem import AxonemBlock, blocks_at
from napari_axonem.widgets.picture.volume_layers import image_layer, objects_layer


def are_blocks(path: str) -> bool:
    """Tell whether a local path is a training block, one of its files, or a folder of blocks."""
    try:
        return bool(blocks_at(path))
    except VoxelSizeUnknownError:  # blocks, though not known of which volume
        return True


def layers_of_blocks(path: str) -> list[Layer]:
    """Return the layers of all training blocks that a local path means.

    None where it means something else. Where nothing tells the human from the mouse volume, a
    single file is a volume like any other, whose voxel size is asked for.

    Raises
    ------
    VoxelSizeUnknownError
        A folder of blocks, and it cannot be told of which volume.
    """
    try:
        blocks = blocks_at(path)
    except VoxelSizeUnknownError:
        if Path(path).is_dir():
            raise
        return []
    return [layer for block in blocks for layer in block_layers(block)]


def block_layers(block: AxonemBlock) -> list[Layer]:
    """Return the layers of a training block: the image with its context, and the labels."""
    layers: list[Layer] = [image_layer(block.image, f"{block.title} image")]
    if block.labels is not None:
        layers.append(objects_layer(block.labels, f"{block.title} labels"))
    return layers
