"""Looking at volumes through the cache, against plain arrays."""

import gc
import subprocess
import sys
from threading import Event, Lock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import block_reduce

from napari_axonem.errors import AxonemError
from napari_axonem.geometry import Box, Grid
from napari_axonem.volumes import Volume, reduce_block
from napari_axonem.volumes.looking.chunkcache import ChunkCache
from napari_axonem.volumes.looking.chunked import ChunkedVolume
from napari_axonem.volumes.looking.decoding import Decoders
from napari_axonem.volumes.looking.lattice import Lattice
from napari_axonem.volumes.looking.pieces import RETRY_S
from napari_axonem.volumes.looking.scaled import with_levels

SHAPE = (9, 14, 11)
CHUNK = (4, 5, 3)
GRID = Grid((40.0, 8.0, 8.0))


class Stored:
    """An array in chunks that counts what is read, and can be damaged or slow."""

    def __init__(self, array: np.ndarray, chunks=CHUNK) -> None:
        self.array, self.chunks = array, chunks
        self.shape, self.dtype = array.shape, array.dtype
        self.reads: list[tuple[int, int, int]] = []
        self.damaged: set[tuple[int, int, int]] = set()
        self.lock = Lock()
        self.ready = Event()
        self.ready.set()

    def __getitem__(self, key) -> np.ndarray:
        start = tuple(k.start for k in key)
        with self.lock:
            self.reads.append(start)
        self.ready.wait()
        if start in self.damaged:
            raise OSError("a bad sector")
        return self.array[key].copy()


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take chunks as they are, however small."""
    monkeypatch.setattr("napari_axonem.volumes.looking.lattice.LEAST_BYTES", 1)


def array(seed: int = 0, shape=SHAPE) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 2**31, shape, dtype=np.uint32)


def volume(*levels: object) -> Volume:
    factors = tuple(
        tuple(-(-a // b) for a, b in zip(levels[0].shape, v.shape, strict=True)) for v in levels
    )
    return Volume(levels, factors, GRID, "memory", "array")


def chunked(*levels: object, limit: int = 10**6, workers: int = 2, **more: object) -> ChunkedVolume:
    whole = levels[0] if isinstance(levels[0], Volume) else volume(*levels)
    return ChunkedVolume(whole, cache=ChunkCache(limit), decoders=Decoders(workers), **more)


def boxes(shape=SHAPE) -> st.SearchStrategy[Box]:
    axes = [st.tuples(st.integers(0, n - 1), st.integers(1, n)) for n in shape]
    return st.tuples(*axes).map(
        lambda spans: Box(
            tuple(min(a, b - 1) for a, b in spans), tuple(max(a + 1, b) for a, b in spans)
        )
    )


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(["read", "look", "write", "forget"]), boxes()), max_size=12),
    st.sampled_from([1, 500, 1500, 10**6]),
)
def test_any_sequence_of_reads_and_writes_shows_what_is_there(steps, limit) -> None:
    stored = Stored(array())
    looked, number = chunked(stored, limit=limit), 0
    for what, box in steps:
        if what == "read":
            np.testing.assert_array_equal(looked.read(box), stored.array[box.slices])
        elif what == "look":
            np.testing.assert_array_equal(looked.look(box, 0, 60), stored.array[box.slices])
        elif what == "write":
            number += 1
            stored.array[box.slices] = number
            looked.forget(box)
        else:
            looked.forget()
        assert looked._cache.bytes <= limit
    looked._decoders.end()


def plane(z: int) -> Box:
    return Box((z, 0, 0), (z + 1, *SHAPE[1:]))


def test_each_chunk_is_decoded_once() -> None:
    stored = Stored(array())
    looked = chunked(stored)
    for z in (0, 1, 2, 3):
        looked.read(plane(z))
    assert sorted(stored.reads) == [(0, y, x) for y in (0, 5, 10) for x in (0, 3, 6, 9)]


def test_what_comes_next_is_fetched_ahead_and_nothing_else() -> None:
    stored = Stored(array())
    looked = chunked(stored, workers=0)

    def look(z: int) -> None:
        looked.look(plane(z), 0, 0)
        while looked._decoders.run_next():
            pass

    look(0)
    assert {z for z, _, _ in stored.reads} == {0}, "no movement, and the next chunk is far"
    look(1)
    assert {z for z, _, _ in stored.reads} == {0, 4}, "the next one in the direction of movement"
    before = len(stored.reads)
    for z in (2, 3, 4):
        look(z)
    assert {z for z, _, _ in stored.reads[before:]} == {8}


@pytest.mark.parametrize(
    ("before", "at", "expected"),
    [
        (None, 20, []),  # in the middle of a chunk of 16
        (None, 30, [32]),
        (None, 17, [15]),
        (22, 23, []),
        (23, 24, [32]),
        (24, 23, [15]),
        (500, 24, []),  # a jump says nothing of a direction
        (736, 737, [752]),
        (751, 752, []),  # the last section
    ],
)
def test_where_the_next_chunk_begins(before, at, expected) -> None:
    lattice = Lattice((753, 64, 64), (16, 32, 32))
    planes = [None if z is None else Box((z, 0, 0), (z + 1, 64, 64)) for z in (before, at)]
    if before == 736:
        planes[0], planes[1] = (Box((z + 8, 0, 0), (z + 9, 64, 64)) for z in (736, 737))
    assert [box.start[0] for box in lattice.next_boxes(planes[1], planes[0])] == expected


def test_single_sections_are_fetched_several_ahead() -> None:
    lattice = Lattice((100, 64, 64), (1, 32, 32))
    at, before = (Box((z, 0, 0), (z + 1, 64, 64)) for z in (10, 11))
    assert [b.start[0] for b in lattice.next_boxes(at, before)] == [9, 8, 7, 6]


def test_a_moved_view_fetches_what_it_moves_towards() -> None:
    lattice = Lattice((16, 256, 256), (16, 32, 32))
    before, at = (Box((3, 64, x), (4, 128, x + 64)) for x in (64, 96))
    (strip,) = lattice.next_boxes(at, before)
    assert strip == Box((3, 64, 160), (4, 128, 161))
    assert lattice.next_boxes(Box((0, 0, 0), (4, 8, 8)), None) == [], "no plane"


def test_what_is_late_is_shown_coarser_and_comes_later() -> None:
    fine, coarse = (
        Stored(array(shape=(4, 16, 16)), (4, 8, 8)),
        Stored(array(1, (4, 4, 4)), (4, 4, 4)),
    )
    arrived = Event()
    looked = chunked(fine, coarse, arrived=arrived.set)
    looked.read(Box((0, 0, 0), (4, 4, 4)), 1)
    looked.read(Box((0, 0, 0), (1, 8, 8)))  # one of four pieces is there
    fine.ready.clear()
    box = Box((1, 0, 0), (2, 16, 16))
    shown = looked.look(box, 0, 0.01)
    expected = np.repeat(np.repeat(coarse.array[1:2], 4, 1), 4, 2)
    expected[:, :8, :8] = fine.array[1:2, :8, :8]
    np.testing.assert_array_equal(shown, expected)
    assert looked.waits
    fine.ready.set()
    assert arrived.wait(30)
    np.testing.assert_array_equal(looked.look(box, 0, 60), fine.array[box.slices])
    assert not looked.waits


def test_nothing_coarser_is_shown_as_background() -> None:
    stored = Stored(array())
    stored.ready.clear()
    looked = chunked(stored)
    assert not looked.look(plane(0), 0, 0.01).any()
    stored.ready.set()


def test_a_view_that_was_left_is_not_waited_for() -> None:
    stored = Stored(array())
    looked = chunked(stored, workers=0)
    looked.look(plane(0), 0, 0)
    looked.look(plane(8), 0, 0)
    while looked._decoders.run_next():
        pass
    assert [z for z, _, _ in stored.reads[:12]] == [8] * 12
    assert not any(z == 0 for z, _, _ in stored.reads)
    assert not looked.waits


def test_a_reader_that_waits_is_not_harmed_by_who_looks_elsewhere() -> None:
    stored = Stored(array())
    looked = chunked(stored, workers=1)
    for z in range(9):
        looked.look(plane(8 - z), 0, 0)
        np.testing.assert_array_equal(looked.read(plane(z)), stored.array[z : z + 1])


def test_a_plane_that_has_no_room_is_shown_coarser() -> None:
    fine, coarse = (
        Stored(array(shape=(4, 16, 16)), (4, 8, 8)),
        Stored(array(1, (4, 8, 8)), (4, 8, 8)),
    )
    looked = chunked(fine, coarse, limit=7000)
    whole = Box((1, 0, 0), (2, 16, 16))
    shown = looked.look(whole, 0, 60)
    np.testing.assert_array_equal(shown, np.repeat(np.repeat(coarse.array[1:2], 2, 1), 2, 2))
    part = Box((1, 0, 0), (2, 8, 16))
    np.testing.assert_array_equal(looked.look(part, 0, 60), fine.array[part.slices])
    np.testing.assert_array_equal(looked.read(whole), fine.array[whole.slices])


def test_a_damaged_chunk_is_background_is_told_once_and_tried_again() -> None:
    stored, told, now = Stored(array()), [], [0.0]
    stored.damaged.add((0, 5, 3))
    looked = chunked(stored, report=told.append, clock=lambda: now[0])
    expected = stored.array.copy()
    expected[0:4, 5:10, 3:6] = 0
    for _ in range(2):
        np.testing.assert_array_equal(looked.read(plane(1)), expected[1:2])
        np.testing.assert_array_equal(looked.look(plane(2), 0, 60), expected[2:3])
    assert len(told) == 1
    assert isinstance(told[0], AxonemError)
    assert "(0, 5, 3)" in str(told[0])
    assert stored.reads.count((0, 5, 3)) == 1
    now[0] += RETRY_S + 1
    looked.read(plane(1))
    assert stored.reads.count((0, 5, 3)) == 2
    assert len(told) == 1, "what was told is not told again"
    stored.damaged.clear()
    now[0] += RETRY_S + 1
    np.testing.assert_array_equal(looked.read(plane(1)), stored.array[1:2])


def test_a_made_level_is_tried_again_where_a_finer_chunk_was_damaged() -> None:
    stored, now = Stored(array(shape=(4, 40, 40)).astype(np.uint8), (4, 5, 5)), [0.0]
    stored.damaged.add((0, 5, 5))
    looked = chunked(with_levels(volume(stored), "labels", 10), clock=lambda: now[0])
    whole, coarsest = Box((1, 0, 0), (2, 10, 10)), 2
    spoilt = stored.array.copy()
    spoilt[:, 5:10, 5:10] = 0
    np.testing.assert_array_equal(looked.read(whole, coarsest), spoilt[1:2, ::4, ::4])
    stored.damaged.clear()
    reads = len(stored.reads)
    np.testing.assert_array_equal(looked.read(whole, coarsest), spoilt[1:2, ::4, ::4])
    assert len(stored.reads) == reads, "not before some time has passed"
    now[0] += RETRY_S + 1
    np.testing.assert_array_equal(looked.read(whole, coarsest), stored.array[1:2, ::4, ::4])
    reads = len(stored.reads)
    now[0] += RETRY_S + 1
    looked.read(whole, coarsest)
    assert len(stored.reads) == reads, "what is whole is kept"


def test_a_remote_that_goes_away_leaves_what_was_seen() -> None:
    stored, told = Stored(array()), []
    looked = chunked(stored, report=told.append)
    looked.read(plane(0))
    stored.damaged = {(z, y, x) for z in (4, 8) for y in (0, 5, 10) for x in (0, 3, 6, 9)}
    assert not looked.read(plane(5)).any()
    np.testing.assert_array_equal(looked.read(plane(1)), stored.array[1:2])
    assert len(told) == 12


def test_the_chunks_of_a_closed_volume_are_given_up() -> None:
    cache = ChunkCache(10**6)
    looked = ChunkedVolume(volume(Stored(array())), cache=cache, decoders=Decoders(1))
    looked.read(plane(0))
    assert cache.bytes
    looked._decoders.end()
    for thread in looked._decoders._threads:
        thread.join()
    del looked
    gc.collect()
    assert cache.bytes == 0


@pytest.mark.parametrize("kind", ["image", "labels"])
@pytest.mark.parametrize("limit", [2000, 10**6])
def test_made_levels_are_those_made_by_hand(kind, limit) -> None:
    stored = Stored(array(shape=(5, 37, 50)).astype(np.uint8), (4, 8, 8))
    lazy = with_levels(volume(stored), kind, largest=10)
    assert [level.shape for level in lazy.levels] == [
        (5, 37, 50),
        (5, 19, 25),
        (5, 10, 13),
        (5, 5, 7),
    ]
    assert lazy.factors[-1] == (1, 8, 8)
    looked = ChunkedVolume(lazy, cache=ChunkCache(limit), decoders=Decoders(2))
    expected = stored.array
    for level in range(1, 4):
        expected = (
            expected[:, ::2, ::2]
            if kind == "labels"
            else reduce_block(expected, (1, 2, 2), "image")
        )
        np.testing.assert_array_equal(lazy.levels[level][:, :, :], expected)
        np.testing.assert_array_equal(looked.read(Box.of_shape(expected.shape), level), expected)
        one = Box((2, 1, 2), (3, 4, 5))
        np.testing.assert_array_equal(looked.read(one, level), expected[one.slices])
        np.testing.assert_array_equal(lazy.read(one, level), expected[one.slices])


def test_made_levels_average_an_image() -> None:
    image = np.random.default_rng(0).integers(0, 255, (2, 16, 16), dtype=np.uint8)
    lazy = with_levels(volume(Stored(image, (1, 8, 8))), "image", largest=8)
    means = block_reduce(image.astype(float), (1, 2, 2), np.mean)
    np.testing.assert_allclose(lazy.levels[1][:, :, :], means, atol=0.5)


def test_a_plane_of_a_made_level_needs_its_sections_only() -> None:
    stored = Stored(array(shape=(6, 32, 32)), (1, 8, 8))
    lazy = with_levels(volume(stored), "labels", largest=8)
    looked = ChunkedVolume(lazy, cache=ChunkCache(10**6), decoders=Decoders(2))
    looked.read(Box((3, 0, 0), (4, 8, 8)), 2)
    assert {z for z, _, _ in stored.reads} == {3}
    before = len(stored.reads)
    looked.read(Box((3, 0, 0), (4, 16, 16)), 1)
    assert len(stored.reads) == before, "the level between was kept"


def test_a_pyramid_that_is_there_is_used() -> None:
    there = volume(Stored(array(shape=(4, 16, 16))), Stored(array(shape=(4, 8, 8))))
    assert with_levels(there, "image", largest=8) is there


def test_small_chunks_are_taken_together_and_huge_ones_cut() -> None:
    class Shape:
        dtype = np.dtype(np.uint8)

        def __init__(self, shape, chunks) -> None:
            self.shape, self.chunks = shape, chunks

    cells = pytest.MonkeyPatch()
    cells.setattr("napari_axonem.volumes.looking.lattice.LEAST_BYTES", 2**17)
    assert Lattice.of(Shape((9, 4096, 4096), (1, 64, 64))).cell == (1, 256, 512)
    assert Lattice.of(Shape((900, 4096, 4096), (900, 1024, 1024))).cell == (1, 1024, 1024)
    assert Lattice.of(Shape((9, 4096, 4096), None)).cell == (1, 512, 512)
    assert Lattice.of(Shape((9, 100, 90), (1, 10, 10))).cell == (1, 100, 90)
    cells.undo()


UNFINISHED = """
import threading
import numpy as np
from napari_axonem.geometry import Box, Grid
from napari_axonem.volumes import Volume
from napari_axonem.volumes.looking.chunked import ChunkedVolume

class Hanging:
    shape, dtype, chunks = (4, 512, 512), np.dtype(np.uint8), (1, 512, 512)

    def __getitem__(self, key):
        threading.Event().wait()

volume = Volume((Hanging(),), ((1, 1, 1),), Grid((1.0, 1.0, 1.0)), "https://gone", "array")
looked = ChunkedVolume(volume)
print(looked.look(Box((0, 0, 0), (1, 512, 512)), 0, 0.01).any(), looked.waits)
"""


def test_a_program_ends_although_a_remote_hangs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNFINISHED], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("False True\n", "", 0)
