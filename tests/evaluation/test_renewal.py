"""The rows of a few fragments, tabulated from their own voxels."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_axonem.evaluation.cells import tabulate
from napari_axonem.evaluation.renewal import tabulate_fragments
from napari_axonem.evaluation.replacement import part_of
from napari_axonem.evaluation.tables import CellTable
from napari_axonem.geometry import Grid
from napari_axonem.volumes import Volume

SIZE = (30.0, 8.0, 8.0)


def in_memory(array: np.ndarray) -> Volume:
    """Return an array as a volume."""
    return Volume((array,), ((1, 1, 1),), Grid(SIZE), "memory", "array")


def rows(table: CellTable, fragments: tuple[int, ...]) -> list[tuple[object, ...]]:
    """Return what voxels say of the cells of some fragments and of all contacts."""
    cells, contacts = table.cells, table.contacts
    ours = np.isin(cells.fragment, fragments)
    columns = (cells.fragment, cells.truth, cells.voxels, cells.start, cells.stop)
    found: list[tuple[object, ...]] = list(zip(*(c[ours].tolist() for c in columns), strict=True))
    names = list(zip(cells.fragment.tolist(), cells.truth.tolist(), strict=True))
    for a, b, area, affinity in zip(
        contacts.cell_a, contacts.cell_b, contacts.area, contacts.affinity, strict=True
    ):
        found.append((names[a], names[b], int(area), None if np.isnan(affinity) else affinity))
    return found


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 5), st.integers(1, 8), st.integers(1, 9)),
    with_truth=st.booleans(),
    with_affinities=st.booleans(),
)
def test_it_equals_the_table_of_everything(
    seed: int, shape: tuple[int, int, int], with_truth: bool, with_affinities: bool
) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 5, shape).astype(np.uint32)
    labels[0, 0, 0] = 3
    truth = random.integers(0, 3, shape).astype(np.uint32) if with_truth else None
    affinities = random.random((3, *shape), dtype=np.float32) if with_affinities else None
    known = None if truth is None else in_memory(truth)
    ours = (2, 3)
    everything = part_of(tabulate(in_memory(labels), known, affinities), ours)
    renewed = tabulate_fragments(labels, truth, affinities, ours, SIZE)
    assert rows(renewed, ours) == rows(everything, ours)
    _points_lie_where_they_should(renewed, labels, truth, ours)


def _points_lie_where_they_should(
    table: CellTable, labels: np.ndarray, truth: np.ndarray | None, ours: tuple[int, ...]
) -> None:
    cells, contacts = table.cells, table.contacts
    known = np.zeros(labels.shape, np.uint32) if truth is None else truth
    for row in np.flatnonzero(np.isin(cells.fragment, ours)).tolist():
        at = tuple(cells.point[row])
        assert (labels[at], known[at]) == (cells.fragment[row], cells.truth[row])
    for column, cell in ((contacts.point, contacts.cell_a), (contacts.facing, contacts.cell_b)):
        places = tuple(column.T)
        assert np.array_equal(labels[places], cells.fragment[cell])
        assert np.array_equal(known[places], cells.truth[cell])


def test_columns_are_those_of_any_table() -> None:
    """They are put in place of the rows of another table, so that their types are the same."""
    labels = np.array([[[1, 1, 2, 0, 3]]], np.uint32)
    renewed = tabulate_fragments(labels, None, None, (1,), SIZE)
    whole = tabulate(in_memory(labels))
    for mine, theirs in ((renewed.cells, whole.cells), (renewed.contacts, whole.contacts)):
        for field in fields(mine):
            assert getattr(mine, field.name).dtype == getattr(theirs, field.name).dtype


def test_deep_points_of_large_boxes_are_looked_for_with_gaps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("napari_axonem.evaluation.renewal.DEPTH_VOXELS", 300)
    labels = np.ones((21, 21, 21), np.uint32)
    labels[0, 0, 0] = 2  # between those looked at, in a box with a margin
    renewed = tabulate_fragments(labels, None, None, (1, 2), SIZE)
    deep, only = renewed.cells.point.tolist()
    assert min(deep) >= 2
    assert only == [0, 0, 0]
