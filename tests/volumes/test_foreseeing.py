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
