"""What turns fragments into what is seen, against plain loops over voxels."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_axonem.evaluation.cells import tabulate
from napari_axonem.evaluation.tables import CellTable, Contacts
from napari_axonem.geometry import Box, Grid
from napari_axonem.proofreading.tables.refinement import Refinement
from napari_axonem.volumes import Volume, reduce_block
from napari_axonem.widgets.picture.disagreement import FOREIGN, SPLIT_OFF, Disagreement
from napari_axonem.widgets.picture.overlay import (
    BLUE_SIDE,
    ERRORS,
    RED_SIDE,
    Overlay,
    border_of,
    width_at,
    write_coarse,
)
from napari_axonem.widgets.picture.planes import Planes
from napari_axonem.widgets.picture.tables import Marked, Table, looked_up

GRID = Grid((30.0, 8.0, 8.0))

SMALL_LABELS = arrays.arrays(np.uint32, (3, 4, 5), elements=st.integers(0, 5))


def volume(*levels: np.ndarray) -> Volume:
    factors = tuple(tuple(np.floor_divide(levels[0].shape, level.shape)) for level in levels)
    return Volume(levels, factors, GRID, "memory", "array")


def wrong(fragments, truth, segment, smallest, only=None) -> np.ndarray:
    """Return the code of every voxel by counting voxels."""
    ours = segment[fragments]
    known = (truth > 0) & (ours > 0)
    shared = Counter(zip(ours[known].tolist(), truth[known].tolist(), strict=True))

    def main(of: int, value: int) -> int:
        """Return the partner that shares most with `value`; ties go to the lower id."""
        sizes = {p[1 - of]: n for p, n in shared.items() if p[of] == value}
        return min(sizes, key=lambda partner: (-sizes[partner], partner))

    codes = np.zeros(fragments.shape, np.uint8)
    for at in np.argwhere(known):
        s, t = int(ours[tuple(at)]), int(truth[tuple(at)])
        if shared[s, t] < smallest or (only and (s not in only[0] or t not in only[1])):
            continue
        if main(0, s) != t:
            codes[tuple(at)] = FOREIGN
        elif main(1, t) != s:
            codes[tuple(at)] = SPLIT_OFF
    return codes


def members_in(segment: np.ndarray):
    """Return what gives the fragments of segments."""
    return lambda *names: np.flatnonzero(np.isin(segment, names))


@given(
    SMALL_LABELS,
    SMALL_LABELS,
    arrays.arrays(np.uint32, 6, elements=st.integers(1, 4)),
    st.integers(1, 6),
    st.booleans(),
)
def test_the_overlay_marks_what_disagrees(fragments, truth, segment, smallest, restricted) -> None:
    segment[0] = 0
    only = (frozenset({1, 2}), frozenset({1, 3})) if restricted else None
    table = tabulate(volume(fragments), volume(truth))
    found = Disagreement.of(table.cells, segment, smallest).marked(members_in(segment), only)
    overlay = Overlay(errors=found)
    volumes = Planes(volume(fragments)), Planes(volume(truth))
    wrong_ones = wrong(fragments, truth, segment, smallest, only)
    errors = np.where(wrong_ones > 0, wrong_ones + ERRORS, 0)
    np.testing.assert_array_equal(np.asarray(overlay.levels(*volumes)[0]), errors)
    overlay.codes = np.array([0, RED_SIDE], np.uint8)
    over = np.where(fragments == 1, RED_SIDE, errors)
    np.testing.assert_array_equal(np.asarray(overlay.levels(*volumes)[0]), over)
    assert not (np.asarray(overlay.levels(volumes[0])[0]) > ERRORS).any(), "without the truth"


@given(
    SMALL_LABELS,
    SMALL_LABELS,
    arrays.arrays(np.uint32, (2, 6), elements=st.integers(1, 4)),
    st.integers(1, 6),
)
def test_the_overlay_after_an_edit_is_that_made_anew(fragments, truth, segment, smallest) -> None:
    before, after = segment
    before[0] = after[0] = 0
    moved = before != after
    changed = frozenset(before[moved].tolist()) | frozenset(after[moved].tolist())
    cells = tabulate(volume(fragments), volume(truth)).cells
    begun = Disagreement.of(cells, before, smallest)
    followed = begun.after(cells, after, members_in(after), smallest, changed)
    anew = Disagreement.of(cells, after, smallest)
    np.testing.assert_array_equal(followed.code, anew.code)


def test_no_pair_is_marked_at_first() -> None:
    ids = np.ones((1, 2, 2), np.uint32)
    assert not Marked().lookup(ids, ids).any()


def test_a_new_table_shows_without_reading_again() -> None:
    class Counting:
        shape, dtype, reads = (2, 3, 4), np.dtype(np.uint32), 0

        def __getitem__(self, key):
            self.reads += 1
            return np.ones((2, 3, 4), np.uint32)[key]

    array, table = Counting(), Table(np.array([0, 7], np.uint32))
    planes = Planes(volume(array))
    (level,) = looked_up(planes, table)
    assert level[0].tolist() == [[7] * 4] * 3
    table.values = np.array([0, 9], np.uint32)
    assert level[0].tolist() == [[9] * 4] * 3
    assert array.reads == 1
    planes.forget()
    level[0]
    assert array.reads == 2


def refinement(mask: np.ndarray, corner, parent: int, child: int) -> Refinement:
    cells = tabulate(volume(np.ones((1, 1, 1), np.uint32))).cells
    empty = CellTable(cells, Contacts(*(np.empty(0) for _ in Contacts.__dataclass_fields__)))
    return Refinement(parent, child, corner, mask, empty)


def test_a_planned_cut_shows_at_all_scales() -> None:
    fine = np.ones((2, 8, 8), np.uint32)
    fine[:, 6:] = 3
    coarse = reduce_block(fine, (1, 2, 2), "labels")
    mask = np.zeros((2, 4, 4), np.bool_)
    mask[:, :, 2:] = True
    overlay = Overlay(
        np.array([0, RED_SIDE, BLUE_SIDE, 0], np.uint8), (refinement(mask, (0, 2, 2), 1, 2),)
    )
    levels = overlay.levels(Planes(volume(fine, coarse)))
    expected = np.full(fine.shape, RED_SIDE, np.uint8)
    expected[:, 2:6, 4:6] = BLUE_SIDE
    expected[:, 6:] = 0
    np.testing.assert_array_equal(np.asarray(levels[0]), expected)
    np.testing.assert_array_equal(np.asarray(levels[1]), expected[:, ::2, ::2])
    assert (fine[:, :6] == 1).all(), "nothing may be written by a preview"


def test_a_cut_elsewhere_changes_nothing() -> None:
    ids = np.ones((1, 2, 2), np.uint32)
    cut = refinement(np.ones((1, 1, 1), np.bool_), (5, 5, 5), 1, 2)
    write_coarse(ids, Box((0, 0, 0), (1, 2, 2)), cut, (1, 1, 1))
    assert (ids == 1).all()


def test_fragments_unknown_to_the_overlay_are_not_highlighted() -> None:
    overlay = Overlay()
    overlay.outline(2, [1, 2])
    ids = np.array([[[0, 1, 2, 3]]], np.uint32)
    (level,) = overlay.levels(Planes(volume(ids)))
    assert level[0, 0].tolist() == [0, 1, 1, 0]


@given(arrays.arrays(np.bool_, (1, 9, 11)), st.integers(1, 3))
def test_an_outline_is_what_is_near_something_else(there, width) -> None:
    border = border_of(there.astype(np.uint8), (1, width, width))
    edge = np.pad(there[0], width, mode="edge")
    inner = np.ones(there.shape[1:], bool)
    for y, x in np.ndindex(2 * width + 1, 2 * width + 1):
        if abs(y - width) + abs(x - width) <= width:
            inner &= edge[y : y + there.shape[1], x : x + there.shape[2]]
    np.testing.assert_array_equal(border[0], (there[0] & ~inner).astype(np.uint8))


@given(arrays.arrays(np.bool_, (6, 1, 11)))
def test_an_outline_is_narrow_along_long_voxels(there) -> None:
    border = border_of(there.astype(np.uint8), (1, 2, 2))
    along_x = border_of(there.astype(np.uint8), (0, 2, 2))
    along_z = border_of(there.astype(np.uint8), (1, 0, 0))
    assert not ((along_x | along_z) & ~border).any()
    assert width_at((40.0, 8.0, 8.0), (1, 1, 1)) == (1, 2, 2)
    assert width_at((40.0, 8.0, 8.0), (1, 4, 4)) == (2, 2, 2)
    assert width_at((40.0, 8.0, 8.0), (1, 16, 16)) == (2, 1, 1)
