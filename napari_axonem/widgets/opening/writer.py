"""What napari calls to save an image, labels, or both as volumes in nm.

Voxels go to the disk block by block, whatever the size of the layer. napari waits for its
writers, so a dialog shows the progress and can stop it; what would take many minutes is left to
the command, which runs beside the window.
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QProgressDialog

from napari_axonem.errors import AxonemError, VolumeError, VoxelSizeUnknownError
from napari_axonem.geometry import Box, Grid, Nm, Zyx
from napari_axonem.progress import Progress, silent
from napari_axonem.volumes import Kind, write_volume
from napari_axonem.volumes.disk import refuse_existing
from napari_axonem.volumes.formats.units import nm_per
from napari_axonem.widgets.opening.asking import ANSWERS, can_ask, window
from napari_axonem.widgets.opening.voxel_size_form import Question
from napari_axonem.widgets.parts import wording
from napari_axonem.widgets.picture.planes import whole

LayerData = tuple[Any, Mapping[str, Any], Kind]

MOST_BYTES = 2**32
"""Layers with more voxels than these bytes hold are left to the command."""

DEFAULT_SUFFIX = ".zarr"

FILES = (".h5", ".hdf5", ".hdf", ".he5", ".tif", ".tiff", ".btf")
"""Endings of files, which are replaced. A folder never is: no save dialog has asked about it."""

PATIENCE_MS = 500
"""A dialog is shown for what takes longer."""


def write(path: str, layers: Sequence[LayerData]) -> list[str]:
    """Write an image layer, a labels layer, or one of each; called by napari.

    Labels are written as they are shown: those of an open project as they are edited now. The
    dock Export writes the same in a child process.

    Parameters
    ----------
    path
        Its suffix chooses the format, as for `write_volume`; ``.zarr`` where there is none. An
        image and labels together become one OME-Zarr with the labels in its group ``labels``.
    layers
        For each layer its voxels or all levels of them, its settings, and ``"image"`` or
        ``"labels"``.

    Returns
    -------
    What was written.

    Raises
    ------
    AxonemError
        A layer is no volume, it is too large, or the disk fails; nothing is written then.
    """
    destination = Path(path)
    if not destination.suffix:
        destination = destination.with_name(destination.name + DEFAULT_SUFFIX)
    found = [_layer(*data) for data in layers]
    if len(found) == 1:
        _write(destination, found[0])
    else:
        _write_together(destination, found)
    return [str(destination)]


def _write_together(destination: Path, layers: Sequence[_Layer]) -> None:
    """Write an image, and labels below it, to a store that is not there yet."""
    if destination.suffix.lower() != DEFAULT_SUFFIX:
        raise VolumeError(
            f"{len(layers)} layers for one {destination.suffix} file",
            where=destination,
            remedy="save them one by one, or together with a name that ends in .zarr",
        )
    refuse_existing(destination, overwrite=None)
    image, labels = sorted(layers, key=lambda layer: layer.kind)
    try:
        _write(destination, image)
        _write(destination / "labels" / _file_name(labels.name), labels)
    except BaseException:
        shutil.rmtree(destination, ignore_errors=True)
        raise


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "labels"


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """The voxels of a layer as a volume."""

    name: str
    kind: Kind
    finest: Any
    grid: Grid

    @property
    def shape(self) -> Zyx:
        """Extent (z, y, x) in voxels."""
        return Box.of_shape(self.finest.shape).shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a voxel."""
        return np.dtype(self.finest.dtype)

    def read(self, box: Box) -> npt.NDArray[Any]:
        """Return the voxels of a box, all of them."""
        with whole():  # what a window shows may be coarse, or 0 where it cannot be read
            return np.asarray(self.finest[box.slices])


def _write(destination: Path, layer: _Layer) -> None:
    with _shown_progress(f"Writing {destination.name}") as progress:
        write_volume(
            destination,
            layer.read,
            layer.shape,
            layer.dtype,
            layer.grid,
            layer.kind,
            progress,
            overwrite=destination.suffix.lower() in FILES or None,  # of files napari's dialog asks
        )


