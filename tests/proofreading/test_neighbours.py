"""Neighbours of an object: the same as counting faces in the voxels."""

import numpy as np

from napari_axonem.geometry import Grid
from napari_axonem.proofreading.neighbours import neighbours_of
from napari_axonem.proofreading.tables.edges import Edges
from napari_axonem.proofreading.tables.graph import FragmentGraph

GRID = Grid((30.0, 8.0, 8.0), (300.0, 0.0, 0.0))


def graph() -> FragmentGraph:
    """Fragments 1 and 2 are one object; it touches 3 twice, 4 once and 5 across a gap."""
    rows = [
        # u, v, area, affinity, on
        (1, 2, 50, 0.9, True),
        (1, 3, 10, 0.2, False),
        (1, 5, 0, np.nan, False),
        (2, 3, 30, 0.6, False),
        (2, 4, 60, np.nan, False),
        (3, 4, 99, 0.5, False),
    ]
    u, v, area, affinity, on = (np.array(column) for column in zip(*rows, strict=True))
    at = np.stack([np.zeros(6), u, v], axis=1).astype(np.int32)
    edges = Edges(
        u.astype(np.uint32),
        v.astype(np.uint32),
        area,
        affinity.astype(np.float32),
        at,
        at + np.array([1, 0, 0], np.int32),
        on,
    )
    return FragmentGraph(edges, np.array([0, 100, 90, 80, 70, 60]))


def test_contacts_of_all_fragments_are_summed_up() -> None:
    found = neighbours_of(graph(), 1, GRID)
    assert found.segment.tolist() == [4, 3, 5], "the largest contact first"
    assert found.area.tolist() == [60, 40, 0]
    np.testing.assert_allclose(found.affinity, [np.nan, 0.5, np.nan])
    assert found.row_of(3) == 1
    assert found.row_of(2) is None, "a part of the object itself"


def test_the_place_is_that_of_the_largest_contact() -> None:
    found = neighbours_of(graph(), 1, GRID)
    own, other = found.sides(1)
    assert own == (315.0, 20.0, 28.0)
    assert other == (345.0, 20.0, 28.0)
    assert found.place(1) == (330.0, 20.0, 28.0)
    turned = neighbours_of(graph(), 3, GRID)
    own, other = turned.sides(turned.row_of(1))
    assert own == (345.0, 20.0, 28.0), "seen from the other side"
    assert other == (315.0, 20.0, 28.0)


def test_the_background_and_what_is_alone_have_none() -> None:
    assert len(neighbours_of(graph(), 0, GRID)) == 0
    alone = Edges.made_by_hand({1: (0, 0, 0), 2: (0, 0, 1)}, on=True)
    assert len(neighbours_of(FragmentGraph(alone, np.array([0, 2, 1])), 1, GRID)) == 0
