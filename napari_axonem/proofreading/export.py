"""Corrected labels as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box
from napari_axonem.progress import Progress, silent
from napari_axonem.proofreading.project import Project
from napari_axonem.volumes import write_volume


def export_labels(
    project: Project,
    destination: Path | str,
    progress: Progress = silent,
    *,
    overwrite: bool = False,
) -> None:
    """Write the segments as labels; the format follows from the suffix.

    A segment carries the id that its name-giving fragment was imported with. Labels are
    uint32 where all ids fit, else uint64.

    Parameters
    ----------
    destination
        ``NAME.zarr`` (OME-Zarr pyramid) or ``NAME.h5`` (dataset ``labels`` unless
        ``NAME.h5:DATASET`` says otherwise).

    Raises
    ------
    VolumeError
        The destination exists, or its suffix is of no known format.
    StorageError
        The disk refuses; nothing stays behind under the final name.
    """
    ids = project.exported_ids()
    dtype = np.dtype(np.uint32 if int(ids.max(initial=0)) < 2**32 else np.uint64)
    table = ids.astype(dtype)
    fragments = project.sources.fragments.volume

    def read(box: Box) -> npt.NDArray[Any]:
        labels: npt.NDArray[Any] = table[fragments.read(box)]
        return labels

    write_volume(
        destination,
        read,
        fragments.shape,
        dtype,
        fragments.grid,
        "labels",
        progress,
        overwrite=overwrite,
    )
