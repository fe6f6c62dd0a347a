import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_axonem.errors import MismatchError, VolumeError
from napari_axonem.evaluation import grouping
from napari_axonem.evaluation.cells import tabulate
from napari_axonem.evaluation.parts import voi_of
from napari_axonem.geometry import Box, Grid
from tests.evaluation.voxel_oracles import (
    as_volume,
    block_shapes,
    cell_voxels,
    contact_faces,
    labelled,
)


@st.composite
def boxes_in(draw, shape):
    start = [draw(st.integers(0, n - 1)) for n in shape]
    stop = [draw(st.integers(a + 1, n)) for a, n in zip(start, shape, strict=True)]
    return Box(tuple(start), tuple(stop))


def names_of(cells):
    return list(zip(cells.fragment.tolist(), cells.truth.tolist(), strict=True))


def pairs_of(table):
    names = names_of(table.cells)
    rows = zip(table.contacts.cell_a.tolist(), table.contacts.cell_b.tolist(), strict=True)
    return [(names[a], names[b]) for a, b in rows]


def assert_cells(cells, voxels):
    names = names_of(cells)
    assert names == sorted(voxels)
    for row, name in enumerate(names):
        inside = np.array(voxels[name])
        assert cells.voxels[row] == len(inside)
        assert cells.start[row].tolist() == inside.min(axis=0).tolist()
        assert cells.stop[row].tolist() == (inside.max(axis=0) + 1).tolist()
        assert tuple(cells.point[row].tolist()) in voxels[name]


def assert_contacts(table, touching, across):
    contacts = table.contacts
    assert pairs_of(table) == sorted([*touching, *across])
    for row, pair in enumerate(pairs_of(table)):
        faces = touching.get(pair, set())
        assert contacts.area[row] == len(faces)
        ends = tuple(contacts.point[row].tolist()), tuple(contacts.facing[row].tolist())
        assert ends in {face[:2] for face in (faces or across[pair])}


@given(st.data())
def test_cells_and_contacts_equal_those_of_single_voxels(data):
    fragments, truth = data.draw(labelled())
    box = data.draw(st.none() | boxes_in(fragments.shape))
    gap = data.draw(st.integers(0, 3))
    table = tabulate(
        as_volume(fragments),
        as_volume(truth),
        box=box,
        gap_voxels=gap,
        block_shape=data.draw(block_shapes),
    )
    assert_cells(table.cells, cell_voxels(fragments, truth, box))
    assert_contacts(table, *contact_faces(fragments, truth, gap, box))


@given(st.data())
def test_tables_are_the_same_whatever_the_blocks(data):
    fragments, truth = (as_volume(array) for array in data.draw(labelled()))
    seed = data.draw(st.integers(0, 2**32 - 1))
    affinities = np.random.default_rng(seed).random((3, *fragments.shape), np.float32) ** 9
    one, other = (
        tabulate(fragments, truth, affinities, block_shape=data.draw(block_shapes))
        for _ in range(2)
    )
    for name in ("fragment", "truth", "voxels", "start", "stop"):
        assert np.array_equal(getattr(one.cells, name), getattr(other.cells, name)), name
    for name in ("cell_a", "cell_b", "area", "affinity"):
        same = np.array_equal(
            getattr(one.contacts, name), getattr(other.contacts, name), equal_nan=True
        )
        assert same, name


@given(st.data())
def test_affinity_is_the_mean_over_the_faces(data):
    fragments, truth = data.draw(labelled())
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    as_float = rng.random((3, *fragments.shape), np.float32)
    as_bytes = rng.integers(0, 256, as_float.shape, np.uint8)
    touching, _ = contact_faces(fragments, truth)
    for affinities, unit in ((as_float, 1), (as_bytes, 255), (as_float.astype(np.float16), 1)):
        table = tabulate(
            as_volume(fragments), as_volume(truth), affinities, block_shape=data.draw(block_shapes)
        )
        for row, pair in enumerate(pairs_of(table)):
            faces = touching.get(pair, set())
            values = [float(affinities[(axis, *upper)]) / unit for *_, axis, upper in faces]
            expected = np.mean(values) if values else np.nan
            assert table.contacts.affinity[row] == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_without_truth_and_affinities_cells_are_fragments():
    fragments = np.array([[[1, 1, 0, 2, 2, 3]]], np.uint8)
    table = tabulate(as_volume(fragments), gap_voxels=0)
    assert names_of(table.cells) == [(0, 0), (1, 0), (2, 0), (3, 0)]
    assert pairs_of(table) == [((2, 0), (3, 0))]
    assert np.isnan(table.contacts.affinity).all()


