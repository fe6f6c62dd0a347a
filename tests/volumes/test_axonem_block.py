"""A training block opens cropped, with its context, at its place in the whole volume."""

import shutil
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_axonem.errors import VolumeError, VoxelSizeUnknownError
from napari_axonem.geometry import Box
from napari_axonem.volumes import axonem, describe, open_volume
from napari_axonem.volumes.axonem import HUMAN, MOUSE
from napari_axonem.volumes.axonem.release import LAYOUT, file_name

from .axonem_files import (
    GREY,
    SMALL,
    write_block,
    write_image,
    write_labels,
    write_release,
    zipped,
)

open_block = partial(axonem.open_block, layout=SMALL)
block_at = partial(axonem.block_at, layout=SMALL)
blocks_at = partial(axonem.blocks_at, layout=SMALL)

NAME = "475-1792-1792"


def test_image_and_labels_lie_over_each_other_in_the_whole_volume(tmp_path: Path):
    """At full size, to the last figure."""
    image, labels = write_block(tmp_path / "EM30-H a", HUMAN.centre, LAYOUT, ids=(5, 9))
    block = axonem.open_block(tmp_path, NAME)
    assert (block.title, block.held_out, block.known_ids) == (f"human {NAME}", False, None)
    assert block.image.shape == (90, 1536, 1536)
    assert block.image.grid.voxel_size == (30, 8, 8)
    assert block.image.grid.origin == (455 * 30, 1280 * 8, 1280 * 8)
    assert block.labels.shape == (50, 512, 512)
    assert block.labels.grid.origin == (475 * 30, 1792 * 8, 1792 * 8)
    assert block.labels.read(Box((0, 4, 0), (1, 5, 3))).tolist() == [[[5, 9, 0]]]
    (corner,) = block.image.grid.to_voxel([block.labels.grid.to_nm((0, 0, 0))])
    assert tuple(corner) == block.inner.start == (20, 512, 512)
    assert block.image.location == f"{image}:main"
    assert block.labels.location == f"{labels}:main"


def test_missing_tiles_are_where_the_image_is_exactly_0(tmp_path: Path):
    image, _ = write_block(tmp_path, MOUSE.held_out)
    with h5py.File(image, "r+") as file:
        file["main"][2:4, 16:24, 16:20] = 0
        file["main"][4] = 1
    block = open_block(tmp_path, "700-3584-3584")
    assert block.held_out
    missing = block.missing_tiles()
    assert missing.shape == block.labels.shape == (5, 16, 16)
    assert missing.sum() == 2 * 8 * 4
    assert missing[:2, :8, :4].all()
    assert block.missing_tiles(Box((1, 7, 3), (3, 9, 5))).tolist() == [
        [[True, False], [False, False]],
        [[False, False], [False, False]],
    ]
    with pytest.raises(VolumeError, match="not inside the block"):
        block.missing_tiles(Box((0, 0, 0), (6, 1, 1)))


def test_the_volume_is_told_by_offsets_or_names_and_never_guessed(tmp_path: Path):
    write_block(tmp_path, (0, 0, 0))
    with pytest.raises(VoxelSizeUnknownError, match="human or of the mouse"):
        open_block(tmp_path, "0-0-0")
    with pytest.raises(VoxelSizeUnknownError):
        block_at(tmp_path / "im_0-0-0_pad.h5")
    assert open_block(tmp_path, "0-0-0", "mouse").image.grid.voxel_size == (40, 8, 8)
    write_block(tmp_path, MOUSE.centre)
    block = block_at(tmp_path / "im_0-0-0_pad.h5")
    assert (block.volume, block.known_ids) == (MOUSE, 1)
    assert block.image.grid.origin == (-2 * 40, -16 * 8, -16 * 8)
    assert block.labels.grid.origin == (0, 0, 0)


def test_both_volumes_below_one_folder(tmp_path: Path):
    write_release(tmp_path / "EM30-H", HUMAN)
    write_release(tmp_path / "EM30-M", MOUSE)
    with pytest.raises(VolumeError, match="of both volumes"):
        open_block(tmp_path, "0-0-0")
    assert open_block(tmp_path, "0-0-0", "human").volume is HUMAN
    assert open_block(tmp_path, NAME).volume is HUMAN


