"""What is known of the AxonEM release: volumes, training blocks, files, known dirt, challenge.

AxonEM is Wei et al., "AxonEM Dataset: 3D Axon Instance Segmentation of Brain Cortical Regions",
MICCAI 2021, arXiv 2107.05451. Where a figure is from:

- shapes and voxel sizes of the two volumes: the paper;
- names and SHA-256 of the archives, names and offsets of the blocks, and their padding:
  the data set ``pytc/AxonEM`` of the Hugging Face hub and the files in it. The address that an
  archive is fetched from follows the hub's rule ``datasets/NAME/resolve/main/FILE``;
- dirty blocks, held-out blocks: the public code of those who trained on the blocks;
- names of the challenge's files, ids below 2**32: the challenge's description and its public
  evaluation code. The challenge's grid is *derived* from that code.

Not confirmed: the type of the labels, what ``valid_mask.h5`` holds, whether the archives have
folders inside, whether the ids of dirty blocks were counted without background, and whether the
challenge's server takes both files in one zip. Code reads these from the files, or says what it
assumes.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from napari_axonem.geometry import Box, Grid, Nm, Zyx

VolumeKey: TypeAlias = Literal["human", "mouse"]
"""What the two volumes of the release are called."""

Part: TypeAlias = Literal["im", "seg"]
"""How names of files begin: image or labels."""

DATASET = "main"
"""Name of the only HDF5 dataset in every file of the release and of a submission."""

PUBLIC_PLACE = "https://huggingface.co/datasets/pytc/AxonEM/resolve/main"
"""Folder of the archives on the net."""

ID_LIMIT = 2**32
"""Ids of a submission are below this."""

_FILE = re.compile(r"(im|seg)_(\d{1,6})-(\d{1,6})-(\d{1,6})_pad\.h5")


@dataclass(frozen=True, slots=True)
class Layout:
    """Extents (z, y, x) in voxels of a training block's files."""

    block: Zyx = (50, 512, 512)
    """The annotated block."""

    padding: Zyx = (20, 512, 512)
    """Context of the image on each side of it; the label file is 0 there."""

    @property
    def shape(self) -> Zyx:
        """Extent of both files: 90×1536×1536."""
        return Box.of_shape(self.block).grow(self.padding).shape

    @property
    def inner(self) -> Box:
        """The annotated block in voxels of the files."""
        return Box.of_shape(self.block).shift(self.padding)


LAYOUT = Layout()


@dataclass(frozen=True, slots=True)
class ReleaseVolume:
    """One of the two volumes."""

    key: VolumeKey
    """What users call it."""

    letter: str
    """What names of files call it: ``EM30-H``, ``EM30-M``."""

    shape: Zyx
    """Extent of the whole volume (z, y, x) in voxels."""

    voxel_size: Nm
    """Edges (z, y, x) of a voxel in nm."""

    offsets: tuple[Zyx, ...]
    """Where the annotated blocks begin in the whole volume, in voxels; the last is the centre."""

    held_out: Zyx
    """The block that others do not train on."""

    archive: str
    """Name of the zip of the training blocks."""

    archive_sha256: str
    """Its checksum."""

    prediction: str
    """Name of the file of a challenge submission."""

    dirty: tuple[tuple[Zyx, int], ...] = ()
    """Blocks that lie inside cell bodies, and how many ids they are said to hold."""

    without_labels: tuple[Zyx, ...] = ()
    """Images that the archive holds without labels: no training blocks."""

    @property
    def grid(self) -> Grid:
        """The lattice of the whole volume."""
        return Grid(self.voxel_size)

    @property
    def centre(self) -> Zyx:
        """Offset of the block in the middle."""
        return self.offsets[-1]

    @property
    def challenge_shape(self) -> Zyx:
        """Extent (z, y, x) of the challenge's grid: a quarter of the volume in y and x."""
        z, y, x = self.shape
        return z, y // 4, x // 4

    @property
    def challenge_grid(self) -> Grid:
        """The challenge's lattice, voxels of 32 nm in y and x."""
        return self.grid.coarser((1, 4, 4))

    def known_ids(self, offset: Zyx) -> int | None:
        """Return how many ids a dirty block is said to hold, None for any other block."""
        return dict(self.dirty).get(offset)


def _nine(last: int, centre: Zyx) -> tuple[Zyx, ...]:
    """Return the offsets of the eight blocks at the corners and the one in the middle."""
    z_y_x = itertools.product((0, last), (0, 3584), (0, 3584))
    return (*((z, y, x) for z, y, x in z_y_x), centre)


HUMAN = ReleaseVolume(
    key="human",
    letter="H",
    shape=(1000, 4096, 4096),
    voxel_size=(30.0, 8.0, 8.0),
    offsets=_nine(950, (475, 1792, 1792)),
    held_out=(950, 3584, 3584),
    archive="EM30-H-train-9vol-pad-20-512-512.zip",
    archive_sha256="0b53d155ff62f5e24c552bf90adce329fcf9a8fefd5c697f8bcd0312a61fda60",
    prediction="0_human_instance_seg_pred.h5",
)
"""Axon-H: temporal cortex, from H01."""

MOUSE = ReleaseVolume(
    key="mouse",
    letter="M",
    shape=(750, 4096, 4096),
    voxel_size=(40.0, 8.0, 8.0),
    offsets=_nine(700, (350, 1792, 1792)),
    held_out=(700, 3584, 3584),
    archive="EM30-M-train-9vol-pad-20-512-512.zip",
    archive_sha256="dae06b5dabe388ab7a0ff4e51548174f041a338d0d06bd665586aa7fdd43bac2",
    prediction="1_mouse_instance_seg_pred.h5",
    dirty=(((0, 0, 0), 1), ((0, 0, 3584), 10), ((0, 3584, 3584), 4)),
    without_labels=((675, 800, 800),),
)
"""Axon-M: primary visual cortex, from MICrONS."""

VOLUMES: tuple[ReleaseVolume, ...] = (HUMAN, MOUSE)


def volume_named(key: VolumeKey) -> ReleaseVolume:
    """Return a volume by what users call it."""
    return HUMAN if key == "human" else MOUSE


def block_name(offset: Zyx) -> str:
    """Return what a block is called: its offset, as in ``"475-1792-1792"``."""
    return "-".join(map(str, offset))


def file_name(part: Part, offset: Zyx) -> str:
    """Return the name of a block's file."""
    return f"{part}_{block_name(offset)}_pad.h5"


def parse_file_name(name: str) -> tuple[Part, Zyx] | None:
    """Return what a file of this name would hold, None where it is no name of the release."""
    found = _FILE.fullmatch(name)
    if found is None:
        return None
    part: Part = "im" if found[1] == "im" else "seg"
    return part, (int(found[2]), int(found[3]), int(found[4]))