def test_types_are_those_that_are_promised():
    table = tabulate(as_volume(np.array([[[1, 1, 0, 2, 2, 3]]], np.int16)))
    types = {name: getattr(table.cells, name).dtype for name in ("fragment", "truth", "voxels")}
    assert types == {"fragment": np.uint32, "truth": np.uint32, "voxels": np.int64}
    for points in (table.cells.start, table.cells.stop, table.cells.point):
        assert (points.dtype, points.shape) == (np.int32, (4, 3))
    contacts = table.contacts
    assert contacts.cell_a.dtype == contacts.cell_b.dtype == contacts.area.dtype == np.int64
    assert (contacts.affinity.dtype, contacts.point.dtype) == (np.float32, np.int32)


def test_a_contact_across_background_gives_way_to_a_true_one():
    fragments = np.array([[[1, 0, 2], [1, 2, 2]]], np.uint32)
    table = tabulate(as_volume(fragments), gap_voxels=1)
    assert table.contacts.area.tolist() == [1]
    assert table.contacts.point.tolist() == [[0, 1, 0]]
    assert table.contacts.facing.tolist() == [[0, 1, 1]]


@pytest.mark.parametrize(("gap", "pairs"), [(0, 0), (1, 0), (2, 1), (3, 1)])
def test_background_is_bridged_up_to_its_width(gap, pairs):
    fragments = np.array([[[4, 0, 0, 9]]], np.uint32)
    for turned in (fragments, fragments.transpose(0, 2, 1), fragments.transpose(2, 0, 1)):
        table = tabulate(as_volume(turned), gap_voxels=gap, block_shape=(2, 2, 2))
        assert len(table.contacts) == pairs


def test_points_lie_deep_inside_and_in_the_middle_of_contacts():
    fragments = np.zeros((7, 7, 14), np.uint32)
    fragments[:, :, :7], fragments[:, :, 7:] = 3, 8
    table = tabulate(as_volume(fragments, Grid((10.0, 10.0, 10.0))))
    assert table.cells.point.tolist() == [[3, 3, 3], [3, 3, 10]]
    assert table.contacts.point.tolist() == [[3, 3, 6]]
    assert table.contacts.facing.tolist() == [[3, 3, 7]]


def test_depth_is_measured_in_nm():
    fragments = np.zeros((3, 5, 21), np.uint32)
    fragments[:, :, :5] = 4  # 3 x 5 x 5 voxels, joined to a bar of one section
    fragments[1, 2, 5:] = 4
    for size, depth in (((30.0, 8.0, 8.0), 20.0), ((8.0, 30.0, 30.0), 12.0)):
        block = as_volume(fragments, Grid(size))
        assert tabulate(block).cells.point[1].tolist() == [1, 2, 2], depth
    # sections so thick that only the outline within a section counts: as deep in all three
    wall = np.full((3, 7, 7), 2, np.uint32)
    assert tabulate(as_volume(wall, Grid((900.0, 8.0, 8.0)))).cells.point.tolist() == [[1, 3, 3]]


def test_the_point_of_the_largest_contact_of_all_blocks_is_kept():
    fragments = np.ones((1, 4, 10), np.uint32)
    fragments[:, 2:] = 2
    fragments[:, :, [0, 6]] = 0  # leaves 2, 3, 2 and 1 faces in blocks of 3 voxels
    for axes in ((0, 1, 2), (0, 2, 1), (2, 1, 0)):
        turned = fragments.transpose(axes)
        shape = tuple(np.array([1, 4, 3])[list(axes)].tolist())
        contacts = tabulate(as_volume(turned), block_shape=shape, gap_voxels=0).contacts
        assert contacts.area.tolist() == [8]
        assert contacts.point[0].tolist() == np.array([0, 1, 4])[list(axes)].tolist()


def test_the_deepest_point_of_all_blocks_is_kept():
    fragments = np.zeros((4, 5, 10), np.uint32)
    fragments[:, 2, :5] = fragments[:, :, 5:] = 1
    for turned, blocks in ((fragments, (4, 5, 5)), (fragments[:, :, ::-1], (4, 5, 5))):
        table = tabulate(as_volume(turned, Grid((8.0, 8.0, 8.0))), block_shape=blocks)
        z, y, x = table.cells.point[1].tolist()
        assert turned[z, y - 1, x - 1] == turned[z, y + 1, x + 1] == 1, "in the thin half"


def test_many_blocks_are_merged_on_the_way(monkeypatch):
    monkeypatch.setattr(grouping, "FOLD_ROWS", 5)
    rng = np.random.default_rng(4)
    fragments = rng.integers(0, 5, (6, 6, 6), dtype=np.uint32)
    truth = rng.integers(0, 3, (6, 6, 6), dtype=np.uint32)
    table = tabulate(as_volume(fragments), as_volume(truth), block_shape=(2, 2, 2))
    assert_cells(table.cells, cell_voxels(fragments, truth))
    assert_contacts(table, *contact_faces(fragments, truth, 2))