def test_any_file_of_a_block_leads_to_it(tmp_path: Path):
    folder = tmp_path / "EM30-H with spaces"
    image, labels = write_block(folder, HUMAN.centre)
    for path in (image, labels, f"{image}:main", folder, str(folder)):
        block = block_at(path)
        assert block.labels is not None
        assert block.name == NAME


def test_a_folder_of_several_blocks(tmp_path: Path):
    folder = write_release(tmp_path / "EM30-H")
    assert block_at(folder) is None
    assert [b.offset for b in blocks_at(folder)] == sorted(HUMAN.offsets)
    assert blocks_at(tmp_path) == ()  # only what lies right there: a reader asks this of anything


def test_an_image_without_labels_opens_without(tmp_path: Path):
    path = write_image(tmp_path / file_name("im", (675, 800, 800)))
    block = block_at(path)
    assert block.volume is MOUSE
    assert block.labels is None
    assert blocks_at(tmp_path) == ()
    assert block.missing_tiles().sum() == 0
    assert (block.image.read(block.image.box) == GREY).all()


def test_what_is_not_of_the_release_is_left_to_others(tmp_path: Path):
    folder = tmp_path / "EM30-H"
    write_block(folder, HUMAN.centre)
    other = write_image(folder / "image.h5")
    assert blocks_at(other) == ()
    assert blocks_at(tmp_path / "none.h5") == ()
    image = folder / file_name("im", (0, 0, 0))
    write_image(image, shape=(9, 48, 47), chunks=(9, 48, 47))
    assert block_at(image) is None
    write_image(image, dtype=np.float32)
    assert block_at(image) is None
    image.write_text("no HDF5")
    assert block_at(image) is None
    write_image(image)
    write_labels(folder / file_name("seg", (0, 0, 0)), dtype=np.float32)
    assert block_at(image) is None
    with pytest.raises(VolumeError, match="no labels"):
        open_block(folder, "0-0-0")


def test_a_block_that_is_not_there(tmp_path: Path):
    folder = tmp_path / "EM30-H"
    write_block(folder, HUMAN.centre)
    with pytest.raises(VolumeError, match=f"no image of block 0-0-0 .there is {NAME}"):
        open_block(tmp_path, "0-0-0")
    zipped(folder, tmp_path / "a.zip")
    shutil.rmtree(folder)
    with pytest.raises(VolumeError, match="unpack the zip"):
        open_block(tmp_path, NAME)


def test_negative_ids_are_refused_when_read(tmp_path: Path):
    write_image(tmp_path / file_name("im", HUMAN.centre))
    write_labels(tmp_path / file_name("seg", HUMAN.centre), dtype=np.int32, ids=(1, -5))
    block = open_block(tmp_path, NAME)
    assert block.labels.dtype == np.uint32
    with pytest.raises(VolumeError, match="negative id -5"):
        block.labels.read(block.labels.box)


def test_files_open_by_themselves_where_they_lie(tmp_path):
    image, labels = write_block(tmp_path / "good", (475, 1792, 1792), LAYOUT)
    grid = HUMAN.grid.beginning_at((455, 1280, 1280))
    for path in (image, labels, f"{image}:main"):
        assert open_volume(path).grid == grid
        info = describe(path)
        assert (info.voxel_size, info.origin) == (grid.voxel_size, grid.origin)
        assert "it is of the AxonEM release" in info.reason
    assert open_volume(image, voxel_size=(40.0, 8.0, 8.0)).grid.voxel_size == (40.0, 8.0, 8.0)
    with pytest.raises(VolumeError, match="not a folder of any known format; name one of the") as e:
        describe(tmp_path / "good")
    assert e.value.remedy.endswith("in it: im_475-1792-1792_pad.h5, seg_475-1792-1792_pad.h5")
    other = write_image(tmp_path / "other" / image.name, SMALL)  # the name alone says nothing
    either, _ = write_block(tmp_path / "either", (0, 0, 0), LAYOUT)
    for path in (other, either):
        assert describe(path).voxel_size is None
