"""Files of exactly the release's layout, small on disk: all their chunks but a few are fill."""

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import h5py
import numpy as np

from napari_axonem.geometry import Box, Zyx
from napari_axonem.volumes.axonem.release import (
    HUMAN,
    Layout,
    ReleaseVolume,
    file_name,
)

SMALL = Layout(block=(5, 16, 16), padding=(2, 16, 16))
"""The same layout, shrunk: 9 by 48 by 48 voxels."""

GREY = 120


def write_image(path: Path, layout: Layout = SMALL, **changes) -> Path:
    """Write an image of one grey value; `changes` go to h5py's `create_dataset`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"name": "main", "shape": layout.shape, "dtype": np.uint8, "fillvalue": GREY}
    with h5py.File(path, "w") as file:
        chunks = tuple(min(n, 256) for n in layout.shape)
        file.create_dataset(**{**options, "chunks": chunks, "compression": "gzip", **changes})
    return path


def write_labels(path: Path, layout: Layout = SMALL, ids: Iterable[int] = (1, 2), **changes):
    """Write labels: one column of 4 voxels, through the block, for each id."""
    write_image(path, layout, **{"dtype": np.uint16, "fillvalue": 0, **changes})
    with h5py.File(path, "r+") as file:
        for i, label in enumerate(ids):
            z, y, x = column(layout, i).slices
            file["main"][z, y, x] = label
    return path


def column(layout: Layout, i: int) -> Box:
    """Return where the object number `i` lies, in voxels of the file."""
    z, y, x = layout.inner.start
    start = (z, y + 4, x + i)
    return Box(start, (layout.inner.stop[0], y + 8, x + i + 1))


def write_block(
    folder: Path, offset: Zyx, layout: Layout = SMALL, ids: Iterable[int] = (1, 2)
) -> tuple[Path, Path]:
    """Write the two files of a sound block."""
    image = write_image(folder / file_name("im", offset), layout)
    return image, write_labels(folder / file_name("seg", offset), layout, ids)


def write_release(
    folder: Path,
    volume: ReleaseVolume = HUMAN,
    layout: Layout = SMALL,
    ids: Mapping[Zyx, Iterable[int]] | None = None,
) -> Path:
    """Write all nine blocks of a volume, dirty ones with as many ids as they are said to hold."""
    wanted = {o: range(1, n + 1) for o, n in volume.dirty} | dict(ids or {})
    for offset in volume.offsets:
        write_block(folder, offset, layout, wanted.get(offset, (1, 2)))
    return folder


def zipped(folder: Path, path: Path, compression: int = zipfile.ZIP_STORED) -> Path:
    """Pack a folder, with its name."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(file, file.relative_to(folder.parent))
    return path
