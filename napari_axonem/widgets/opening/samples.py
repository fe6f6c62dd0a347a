"""Sample data: the phantom, made when it is asked for, beside the window."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Iterable
from pathlib import Path

import napari
from napari.layers import Layer

from napari_axonem.geometry import Grid
from napari_axonem.volumes.phantom import PhantomSettings, write_phantom
from napari_axonem.widgets.opening.asking import can_ask
from napari_axonem.widgets.opening.awaited import Awaited, LayerData
from napari_axonem.widgets.opening.locations import temporary_folder
from napari_axonem.widgets.opening.volume_layer import volume_layer

PARTS = ("image", "labels/fragments", "labels/segmentation", "labels/truth")

COMMAND = ("phantom",)
"""Writes the phantom to the path behind it."""

SHOWN = 2
"""So many of the parts are visible at first."""

FOLDER = "napari-axonem folder"
"""Under this name the metadata of a layer keep the folder that it is read from."""


class Folder:
    """A temporary folder that lasts as long as this object, at most until the program ends."""

    def __init__(self) -> None:
        self.path = temporary_folder()
        self.remove = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
        """Removes the folder now."""

    @property
    def volume(self) -> Path:
        """Where the phantom is written to."""
        return self.path / "phantom.zarr"

    def keep(self) -> None:
        """Stay for good: a project refers to what is in it."""
        self.remove.detach()


def phantom() -> list[LayerData]:
    """Return the layers of the synthetic axon volume.

    In a window they come some seconds later, when a child process has written them; a script
    waits for them.
    """
    viewer, folder, settings = napari.current_viewer(), Folder(), PhantomSettings()
    if viewer is None or not can_ask():
        write_phantom(folder.volume, settings)
        return [layer.as_layer_data_tuple() for layer in _layers(folder)]
    command = [*COMMAND, str(folder.volume)]
    awaited = Awaited(viewer, "synthetic axons", command, lambda: _layers(folder))
    awaited.child.stopped.connect(folder.remove)
    awaited.child.failed.connect(lambda _: folder.remove())
    return [awaited.placeholder(settings.shape, Grid(settings.voxel_size))]


def keep_sample(layers: Iterable[Layer], location: str) -> None:
    """Keep the sample that a location lies in, if there is one: a project is made of it."""
    for layer in layers:
        folder = layer.metadata.get(FOLDER)
        if isinstance(folder, Folder) and folder.path in Path(location).parents:
            folder.keep()


def _layers(folder: Folder) -> list[Layer]:
    layers: list[Layer] = []
    for number, part in enumerate(PARTS):
        layer = volume_layer(f"{folder.volume}/{part}")
        layer.metadata[FOLDER] = folder  # it goes when the last layer that is read from it goes
        layer.visible = number < SHOWN
        layers.append(layer)
    return layers
