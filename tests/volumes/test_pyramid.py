"""Pyramids on disk: levels, refreshing, metadata, threads."""

import itertools
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_axonem.errors import StorageError, VolumeError
from napari_axonem.geometry import Box, Grid, blocks
from napari_axonem.volumes import (
    Pyramid,
    block_shape,
    natural_block,
    natural_chunk,
    open_volume,
    reduce_block,
)

SHAPE = (40, 150, 137)
GRID = Grid((30.0, 8.0, 8.0), (90.0, -16.0, 5.5))


def random_labels(shape=SHAPE, seed=0):
    """Blobs of a few voxels, so that windows are sometimes mixed."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 50, [n // 3 + 1 for n in shape], dtype=np.uint32)
    return small.repeat(3, 0).repeat(3, 1).repeat(3, 2)[tuple(slice(n) for n in shape)]


def expected_levels(array, factors, kind):
    levels = [array]
    for finer, coarser in itertools.pairwise(factors):
        step = [b // a for a, b in zip(finer, coarser, strict=True)]
        levels.append(reduce_block(levels[-1], step, kind))
    return levels


def assert_levels(pyramid, array):
    levels = expected_levels(array, pyramid.factors, pyramid.kind)
    for got, expected in zip(pyramid.volume.levels, levels, strict=True):
        np.testing.assert_array_equal(got[:], expected)


@pytest.mark.parametrize(
    ("dtype", "kind"), [("u4", "labels"), ("u8", "labels"), ("u1", "image"), ("f4", "image")]
)
def test_levels_after_building(tmp_path, dtype, kind):
    array = random_labels().astype(dtype)
    pyramid = Pyramid.create(tmp_path / "p.zarr", SHAPE, dtype, GRID, kind, chunk=(16, 32, 32))
    for box in blocks(Box.of_shape(SHAPE), (16, 64, 64)):
        pyramid.write(box, array[box.slices])
    steps = []
    pyramid.build_levels(lambda done, total, doing: steps.append((done, total)))
    assert steps[0][0] == 0
    assert steps[-1][0] == steps[-1][1]
    assert pyramid.factors == ((1, 1, 1), (1, 2, 2))
    assert_levels(pyramid, array)
    again = Pyramid.open(tmp_path / "p.zarr")
    assert (again.grid, again.factors, again.kind, again.dtype) == (
        GRID,
        pyramid.factors,
        kind,
        dtype,
    )
    assert_levels(again, array)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A pyramid of five levels that is copied and changed."""
    path = tmp_path_factory.mktemp("built") / "p.zarr"
    array = random_labels((20, 270, 30))
    pyramid = Pyramid.create(path, array.shape, "u4", GRID, "labels", chunk=(8, 16, 8))
    pyramid.write(Box.of_shape(array.shape), array)
    pyramid.build_levels()
    return path, array


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_refreshing_equals_building(built, tmp_path_factory, data):
    path, array = built
    copy = tmp_path_factory.mktemp("copy") / "p.zarr"
    shutil.copytree(path, copy)
    pyramid = Pyramid.open(copy, writable=True)
    corners = [sorted(data.draw(st.tuples(*[st.integers(0, n)] * 2))) for n in array.shape]
    box = Box(*zip(*corners, strict=True))
    changed = array.copy()
    changed[box.slices] = random_labels(box.shape, seed=data.draw(st.integers(0, 9))) + 100
    pyramid.write(box, changed[box.slices])
    pyramid.refresh_levels(box)
    assert_levels(pyramid, changed)


def test_threads_write_their_own_chunks(tmp_path):
    array = random_labels()
    pyramid = Pyramid.create(tmp_path / "p.zarr", SHAPE, "u4", GRID, "labels", chunk=(8, 32, 32))
    boxes = list(blocks(Box.of_shape(SHAPE), (8, 32, 64)))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda box: pyramid.write(box, array[box.slices]), boxes))
    np.testing.assert_array_equal(pyramid.volume.read(pyramid.volume.box), array)


@pytest.mark.parametrize("kind", ["image", "labels"])
def test_metadata_are_valid_ngff(tmp_path, kind):
    models = pytest.importorskip("ome_zarr_models.v05")
    path = tmp_path / "p.zarr"
    Pyramid.create(path, SHAPE, "u4", GRID, kind)
    model = models.ImageLabel if kind == "labels" else models.Image
    parsed = model.from_zarr(zarr.open_group(path, mode="r", zarr_format=3))
    first = parsed.attributes.ome.multiscales[0]
    assert [(a.name, a.unit) for a in first.axes] == [(a, "nanometer") for a in "zyx"]
    scale, translation = first.datasets[1].coordinateTransformations
    assert scale.scale == [30.0, 16.0, 16.0]
    assert translation.translation == [90.0, -12.0, 9.5]
    assert zarr.open_array(path / "0", mode="r").metadata.dimension_names == ("z", "y", "x")


def test_no_origin_is_no_translation(tmp_path):
    Pyramid.create(tmp_path / "p.zarr", SHAPE, "u1", Grid((30.0, 8.0, 8.0)), "image")
    ome = zarr.open_group(tmp_path / "p.zarr", mode="r").attrs["ome"]
    first = ome["multiscales"][0]["datasets"][0]["coordinateTransformations"]
    assert first[1] == {"type": "translation", "translation": [0, 0, 0]}


