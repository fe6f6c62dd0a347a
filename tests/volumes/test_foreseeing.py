"""Pieces that are fetched ahead wait their turn, and are there when they are looked at."""

import numpy as np

from napari_axonem.geometry import Box

from .test_chunked import Stored, array, chunked, small_chunks

_ = small_chunks  # a fixture for all tests


def test_what_is_foreseen_is_there_after_looking_elsewhere() -> None:
    stored = Stored(array())
    looked = chunked(stored, workers=0)
    decoders = looked._decoders
    looked.foresee(Box((8, 0, 0), (9, 5, 3)), 0)
    looked.look(Box((0, 5, 3), (1, 10, 6)), 0, 0)
    looked.look(Box((0, 10, 6), (1, 14, 9)), 0, 0)
    while decoders.run_next():
        pass
    assert (8, 0, 0) in stored.reads
    assert (0, 10, 6) in stored.reads
    assert stored.reads.index((0, 10, 6)) < stored.reads.index((8, 0, 0)), "it waits its turn"
    before = list(stored.reads)
    np.testing.assert_array_equal(
        looked.look(Box((8, 0, 0), (9, 5, 3)), 0, 0), stored.array[8:9, :5, :3]
    )
    assert stored.reads == before


def test_only_what_was_foreseen_last_is_kept_waiting() -> None:
    stored = Stored(array())
    looked = chunked(stored, workers=0)
    looked.foresee(Box((8, 0, 0), (9, 5, 3)), 0)
    looked.foresee(Box((8, 5, 0), (9, 10, 3)), 0)
    looked.look(Box((0, 0, 6), (1, 5, 9)), 0, 0)
    while looked._decoders.run_next():
        pass
    assert (8, 5, 0) in stored.reads
    assert (8, 0, 0) not in stored.reads


def test_of_a_plane_that_is_shown_coarser_the_coarser_pieces_are_foreseen() -> None:
    shape = (8, 40, 24)
    fine = Stored(array(shape=shape))
    coarse = Stored(fine.array[:, ::2, ::2])
    looked = chunked(fine, coarse, limit=5000, workers=0)  # no room for a plane of the finest level
    plane = Box((5, 0, 0), (6, 40, 24))
    looked.foresee(plane, 0)
    while looked._decoders.run_next():
        pass
    assert not fine.reads
    before = list(coarse.reads)
    assert before
    shown = looked.look(plane, 0, 0)
    np.testing.assert_array_equal(
        shown[0], fine.array[5, ::2, ::2].repeat(2, axis=0).repeat(2, axis=1)
    )
    assert (fine.reads, coarse.reads) == ([], before)


def test_layers_that_show_the_same_plane_share_it_until_it_is_written() -> None:
    stored = Stored(array())
    looked = chunked(stored, workers=0)
    plane = Box((2, 0, 0), (3, 14, 11))
    assert not looked.look(plane, 0, 0).any(), "nothing was there in time"
    while looked._decoders.run_next():
        pass
    shown = looked.look(plane, 0, 0)
    np.testing.assert_array_equal(shown, stored.array[2:3])
    assert looked.look(plane, 0, 0) is shown
    stored.array[2] += 1
    looked.forget(plane)
    while looked.waits or not np.array_equal(looked.look(plane, 0, 0), stored.array[2:3]):
        assert looked._decoders.run_next()