def _layer(data: Any, meta: Mapping[str, Any], kind: Kind) -> _Layer:  # noqa: ANN401
    """Return a layer as a volume.

    Raises
    ------
    VolumeError
        It has not three axes, lies askew, or is too large.
    VoxelSizeUnknownError
        It is in pixels and there is nobody to ask how large they are.
    """
    name = str(meta.get("name", "layer"))
    finest = data[0] if meta.get("multiscale") else data
    if meta.get("rgb") or len(finest.shape) != 3:
        what = "colours" if meta.get("rgb") else f"{len(finest.shape)} axes"
        raise VolumeError(
            f"a layer of {what}, shape {tuple(finest.shape)}",
            where=name,
            remedy="a volume has three axes (z, y, x); save it with napari's own writer",
        )
    _refuse_askew(name, meta)
    _refuse_too_large(name, math.prod(finest.shape) * np.dtype(finest.dtype).itemsize)
    return _Layer(name, kind, finest, _grid(name, finest, meta))


def _grid(name: str, finest: Any, meta: Mapping[str, Any]) -> Grid:  # noqa: ANN401
    scale, translate = _three(meta.get("scale"), 1.0), _three(meta.get("translate"), 0.0)
    nm = _units(meta.get("units"))
    if nm is None:
        return _asked_grid(name, finest)
    size = _times(scale, nm)
    if min(size) <= 0:
        raise VolumeError(f"scale {scale} is not positive", where=name)
    z, y, x = (t * u - s / 2 for t, u, s in zip(translate, nm, size, strict=True))
    return Grid(size, (z, y, x))


def _refuse_askew(name: str, meta: Mapping[str, Any]) -> None:
    turned = (
        not np.allclose(meta.get("rotate", np.eye(3)), np.eye(3))
        or not np.allclose(meta.get("shear", 0.0), 0.0)
        or not np.allclose(meta.get("affine", np.eye(4)), np.eye(4))
    )
    if turned:
        raise VolumeError(
            "the layer is rotated, sheared or moved by an affine transform",
            where=name,
            remedy="reset layer.rotate, layer.shear and layer.affine: voxels are written unmoved",
        )


def _refuse_too_large(name: str, size: int) -> None:
    if size > MOST_BYTES:
        raise VolumeError(
            f"{size / 1e9:.1f} GB of voxels, more than napari should wait for",
            where=name,
            remedy="use the command 'napari-axonem convert SRC DST' (for a project 'napari-axonem "
            "export', or the dock Export), which runs beside the window",
        )


def _units(units: Sequence[Any] | None) -> Nm | None:
    """Return how many nm the units of three axes are, None for pixels."""
    lengths = [nm_per(str(unit)) for unit in units or ()]
    if len(lengths) != 3 or None in lengths:
        return None
    z, y, x = (float(length or 0) for length in lengths)
    return z, y, x


def _asked_grid(name: str, finest: Any) -> Grid:  # noqa: ANN401
    """Ask for the voxel size of a layer whose units are pixels."""
    reason = "the layer is in pixels, so its voxel size is not known"
    if can_ask():
        extent = wording.extent(finest.shape)
        question = Question(
            name=name,
            location=f"layer {name}",
            facts=f"{extent} voxels (z, y, x), {finest.dtype}",
            reason=f"T{reason[1:]}. It is written with the voxels.",
            accept="Save",
            can_share=False,
        )
        given = ANSWERS.ask(question)
        if given is not None:
            return Grid(given.voxel_size, given.origin or (0.0, 0.0, 0.0))
    raise VoxelSizeUnknownError(
        reason,
        where=name,
        remedy="nothing was written; give it, or set layer.scale and "
        "layer.units = ('nm', 'nm', 'nm')",
    )


def _three(values: Any, fill: float) -> Nm:  # noqa: ANN401
    z, y, x = np.full(3, fill, dtype=float) if values is None else np.asarray(values, dtype=float)
    return float(z), float(y), float(x)


def _times(values: Nm, factors: Nm) -> Nm:
    z, y, x = (v * f for v, f in zip(values, factors, strict=True))
    return z, y, x


@contextmanager
def _shown_progress(title: str) -> Iterator[Progress]:
    """Give what shows the progress in a dialog with a button to stop; silent without a window."""
    if not can_ask():
        yield silent
        return
    dialog = QProgressDialog(title, "Stop", 0, 0, window())
    dialog.setWindowTitle(title)
    dialog.setWindowModality(Qt.WindowModality.ApplicationModal)  # the layers must not change now
    dialog.setMinimumDuration(PATIENCE_MS)

    def show(done: int, total: int, doing: str) -> None:
        dialog.setLabelText(f"{title}\n{doing}")
        dialog.setMaximum(total + 1)  # at its maximum the dialog would close
        dialog.setValue(done)  # also lets the window draw, and the button be pressed
        if dialog.wasCanceled():
            raise AxonemError("stopped; nothing was written", where=title)

    try:
        yield show
    finally:
        dialog.reset()
        dialog.deleteLater()
