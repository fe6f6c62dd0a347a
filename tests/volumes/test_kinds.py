"""Image or labels."""

import numpy as np
import pytest

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Grid
from napari_axonem.volumes import Volume
from napari_axonem.volumes.kinds import kind_by_name, kind_of, refuse_image

RNG = np.random.default_rng(0)


def volume(location: str, dtype: str, voxels=None, kind=None) -> Volume:
    array = np.zeros((8, 32, 32), dtype) if voxels is None else voxels.astype(dtype)
    return Volume((array,), ((1, 1, 1),), Grid((30, 8, 8)), location, "test", kind)


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("block.h5:raw", "image"),
        ("block.h5:volumes/labels/neuron_ids", "labels"),
        ("block.zarr/labels/watershed", "labels"),
        ("block.zarr/labels/0", "labels"),
        ("em/block.zarr/a", None),
        ("im_64.h5:main", "image"),
        ("seg_64.h5:main", "labels"),
        ("em/sections", None),
        ("data/gt", "labels"),
        ("block.h5:raw_labels", None),
    ],
)
def test_the_name_tells(location: str, kind: str | None) -> None:
    named = kind_by_name(location)
    assert (named and named[0]) == kind


@pytest.mark.parametrize(
    ("location", "dtype", "kind"),
    [
        ("block.h5:gt", "uint8", "labels"),
        ("block.h5:raw", "uint32", "image"),
        ("block.h5:gt", "float32", "image"),
        ("block.h5:mask", "bool", "labels"),
        ("block.h5:a", "uint8", "image"),
        ("block.h5:a", "uint32", "labels"),
        ("block.h5:a", "int64", "labels"),
    ],
)
def test_name_and_type(location: str, dtype: str, kind: str) -> None:
    assert kind_of(volume(location, dtype))[0] == kind


def test_what_the_file_says_counts_most() -> None:
    assert kind_of(volume("block.h5:raw", "uint8", kind="labels"))[0] == "labels"
    assert kind_of(volume("block.h5:gt", "uint32", kind="image"))[0] == "image"


def test_sixteen_bits_are_looked_at() -> None:
    noise = RNG.integers(20_000, 40_000, (8, 32, 32))
    padded = np.pad(noise[:, 8:-8, 8:-8], ((0, 0), (8, 8), (8, 8)))
    objects = np.repeat(np.repeat(RNG.integers(1, 9, (8, 8, 8)), 4, axis=1), 4, axis=2)
    for dtype in ("uint16", "int16"):
        assert kind_of(volume("block.h5:a", dtype, noise))[0] == "image"
        assert kind_of(volume("block.h5:a", dtype, padded))[0] == "image"
        assert kind_of(volume("block.h5:a", dtype, objects))[0] == "labels"
    assert kind_of(volume("block.h5:raw", "uint16", objects))[0] == "image"
    assert kind_of(volume("block.h5:a", "uint16"))[0] == "labels"


GREY = RNG.integers(60, 200, (8, 64, 64))
FEW = np.repeat(np.repeat(RNG.integers(0, 9, (8, 16, 16)), 4, axis=1), 4, axis=2)


@pytest.mark.parametrize("location", ["block.h5:a", "block.h5:raw", "block.h5:data"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16"])
def test_grey_values_are_refused_as_labels(location: str, dtype: str) -> None:
    with pytest.raises(VolumeError, match=r"an image and no labels.*--kind labels"):
        refuse_image(volume(location, dtype, GREY))


@pytest.mark.parametrize("location", ["block.h5:a", "block.h5:raw", "block.h5:gt"])
@pytest.mark.parametrize("kind", [None, "image", "labels"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint64"])
def test_few_objects_in_few_bits_are_labels(location: str, kind: str | None, dtype: str) -> None:
    refuse_image(volume(location, dtype, FEW, kind))
    refuse_image(volume(location, dtype, np.zeros_like(FEW), kind))


def test_labels_that_say_so_are_not_looked_at() -> None:
    refuse_image(volume("block.h5:labels", "uint8", GREY))
    refuse_image(volume("block.h5:a", "uint8", GREY, "labels"))
