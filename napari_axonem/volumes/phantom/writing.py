"""A phantom on disk: one OME-Zarr group that all verbs can read."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from napari_axonem.geometry import Box, blocks
from napari_axonem.progress import Progress, silent, tracked
from napari_axonem.volumes.disk import guarded, replacing
from napari_axonem.volumes.formats import ngff
from napari_axonem.volumes.phantom.phantom import Phantom
from napari_axonem.volumes.phantom.settings import PhantomSettings
from napari_axonem.volumes.pyramid import Pyramid

LABELS = ("truth", "fragments", "segmentation")

BLOCK_VOXELS = 4 << 20
"""Voxels written at a time; with their affinities some 100 MB."""


def write_phantom(
    destination: Path, settings: PhantomSettings, progress: Progress = silent
) -> None:
    """Write a phantom: nothing is at `destination` before all is written.

    The group holds OME-Zarr pyramids ``image``, ``labels/truth``, ``labels/fragments`` and
    ``labels/segmentation``, the array ``affinities`` (3, z, y, x) and the file
    ``phantom.json``: settings, artefacts, planted errors and the tables from fragments to truth
    and to segments.

    Parameters
    ----------
    destination
        Folder that comes into being, by custom with a name in ``.zarr``.
    progress
        Called after each block; may raise to stop.

    Raises
    ------
    VolumeError
        `destination` exists.
    StorageError
        The disk cannot be written.
    SettingsError
        The volume is too small to hold a neurite.
    """
    with replacing(destination, overwrite=None) as folder:
        progress(0, 1, "laying out neurites")
        phantom = Phantom(settings)
        _write(phantom, folder, progress)


def _write(phantom: Phantom, folder: Path, progress: Progress) -> None:
    shape, grid = phantom.shape, phantom.grid
    with guarded(folder):
        zarr.create_group(folder, zarr_format=3)
        labels = ngff.labels_attributes(LABELS, ngff.VERSION)
        zarr.create_group(folder / "labels", zarr_format=3, attributes=labels)
    image = Pyramid.create(folder / "image", shape, np.uint8, grid, "image")
    truth, fragments, segmentation = (
        Pyramid.create(folder / "labels" / name, shape, np.uint32, grid, "labels")
        for name in LABELS
    )
    affinities = _create_affinities(phantom, folder, image.chunk)
    for box in tracked(_boxes(shape, image.chunk), progress, "rendering the phantom"):
        block = phantom.render(box)
        image.write(box, block.image)
        truth.write(box, block.truth)
        fragments.write(box, block.fragments)
        segmentation.write(box, phantom.segment_of_fragment[block.fragments])
        with guarded(folder):
            affinities[(slice(None), *box.slices)] = block.affinities
    for pyramid in (image, truth, fragments, segmentation):
        pyramid.build_levels(progress)
    with guarded(folder):
        text = json.dumps(describe(phantom), indent=1)
        (folder / "phantom.json").write_text(text + "\n", encoding="utf-8")


def _create_affinities(
    phantom: Phantom, folder: Path, chunk: tuple[int, int, int]
) -> zarr.Array[Any]:
    attributes: dict[str, Any] = {
        "axes": ["c", "z", "y", "x"],
        "voxel_size_nm": list(phantom.grid.voxel_size),
        "origin_nm": list(phantom.grid.origin),
        "affinity_to": "the neighbour one lower along axis c of z, y, x",
    }
    with guarded(folder):
        return zarr.create_array(
            folder / "affinities",
            shape=(3, *phantom.shape),
            chunks=(3, *chunk),
            dtype=np.float32,
            zarr_format=3,
            dimension_names=["c", "z", "y", "x"],
            attributes=attributes,
        )


def _boxes(shape: tuple[int, int, int], chunk: tuple[int, int, int]) -> list[Box]:
    """Return the boxes to write: whole chunks, as many as the limit allows, in rows along x."""
    z, y, x = chunk
    across = max(1, int(np.sqrt(BLOCK_VOXELS / (z * y * x))))
    return list(blocks(Box.of_shape(shape), (z, y * across, x * across)))


def describe(phantom: Phantom) -> dict[str, Any]:
    """Return what ``phantom.json`` says."""
    return {
        "settings": phantom.settings.model_dump(mode="json"),
        "n_truth": phantom.n_truth,
        "n_fragments": phantom.n_fragments,
        "n_segments": int(phantom.segment_of_fragment.max()),
        "artefacts": [dataclasses.asdict(artefact) for artefact in phantom.artefacts],
        "planted": [dataclasses.asdict(error) for error in phantom.planted],
        "truth_of_fragment": phantom.truth_of_fragment.tolist(),
        "segment_of_fragment": phantom.segment_of_fragment.tolist(),
    }
