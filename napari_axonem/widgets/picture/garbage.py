"""Keeps Python's collections of garbage short: they stop the window for as long as they take.

A full one goes through all objects there are, a fifth of a second with napari's. What is there to
stay is therefore set aside, and looked at again only when something large was let go of.
"""

from __future__ import annotations

import gc

from napari.components import ViewerModel
from napari.layers import Layer


def set_aside() -> None:
    """Leave all objects that there are now out of the collections to come."""
    gc.freeze()


def take_away(viewer: ViewerModel, layer: Layer) -> None:
    """Remove a layer, for which napari collects garbage, without going through all objects."""
    set_aside()
    viewer.layers.remove(layer)


def examine_all() -> None:
    """Let collections look at what was set aside too."""
    gc.unfreeze()


def collect() -> None:
    """Collect garbage among all objects, once, and set what is left aside."""
    examine_all()
    gc.collect()
    set_aside()
