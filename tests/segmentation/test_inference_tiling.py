"""Tiles and blocks: every voxel is made once, of weights that sum to one exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_axonem.errors import SettingsError
from napari_axonem.geometry import Box
from napari_axonem.segmentation.inference.blending import ONE, Blending
from napari_axonem.segmentation.inference.tiling import WEIGHT, Tiling, fade

SHAPES = st.tuples(*[st.integers(1, 40)] * 3)
MULTIPLES = st.tuples(*[st.sampled_from([4, 8])] * 3)


@st.composite
def tilings(draw):
    shape, multiple = draw(SHAPES), draw(MULTIPLES)
    block = tuple(m * draw(st.integers(2, 6)) for m in multiple)
    overlap = tuple(draw(st.integers(0, 20)) for _ in range(3))
    return Tiling.of(shape, block, overlap, multiple, reaches=draw(st.booleans())), multiple


@settings(max_examples=30)
@given(tilings())
def test_weights_sum_to_one_exactly_at_every_voxel(made):
    tiling, _ = made
    total = np.zeros(tiling.shape, np.int64)
    for block in tiling.indices():
        for piece in tiling.pieces(block):
            where = piece.of_tile.shift(tiling.tile(piece.tile).start)
            assert where.relative_to(tiling.block(block).start) == piece.of_block
            total[where.slices] += tiling.weights(piece.tile, block)
            assert block in tiling.blocks_of(piece.tile)
        assert tiling.index(tiling.number(block)) == block
    assert (total == WEIGHT**3).all()


@settings(max_examples=30)
@given(tilings())
def test_blocks_hold_their_pieces_and_begin_on_one_lattice(made):
    tiling, multiple = made
    voxels = 0
    for index in tiling.indices():
        block = tiling.block(index)
        voxels += tiling.tile(index).size
        assert not any(a % m for a, m in zip(block.start, multiple, strict=True))
        for piece in tiling.pieces(index):
            assert Box.of_shape(block.shape).intersect(piece.of_block) == piece.of_block
    assert voxels == Box.of_shape(tiling.shape).size


@settings(max_examples=15)
@given(tilings(), st.randoms(use_true_random=False))
def test_tiles_do_not_depend_on_the_order_of_blocks(made, random):
    tiling, _ = made
    rng = np.random.default_rng(random.getrandbits(32))
    blocks = tiling.indices()
    results = {b: rng.integers(0, ONE + 1, (2, *tiling.block(b).shape), np.uint16) for b in blocks}
    found = []
    for order in (blocks, random.sample(blocks, len(blocks))):
        whole = np.full((2, *tiling.shape), 7, np.uint8)
        blending = Blending(tiling, blocks)
        for block in order:
            for tile, affinities in blending.add(block, results[block]):
                whole[(slice(None), *tiling.tile(tile).slices)] = affinities
        found.append(whole)
    assert np.array_equal(*found)


def test_equal_results_come_out_as_they_went_in():
    tiling = Tiling.of((40, 40, 40), (24, 24, 24), (8, 8, 8), (4, 4, 4))
    for value, expected in ((0, 0), (ONE, 255), (ONE // 2, 128), (16, 1), (7, 0), (8, 1)):
        blending = Blending(tiling, tiling.indices())
        for block in blending.blocks:
            result = np.full((1, *tiling.block(block).shape), value, np.uint16)
            for _, tile in blending.add(block, result):
                assert (tile == expected).all()


def test_some_tiles_need_only_the_blocks_before_them():
    tiling = Tiling.of((64, 64, 64), (24, 24, 24), (8, 8, 8), (4, 4, 4))
    assert Blending(tiling, [(2, 0, 1)]).blocks == [(1, 0, 0), (1, 0, 1), (2, 0, 0), (2, 0, 1)]


def test_few_tiles_wait_in_order():
    """In raster order a tile is complete with its own block."""
    tiling = Tiling.of((64, 64, 64), (24, 24, 24), (8, 8, 8), (4, 4, 4))
    blending = Blending(tiling, tiling.indices())
    for block in blending.blocks:
        done = blending.add(block, np.zeros((1, *tiling.block(block).shape), np.uint16))
        assert [tile for tile, _ in done] == [block]


def test_the_ends_see_as_much_as_the_middle_of_a_transition():
    tiling = Tiling.of((100, 100, 100), (64, 64, 64), (32, 32, 32), (16, 16, 16))
    assert tiling.tile_shape == (32, 32, 32)
    assert tiling.block((0, 1, 3)) == Box((-16, 32, 96), (64, 96, 116))


def test_half_a_patch_of_overlap_fades_over_the_whole_tile():
    rising = fade(32)
    assert (np.diff(rising) >= 0).all()
    assert rising[0] == 0
    assert rising[-1] == WEIGHT
    assert np.array_equal(rising + rising[::-1], np.full(32, WEIGHT))


def test_a_block_without_room_is_told():
    with pytest.raises(SettingsError, match="too short for a network that halves 4 times"):
        Tiling.of((50, 50, 50), (15, 32, 32), (8, 8, 8), (16, 16, 16))
    whole = Tiling.of((50, 50, 50), (16, 16, 16), (8, 8, 8), (16, 16, 16))
    assert {axis.overlap for axis in whole.axes} == {0}


def test_a_volume_of_one_voxel():
    tiling = Tiling.of((1, 1, 1), (64, 64, 64), (32, 32, 32), (16, 16, 16))
    assert tiling.counts == (1, 1, 1)
    (piece,) = tiling.pieces((0, 0, 0))
    assert piece.of_tile == Box((0, 0, 0), (1, 1, 1))