def test_existing_folder_is_refused(tmp_path):
    (tmp_path / "p.zarr").mkdir()
    with pytest.raises(VolumeError, match="exists already"):
        Pyramid.create(tmp_path / "p.zarr", SHAPE, "u1", GRID, "image")


@pytest.mark.parametrize(
    ("shape", "dtype", "kind"),
    [(SHAPE, "f4", "labels"), (SHAPE, "?", "image"), ((0, 1, 1), "u1", "image")],
)
def test_what_cannot_be_stored_is_refused(tmp_path, shape, dtype, kind):
    with pytest.raises(VolumeError):
        Pyramid.create(tmp_path / "p.zarr", shape, dtype, GRID, kind)
    assert not list(tmp_path.iterdir())


def test_wrong_writes_are_refused(tmp_path):
    path = tmp_path / "p.zarr"
    pyramid = Pyramid.create(path, SHAPE, "u1", GRID, "image")
    box = Box((0, 0, 0), (2, 2, 2))
    with pytest.raises(VolumeError, match="do not fit"):
        pyramid.write(box, np.zeros((2, 2, 2), "u2"))
    with pytest.raises(VolumeError, match="do not fit"):
        pyramid.write(box, np.zeros((2, 2, 3), "u1"))
    with pytest.raises(VolumeError, match="not inside"):
        pyramid.write(box.shift((39, 0, 0)), np.zeros((2, 2, 2), "u1"))
    with pytest.raises(VolumeError, match="reading only"):
        Pyramid.open(path).write(box, np.zeros((2, 2, 2), "u1"))


def test_damaged_chunk_names_the_level(tmp_path):
    path = tmp_path / "p.zarr"
    pyramid = Pyramid.create(path, SHAPE, "u4", GRID, "labels", chunk=(40, 64, 64))
    pyramid.write(pyramid.volume.box, random_labels())
    chunk = path / "0" / "c" / "0" / "1" / "1"
    chunk.write_bytes(chunk.read_bytes()[:20])
    with pytest.raises(VolumeError, match=r"p\.zarr/0: chunk c/0/1/1, voxels"):
        pyramid.build_levels()
    with pytest.raises(StorageError, match="level 0"):
        pyramid.write(Box((0, 70, 70), (1, 71, 71)), np.ones((1, 1, 1), "u4"))


def test_opening_what_is_no_pyramid(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", shape=(2, 2, 2), dtype="u1")
    for path in (tmp_path, tmp_path / "a.zarr", tmp_path / "nothing"):
        with pytest.raises(VolumeError):
            Pyramid.open(path)


def test_axes_in_another_order_are_no_pyramid(tmp_path):
    path = tmp_path / "p.zarr"
    Pyramid.create(path, (9, 9, 9), "u4", GRID, "labels")
    metadata = json.loads((path / "zarr.json").read_text())
    metadata["attributes"]["ome"]["multiscales"][0]["axes"].reverse()
    (path / "zarr.json").write_text(json.dumps(metadata))
    with pytest.raises(VolumeError, match="not those of a pyramid z, y, x"):
        Pyramid.open(path)


def test_location_opens_the_same(tmp_path):
    pyramid = Pyramid.create(tmp_path / "p.zarr", SHAPE, "u4", GRID, "labels")
    volume = open_volume(pyramid.volume.location)
    assert (volume.grid, volume.factors, volume.format) == (
        GRID,
        pyramid.factors,
        pyramid.volume.format,
    )


@pytest.mark.parametrize(
    ("voxel_size", "chunk"),
    [
        ((10, 10, 10), (64, 64, 64)),
        ((30, 8, 8), (16, 128, 128)),
        ((40, 32, 32), (64, 64, 64)),
        ((40, 4, 4), (16, 128, 128)),
        ((8, 8, 30), (128, 128, 16)),
        ((1000, 1, 1), (4, 256, 256)),
    ],
)
def test_chunks_are_about_isotropic_in_nm(voxel_size, chunk):
    assert natural_chunk(voxel_size) == chunk


@given(
    st.tuples(*[st.integers(1, 4000)] * 3),
    st.tuples(*[st.sampled_from([1, 7, 16, 64, 128])] * 3),
    st.sampled_from([1, 4, 8]),
    st.sampled_from([(10.0, 10.0, 10.0), (30.0, 8.0, 8.0)]),
)
def test_blocks_are_whole_chunks_within_the_limit(shape, chunk, itemsize, voxel_size):
    block = block_shape(shape, chunk, itemsize, voxel_size, limit_bytes=2**24)
    assert all(b % c == 0 for b, c in zip(block, chunk, strict=True))
    assert np.prod(block) * itemsize <= max(2**24, np.prod(chunk) * itemsize)
    assert all(b < 2 * max(n, c) for b, n, c in zip(block, shape, chunk, strict=True))


def test_natural_block_of_a_volume(tmp_path):
    volume = Pyramid.create(tmp_path / "p.zarr", (900, 900, 900), "u4", GRID, "labels").volume
    assert natural_block(volume) == (128, 512, 256)
    assert natural_block(volume, limit_bytes=1) == (16, 128, 128)
