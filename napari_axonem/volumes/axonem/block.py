"""A training block opened where it lies in the whole volume: labels cropped, image with context."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError, VoxelSizeUnknownError
from napari_axonem.geometry import Box, Grid, Zyx
from napari_axonem.volumes.axonem.members import Member, members
from napari_axonem.volumes.axonem.pairing import Pair, pair_up
from napari_axonem.volumes.axonem.release import (
    DATASET,
    LAYOUT,
    Layout,
    ReleaseVolume,
    VolumeKey,
    block_name,
    parse_file_name,
)
from napari_axonem.volumes.cropping import cropped
from napari_axonem.volumes.labels import require_labels
from napari_axonem.volumes.opening import open_volume
from napari_axonem.volumes.volume import Volume


@dataclass(frozen=True, slots=True)
class AxonemBlock:
    """A training block of the release, opened lazily.

    Both volumes lie on the lattice of the whole volume, in nm: they can be laid over each other,
    and over the whole volume.
    """

    volume: ReleaseVolume
    """The volume it is cut from."""

    offset: Zyx
    """Where the annotated block begins in the whole volume, in voxels (z, y, x)."""

    image: Volume
    """The annotated block with its context on all sides, uint8."""

    labels: Volume | None
    """Ids of the annotated block alone, an unsigned type; None for an image without labels."""

    inner: Box
    """The annotated block in voxels of `image`."""

    @property
    def name(self) -> str:
        """What the block is called: its offset, as in ``"475-1792-1792"``."""
        return block_name(self.offset)

    @property
    def title(self) -> str:
        """The same with the volume, as in ``"human 475-1792-1792"``."""
        return f"{self.volume.key} {self.name}"

    @property
    def held_out(self) -> bool:
        """Whether others hold this block out from training."""
        return self.offset == self.volume.held_out

    @property
    def known_ids(self) -> int | None:
        """How many ids it is said to hold where it lies in a cell body, None elsewhere."""
        return self.volume.known_ids(self.offset)

    def missing_tiles(self, box: Box | None = None) -> npt.NDArray[np.bool_]:
        """Tell where tiles of the image are missing, so that labels mean nothing there.

        Some sections lack tiles, their image being exactly 0, and still carry labels: such
        voxels are to be left out of a loss.

        Parameters
        ----------
        box
            In voxels of `labels`, which are those of the annotated block; all where None.

        Returns
        -------
        Mask (z, y, x) of the box's shape, true where the image is 0.
        """
        whole = Box.of_shape(self.inner.shape)
        part = whole if box is None else box
        if part != part.intersect(whole):
            raise VolumeError(
                f"box {part.start}..{part.stop} is not inside the block {whole.shape}",
                where=self.image.location,
            )
        missing: npt.NDArray[np.bool_] = self.image.read(part.shift(self.inner.start)) == 0
        return missing


def open_block(
    path: str | Path, name: str, volume: VolumeKey | None = None, layout: Layout = LAYOUT
) -> AxonemBlock:
    """Open a training block by its name.

    Parameters
    ----------
    path
        A folder that holds its two files at any depth.
    name
        Its offset, as in ``"475-1792-1792"``.
    volume
        Which volume it is of, where names of folders and offsets do not tell, or where `path`
        holds blocks of both.

    Raises
    ------
    VolumeError
        It is not there, or its files are not laid out as those of the release.
    VoxelSizeUnknownError
        It cannot be told whether it is of the human or the mouse volume.
    """
    root = Path(path)
    # Not from inside of zips: what is opened stays open, and cannot be unpacked for that long.
    pairs = pair_up((m for m in members(root) if not m.inner), volume).pairs
    named = [p for p in pairs if p.name == name]
    found = [p for p in named if volume is None or p.volume is None or p.volume.key == volume]
    if len(found) > 1:
        raise VolumeError(
            f"block {name} of both volumes",
            where=root,
            remedy="say whether the human or the mouse one is meant",
        )
    if not found or found[0].image is None:
        there = ", ".join(p.name for p in pairs[:9]) or "no block"
        raise VolumeError(
            f"no image of block {name} (there is {there})",
            where=root,
            remedy="unpack the zip of the training blocks, and name the folder that holds them",
        )
    return _opened(found[0], layout)


def blocks_at(
    path: str | Path, volume: VolumeKey | None = None, layout: Layout = LAYOUT
) -> tuple[AxonemBlock, ...]:
    """Return the blocks that a file belongs to, or that lie right in a folder.

    Only names of files in that one folder are looked at before something is opened, so that it
    may be asked of anything.

    Parameters
    ----------
    path
        A folder, or a file of the release: image or labels, with or without ``:main``.
    volume
        Which volume they are of, where names of folders and offsets do not tell.

    Returns
    -------
    The blocks by offset; none where names or layout are not those of the release.

    Raises
    ------
    VoxelSizeUnknownError
        These are blocks, and it cannot be told whether of the human or the mouse volume.
    """
    asked = Path(str(path).removesuffix(f":{DATASET}"))
    parsed = None if asked.is_dir() else parse_file_name(asked.name)
    if not asked.exists() or (not asked.is_dir() and parsed is None):
        return ()
    folder = asked if asked.is_dir() else asked.parent
    beside = [Member(p) for p in sorted(folder.iterdir()) if parse_file_name(p.name)]
    found = pair_up(beside, volume)
    pairs = [pair for pair in found.pairs if pair.image is not None]
    if parsed is not None:
        pairs = [p for p in (*pairs, *found.unlabelled) if p.offset == parsed[1]]
    opened = []
    for pair in pairs:
        try:
            opened.append(_opened(pair, layout))
        except VoxelSizeUnknownError:
            raise
        except VolumeError:  # laid out otherwise: a volume like any other
            continue
    return tuple(opened)


def block_at(
    path: str | Path, volume: VolumeKey | None = None, layout: Layout = LAYOUT
) -> AxonemBlock | None:
    """Return the one block at `path`, None where there is none or where there are several.

    As `blocks_at`, for a file of the release or a folder that holds one block.
    """
    found = blocks_at(path, volume, layout)
    return found[0] if len(found) == 1 else None


def _opened(pair: Pair, layout: Layout) -> AxonemBlock:
    assert pair.image is not None, "asked for only with an image"
    if pair.volume is None:
        raise VoxelSizeUnknownError(
            f"block {pair.name} may be of the human or of the mouse volume",
            where=pair.image,
            remedy="put it in a folder named EM30-H or EM30-M, or say which one it is",
        )
    grid = pair.volume.grid.beginning_at(np.subtract(pair.offset, layout.padding).tolist())
    image = _padded(pair.image, grid, layout)
    if image.dtype != np.uint8:
        raise VolumeError(f"an image of type {image.dtype}, not uint8", where=pair.image)
    labels = None if pair.labels is None else _padded(pair.labels, grid, layout)
    return AxonemBlock(
        pair.volume,
        pair.offset,
        image,
        None if labels is None else cropped(require_labels(labels), layout.inner),
        layout.inner,
    )


def _padded(member: Member, grid: Grid, layout: Layout) -> Volume:
    location = f"{member.path}:{DATASET}"
    volume = open_volume(location, voxel_size=grid.voxel_size, origin=grid.origin)
    if volume.shape != layout.shape:
        raise VolumeError(
            f"shape {volume.shape}, not {layout.shape} as in the release",
            where=member,
            remedy="open it as a volume like any other, with --voxel-size",
        )
    return volume
