"""What napari calls to read files: volumes and projects, and what is neither is left to napari.

In a window, what goes wrong is told in a notice of one line and the reader says that it read
nothing: after an exception napari would offer its own reader, which shows our formats without
their voxel size. A script gets the exception.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import napari
from napari.layers import Layer
from napari.utils.notifications import show_info
from napari.viewer import Viewer
from npe2 import PluginManager

from napari_axonem.errors import AxonemError, VolumeError
from napari_axonem.volumes import describe
from napari_axonem.widgets.opening.asking import can_ask
from napari_axonem.widgets.opening.axonem_layers import are_blocks
from napari_axonem.widgets.opening.locations import (
    brief,
    is_ours,
    is_project,
    is_remote,
    volumes_at,
)
from napari_axonem.widgets.opening.notices import tell
from napari_axonem.widgets.opening.reading import all_layers, layers_in

LayerData = tuple[Any, ...]

Reader = Callable[[str | Sequence[str]], list[LayerData]]

NOTHING: list[LayerData] = [(None,)]
"""How a reader tells napari that it did its work and there are no layers to add."""

NAPARIS_OWN = "napari.get_reader"
"""The command that napari's own reader is."""


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Return what reads `path`: ours for volumes and projects, otherwise napari's own.

    Names that are ours are taken at once. A TIFF file, or a folder with any other name, is looked
    at without reading voxels; a photograph goes on to napari's own reader, so that it opens as if
    this plugin were not there.
    """
    paths = [path] if isinstance(path, str) else list(path)
    try:
        for each in paths:
            if not is_ours(each):
                _require_volume(each)
    except AxonemError as error:
        return _naparis_own(path, error)
    return read


def read(path: str | Sequence[str]) -> list[LayerData]:
    """Return the layers of all volumes in files, and ask for voxel sizes that they do not state.

    In a window, a project is opened for proofreading and what is remote is fetched beside the
    window; both give no layers here.

    Raises
    ------
    AxonemError
        Where there is no window: something cannot be opened, or its voxel size is not known.
    """
    paths = [path] if isinstance(path, str) else list(path)
    if can_ask():
        viewer = napari.current_viewer()
        layers = [layer for each in paths for layer in _opened(viewer, each)]
    else:
        layers = [layer for each in paths for layer in all_layers(each)]
    return [layer.as_layer_data_tuple() for layer in layers] or NOTHING


def _opened(viewer: Viewer | None, path: str) -> Iterator[Layer]:
    """Yield the layers of a volume; open a project."""
    if viewer is not None and is_project(path):
        # Imported here: the docks take longer to load than a volume to open.
        from napari_axonem.widgets.desk import open_desk, volume_dock

        open_desk(viewer)
        volume_dock(viewer).control.open(path)
    else:
        yield from layers_in(viewer, path, tell)


def _require_volume(path: str) -> None:
    """Raise the reason where there is no volume at `path`; no voxels are read."""
    if is_remote(path):
        raise VolumeError("is read from this machine only", where=path, remedy="download it")
    if are_blocks(path):
        return
    problem: AxonemError | None = None
    for location in volumes_at(path):
        try:
            info = describe(location)
        except AxonemError as error:
            problem = problem or error
        else:
            if info.shape[0] > 1 or info.voxel_size is not None or Path(path).is_dir():
                return
            problem = problem or VolumeError("a single picture", where=path)
    if problem is not None:
        raise problem


def _naparis_own(path: str | Sequence[str], why: AxonemError) -> Reader | None:
    """Return napari's own reader for what is no volume; None where it does not want it either.

    Parameters
    ----------
    path
        What to read.
    why
        Why it is no volume: told when napari's own reader fails, too.
    """
    try:
        reader = PluginManager.instance().commands.execute(NAPARIS_OWN, (path,))
    except KeyError:  # a napari without its own readers
        return None
    first = path if isinstance(path, str) else path[0]
    if reader is None or not (is_remote(first) or os.path.lexists(first)):
        return None

    def read_otherwise(path: str | Sequence[str]) -> list[LayerData]:
        try:
            layers = list(reader(path))
        except Exception as error:  # whatever the library behind it raises
            return _nothing(why, error)
        if not all(_has_pixels(data[0]) for data in layers):  # of a file that is cut off
            return _nothing(why)
        if can_ask() and any(_is_stack(data[0]) for data in layers):
            name = brief(first)
            show_info(f"{name} is shown in pixels, by napari's own reader: {why.seen} (in {first})")
        return layers

    return read_otherwise


def _nothing(why: AxonemError, cause: Exception | None = None) -> list[LayerData]:
    if not can_ask():
        raise why from cause
    tell(why)
    return NOTHING


def _has_pixels(data: Any) -> bool:  # noqa: ANN401
    return 0 not in getattr(data, "shape", ())


def _is_stack(data: Any) -> bool:  # noqa: ANN401
    """Tell whether this is more than a photograph, which has colours as its last axis."""
    shape: tuple[int, ...] = getattr(data, "shape", ())
    return len(shape) > 3 or (len(shape) == 3 and shape[-1] not in (3, 4))
