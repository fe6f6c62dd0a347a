"""Sample data: training blocks of the AxonEM release, fetched when they are first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import napari
from napari.layers import Layer

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Grid, Zyx
from napari_axonem.volumes.axonem import (
    HUMAN,
    MOUSE,
    ReleaseVolume,
    block_at,
    fetch_block,
    kept_block,
)
from napari_axonem.volumes.axonem.release import LAYOUT, block_name
from napari_axonem.widgets.opening.asking import can_ask
from napari_axonem.widgets.opening.awaited import Awaited, LayerData
from napari_axonem.widgets.opening.axonem_layers import block_layers


def human_centre() -> list[LayerData]:
    """Return the layers of the human block in the middle of the volume."""
    return sample(HUMAN, HUMAN.centre)


def human_held_out() -> list[LayerData]:
    """Return the layers of the human block that others do not train on."""
    return sample(HUMAN, HUMAN.held_out)


def mouse_centre() -> list[LayerData]:
    """Return the layers of the mouse block in the middle of the volume."""
    return sample(MOUSE, MOUSE.centre)


def mouse_held_out() -> list[LayerData]:
    """Return the layers of the mouse block that others do not train on."""
    return sample(MOUSE, MOUSE.held_out)


def sample(volume: ReleaseVolume, offset: Zyx) -> list[LayerData]:
    """Return the layers of a training block, fetched where it is not kept yet.

    In a window a block that has to be fetched comes later: a child process downloads it, and a
    dock shows how far it is, or why it cannot be had. A script waits for it.

    Raises
    ------
    VolumeError
        It cannot be fetched; only where there is no window.
    """
    viewer = napari.current_viewer()
    if kept_block(volume, offset) is None and viewer is not None and can_ask():
        name = block_name(offset)
        awaited = Awaited(
            viewer,
            f"AxonEM {volume.key} {name}",
            ["axonem", "fetch", volume.key, name],
            lambda: kept_layers(fetch_block(volume, offset)),
        )
        z, y, x = (
            (o - p) * s for o, p, s in zip(offset, LAYOUT.padding, volume.voxel_size, strict=True)
        )
        return [awaited.placeholder(LAYOUT.shape, Grid(volume.voxel_size, (z, y, x)))]
    layers = kept_layers(fetch_block(volume, offset))
    return [layer.as_layer_data_tuple() for layer in layers]


def kept_layers(folder: Path) -> Sequence[Layer]:
    """Return the layers of the block in a folder.

    Raises
    ------
    VolumeError
        What is in it is not laid out as a block of the release.
    """
    block = block_at(folder)
    if block is None:
        raise VolumeError(
            "not a training block as the release has them",
            where=folder,
            remedy="remove this folder, and fetch it again",
        )
    return block_layers(block)
