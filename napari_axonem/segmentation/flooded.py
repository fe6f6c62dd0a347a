"""A segmentation by flood filling, at the model's voxel size and back."""

from __future__ import annotations

from pathlib import Path

import fastremap
import numpy as np

from napari_axonem.errors import SettingsError
from napari_axonem.geometry import blocks
from napari_axonem.segmentation.inference.resampling import at_voxel_size, labels_on
from napari_axonem.segmentation.planning import Plan
from napari_axonem.volumes import Volume, open_volume, write_volume
from napari_axonem.volumes.disk import guarded
from napari_axonem.watching import Watcher

COUNTED_AT_ONCE = (256, 256, 256)
"""Voxels of which the objects are counted at a time."""


def flood_image(plan: Plan, destination: Path, scratch: Path, watcher: Watcher) -> bool:
    """Flood the image of a plan, and write labels on its grid.

    Parameters
    ----------
    plan
        For flood filling: it has a model.
    destination
        OME-Zarr pyramid of labels that comes into being; what lies there is taken up.
    scratch
        Folder that comes into being where the image is resampled for the model: for labels at the
        model's voxel size.

    Returns
    -------
    Whether it came to its end; False where it was wished to stop.

    Raises
    ------
    SettingsError
        Seeds are wished by affinities that the resampled image does not have.
    VolumeError, ModelError, StorageError
        As of `napari_axonem.segmentation.flooding.flood.flood`.
    """
    from napari_axonem.networks.files import load_model
    from napari_axonem.segmentation.flooding.flood import flood, is_unfinished
    from napari_axonem.segmentation.flooding.settings import FloodSettings

    assert plan.fit is not None, "plan_of chooses a model for flood filling"
    settings, resamples = plan.settings, plan.fit.resamples
    if resamples and plan.affinities:
        raise SettingsError(
            f"they have other voxels than model {plan.fit.entry.card.name}",
            where="--affinities",
            remedy="leave them out: seeds are then placed by edges of the image",
        )
    image, made = plan.image, destination
    if resamples:
        image = at_voxel_size(image, plan.fit.entry.card.voxel_size)
        with guarded(scratch):
            scratch.mkdir(exist_ok=True)
        made = scratch / "flooded.zarr"
    chosen = FloodSettings(
        device=settings.device,
        precision=settings.precision,
        affinities=plan.affinities,
        invert=settings.invert,
    )
    if is_unfinished(made) or not made.exists():
        flood(image, load_model(plan.fit.entry.path), made, chosen, watcher)
        if is_unfinished(made):
            return False
    if resamples:
        back = labels_on(open_volume(made), plan.image.grid, plan.image.shape)
        write_volume(
            destination,
            back.read,
            plan.image.shape,
            np.uint32,
            plan.image.grid,
            "labels",
            watcher.progress,
            overwrite=True,
        )
    return True


def count_objects(labels: Volume) -> tuple[int, int]:
    """Return how many objects labels (z, y, x) hold, and how many voxels of background."""
    ids, background = np.zeros(0, np.uint32), 0
    for block in blocks(labels.box, COUNTED_AT_ONCE):
        voxels = labels.read(block)
        background += int(np.count_nonzero(voxels == 0))
        ids = np.union1d(ids, fastremap.unique(voxels))
    return int(np.count_nonzero(ids)), background