def test_a_renewed_box_holds_what_the_whole_table_says_of_it():
    fragments = np.zeros((4, 8, 8), np.uint32)
    fragments[:, 2:5, 2:5], fragments[:, 2:5, 5:7] = 6, 7
    inner = Box((0, 1, 1), (4, 6, 8))
    whole, part = (tabulate(as_volume(fragments), box=box) for box in (None, inner))
    assert part.cells.voxels[1:].tolist() == whole.cells.voxels[1:].tolist()
    assert part.contacts.area.tolist() == whole.contacts.area.tolist() == [12]


def test_restricting_keeps_contacts_between_the_cells_that_stay():
    fragments = np.array([[[1, 2, 3, 4]]], np.uint32)
    table = tabulate(as_volume(fragments), gap_voxels=0)
    kept = table.restrict(np.array([False, True, True, True]))
    assert names_of(kept.cells) == [(2, 0), (3, 0), (4, 0)]
    assert pairs_of(kept) == [((2, 0), (3, 0)), ((3, 0), (4, 0))]


def test_what_cannot_be_tabulated_is_refused():
    ones = as_volume(np.ones((1, 2, 2), np.uint32))
    with pytest.raises(MismatchError, match=r"\(1, 2, 2\) and \(1, 2, 3\)"):
        tabulate(ones, as_volume(np.ones((1, 2, 3), np.uint32)))
    with pytest.raises(MismatchError, match="nm"):
        tabulate(ones, as_volume(np.ones((1, 2, 2), np.uint32), Grid((9.0, 9.0, 9.0))))
    with pytest.raises(VolumeError, match=f"id {2**32} does not fit"):
        tabulate(as_volume(np.full((1, 1, 1), 2**32)))
    with pytest.raises(VolumeError, match="not labels"):
        tabulate(as_volume(np.ones((1, 1, 1), np.float32)))
    with pytest.raises(VolumeError, match="not inside"):
        tabulate(ones, box=Box((0, 0, 0), (1, 2, 3)))


def test_affinities_that_do_not_fit_are_refused():
    pair = as_volume(np.array([[[1, 2]]], np.uint32))
    with pytest.raises(MismatchError, match=r"\(2, 1, 1, 2\), \(3, 1, 1, 2\) is needed"):
        tabulate(pair, affinities=np.zeros((2, 1, 1, 2), np.float32))
    with pytest.raises(VolumeError, match="int32 of affinities"):
        tabulate(pair, affinities=np.zeros((3, 1, 1, 2), np.int32))
    for bad in (1.5, -0.1, np.nan):
        with pytest.raises(VolumeError, match="outside of 0 to 1"):
            tabulate(pair, affinities=np.full((3, 1, 1, 2), bad, np.float32))


def test_progress_may_stop_the_work():
    def stop(done, total, doing):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tabulate(as_volume(np.ones((4, 4, 4), np.uint8)), progress=stop, block_shape=(2, 2, 2))


@pytest.fixture(scope="module")
def fly_tables(fib25):
    """Tables of the supervoxels of the fly block, in two shapes of blocks, and its labels."""
    with h5py.File(fib25) as file:
        labels = file["watershed"][:], file["gt"][:]
    volumes = [as_volume(array, Grid((10.0, 10.0, 10.0))) for array in labels]
    return [tabulate(*volumes, block_shape=b) for b in ((250,) * 3, (64, 90, 256))], *labels


def test_the_fly_block_gives_one_table_whatever_the_blocks(fly_tables):
    (one, other), fragments, truth = fly_tables
    assert one.cells.voxels.sum() == fragments.size
    for name in ("fragment", "truth", "voxels", "start", "stop"):
        assert np.array_equal(getattr(one.cells, name), getattr(other.cells, name))
    for name in ("cell_a", "cell_b", "area"):
        assert np.array_equal(getattr(one.contacts, name), getattr(other.contacts, name))
    for table in (one, other):
        cells, contacts = table.cells, table.contacts
        for rows, points in (
            (np.arange(len(cells)), cells.point),
            (contacts.cell_a, contacts.point),
            (contacts.cell_b, contacts.facing),
        ):
            assert np.array_equal(cells.fragment[rows], fragments[tuple(points.T)])
            assert np.array_equal(cells.truth[rows], truth[tuple(points.T)])
        assert np.all(np.abs(contacts.point - contacts.facing).sum(axis=1) == 1)


def test_the_table_of_the_fly_block_gives_the_known_scores(fly_tables):
    found = voi_of(fly_tables[0][0])
    assert (round(found.split, 3), round(found.merge, 3)) == (2.376, 0.330)
