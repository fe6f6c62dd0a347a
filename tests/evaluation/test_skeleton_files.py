"""Skeletons in every format: what is written is read, what others write too, damage is told."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_axonem.errors import AxonemError, SkeletonError, VolumeError
from napari_axonem.evaluation.skeletons import (
    Skeletons,
    Tree,
    from_trees,
    read_skeletons,
    trees,
    write_skeletons,
)

from .erl_cases import random_tree

SIZE = (30.0, 8.0, 8.0)
ORIGIN = (3000.0, -800.0, 16.0)
FORMATS = ["a.npz", "a.older.npz", "a.h5", "a.swc", "folder/", "a.precomputed"]


def some(ids: tuple[int, ...] = (3, 20, 100)) -> Skeletons:
    rng = np.random.default_rng(1)
    return from_trees([random_tree(rng, id_, SIZE) for id_ in ids])


def same(a: Skeletons, b: Skeletons) -> None:
    assert a.ids.tolist() == b.ids.tolist()
    np.testing.assert_allclose(a.lengths, b.lengths, rtol=1e-6)
    for first, second in zip(trees(a), trees(b), strict=True):
        for ends in (first, second):
            assert len(ends.positions) == len(first.positions)
        edges = [
            sorted(
                tuple(sorted(map(tuple, np.round(t.positions[e].astype(float), 3).tolist())))
                for e in t.edges
            )
            for t in (first, second)
        ]
        np.testing.assert_allclose(edges[0], edges[1], rtol=1e-6)


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_is_read(name: str, tmp_path: Path) -> None:
    made = some((3, 20, 2**63 + 1))
    destination = str(tmp_path) + "/" + name
    write_skeletons(destination, made, voxel_size=SIZE)
    same(read_skeletons(destination), made)
    with pytest.raises(VolumeError, match="exists already"):
        write_skeletons(destination, made, voxel_size=SIZE)
    write_skeletons(destination, some((9,)), voxel_size=SIZE, overwrite=True)
    assert read_skeletons(destination).ids.tolist() == [9]


@pytest.mark.parametrize("name", FORMATS)
def test_content_decides_and_not_the_name(name: str, tmp_path: Path) -> None:
    write_skeletons(str(tmp_path) + "/" + name, some(), voxel_size=SIZE)
    (written,) = tmp_path.iterdir()
    same(read_skeletons(written.rename(tmp_path / "named.other")), some())


@pytest.mark.parametrize("name", ["a.npz", "a.h5"])
def test_present_em_erl_and_hdf5_are_exact(name: str, tmp_path: Path) -> None:
    made = some()
    write_skeletons(tmp_path / name, made, voxel_size=SIZE, origin=ORIGIN)
    read = read_skeletons(tmp_path / name)
    for array in ("ids", "lengths", "node_skeleton", "edges", "edge_lengths", "edge_pointer"):
        np.testing.assert_array_equal(getattr(read, array), getattr(made, array))
        assert getattr(read, array).dtype == getattr(made, array).dtype
    np.testing.assert_allclose(read.positions, made.positions, rtol=1e-7)


def test_both_em_erl_layouts_of_real_files(data_dir: Path) -> None:
    older = read_skeletons(data_dir / "em_erl" / "gt_graph.npz")
    assert older.ids.tolist() == [1, 2]
    assert (len(older.positions), len(older.edges)) == (204, 202)
    present = read_skeletons(data_dir / "fib25" / "training2_gt_erlgraph.npz")
    assert (len(present), len(present.positions)) == (233, 27282)
    sums = np.bincount(present.edge_skeleton, weights=present.edge_lengths)
    np.testing.assert_allclose(sums, present.lengths, rtol=1e-6)


def test_hdf5_is_in_voxels_sorted_by_number(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "s.h5", "w") as file:
        for id_ in (10, 9, 100):
            file[f"{id_}/vertices"] = np.array([[0, 0, id_], [1, 1, id_], [5, 5, 5]])
            file[f"{id_}/edges"] = np.array([[0, 1]])
        file["7/vertices"] = np.array([[0, 0, 0]])  # without an edge: left out, with its node
        file["7/edges"] = np.empty((0, 2), int)
    read = read_skeletons(tmp_path / "s.h5", voxel_size=SIZE, origin=ORIGIN)
    assert read.ids.tolist() == [9, 10, 100]
    assert read.positions[1].tolist() == [3030, -792, 88]
    assert read.lengths[0] == pytest.approx(np.hypot(30, 8))
    with pytest.raises(SkeletonError, match="--voxel-size"):
        read_skeletons(tmp_path / "s.h5")
    with pytest.raises(SkeletonError, match="--voxel-size"):
        write_skeletons(tmp_path / "t.h5", some())


def test_hdf5_voxels_survive_being_cut_off(tmp_path: Path) -> None:
    at = np.stack([np.arange(300)] * 3, 1)
    steps = np.arange(299)
    made = from_trees([Tree(1, at * np.array((33.3, 8.4, 8.4)), np.stack([steps, steps + 1], 1))])
    write_skeletons(tmp_path / "s.h5", made, voxel_size=(33.3, 8.4, 8.4))
    with h5py.File(tmp_path / "s.h5") as file:
        assert (file["1/vertices"][:].astype(int) == at).all()


def test_hdf5_voxels_survive_being_cut_off_far_from_nought(tmp_path: Path) -> None:
    size, origin = (33.3, 8.4, 8.4), (1_000_000.3, 1_000_000.3, 1_000_000.3)
    at = np.stack([np.arange(300)] * 3, 1)
    steps = np.arange(299)
    made = from_trees([Tree(1, at * np.array(size) + origin, np.stack([steps, steps + 1], 1))])
    write_skeletons(tmp_path / "s.h5", made, voxel_size=size, origin=origin)
    with h5py.File(tmp_path / "s.h5") as file:
        assert (file["1/vertices"][:].astype(int) == at).all()


SWC = "1 0 10 20 30 1 -1\n2 0 10 20 34 1 1\n7 0 13 20 30 1 1\n"


@pytest.mark.parametrize(
    ("header", "unit", "nm"),
    [
        ("", "nm", 1),
        ("", "um", 1000),
        ("# units: um\n", None, 1000),
        ("# SCALE 1.00 1. 1\n", "um", 1000),
        ("# Unit = nanometers\n", None, 1),
        ("# All units are in nanometers.\n", None, 1),  # not in inches
        ("# all in micrometers\n# unit µm\n", "nm", 1000),  # the file knows better
    ],
)
def test_swc_has_the_unit_it_states_or_is_given(
    header: str, unit: str | None, nm: float, tmp_path: Path
) -> None:
    (tmp_path / "42.swc").write_text(header + SWC, encoding="utf-8")
    read = read_skeletons(tmp_path / "42.swc", unit=unit)  # type: ignore[arg-type]
    assert read.ids.tolist() == [42]
    assert read.positions[0].tolist() == [30 * nm, 20 * nm, 10 * nm]
    assert read.lengths[0] == pytest.approx(7 * nm)


def test_swc_in_voxels(tmp_path: Path) -> None:
    (tmp_path / "neuron.swc").write_text(SWC)
    read = read_skeletons(tmp_path / "neuron.swc", unit="voxel", voxel_size=SIZE)
    assert read.ids.tolist() == [1]
    assert read.positions[0].tolist() == [900, 160, 80]
    with pytest.raises(SkeletonError, match="--voxel-size"):
        read_skeletons(tmp_path / "neuron.swc", unit="voxel")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SWC, "does not state the unit"),
        ("# SCALE 16 16 40\n" + SWC, "SCALE 16 16 40"),
        ("# SCALE 1.0 1.0 1.04\n" + SWC, "SCALE 1.0 1.0 1.04"),
        ("# units: nm\n1 0 1 1 1 1 -1\n2 0 1 1 1 1 9\n", "node 2 has the parent 9"),
        ("# units: nm\n1 0 1 1 1 1 -1\n1 0 1 1 1 1 1\n", "node 1 twice"),
        ("# units: nm\n1 0 1 1 1 1 -1\n2 0 1 x 1 1 1\n", "no SWC table"),
        ("# units: nm\n1 0 1e99 1 1 1 -1\n2 0 1 1 1 1 1\n", "positions hold inf"),
    ],
)
def test_bad_swc_is_told(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "1.swc").write_text(text)
    with pytest.raises(SkeletonError, match=said):
        read_skeletons(tmp_path / "1.swc")


def test_swc_cannot_hold_a_loop(tmp_path: Path) -> None:
    ring = from_trees([Tree(5, np.eye(3), np.array([[0, 1], [1, 2], [2, 0]]))])
    with pytest.raises(SkeletonError, match="skeleton 5 has a loop"):
        write_skeletons(tmp_path / "a.swc", ring)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_swc_needs_ids_for_names(tmp_path: Path) -> None:
    (tmp_path / "axon.swc").write_text("# units: nm\n" + SWC)
    with pytest.raises(SkeletonError, match="name is no id"):
        read_skeletons(tmp_path)


def test_swc_and_precomputed_are_what_others_read(tmp_path: Path) -> None:
    from osteoid import Skeleton

    made = some((3,))
    write_skeletons(tmp_path / "a.swc", made)
    write_skeletons(tmp_path / "a.precomputed", made)
    swc = Skeleton.from_swc((tmp_path / "a.swc").read_text())
    binary = Skeleton.from_precomputed((tmp_path / "a.precomputed" / "3").read_bytes())
    for other in (swc, binary):
        assert other.cable_length() == pytest.approx(made.lengths[0], rel=1e-5)
        assert len(other.vertices) == len(made.positions)
    assert {tuple(v) for v in binary.vertices.tolist()} == {
        tuple(p[::-1]) for p in made.positions.tolist()
    }


def test_precomputed_of_a_volume_with_transform_and_radii(tmp_path: Path) -> None:
    from osteoid import Skeleton

    (tmp_path / "bones").mkdir()
    (tmp_path / "info").write_text(json.dumps({"type": "segmentation", "skeletons": "bones"}))
    transform = [8, 0, 0, 100, 0, 8, 0, 200, 0, 0, 30, 300]
    info = {"@type": "neuroglancer_skeletons", "transform": transform}
    (tmp_path / "bones" / "info").write_text(json.dumps(info))
    bone = Skeleton(
        np.array([[1, 2, 3], [1, 2, 4]], np.float32),
        np.array([[0, 1]], np.uint32),
        radii=np.ones(2, np.float32),
    )
    (tmp_path / "bones" / "77").write_bytes(bone.to_precomputed())
    for place in (tmp_path, tmp_path / "bones"):
        read = read_skeletons(place)
        assert read.ids.tolist() == [77]
        assert read.positions.tolist() == [[390, 216, 108], [420, 216, 108]]
    (tmp_path / "bones" / "78").write_bytes(bone.to_precomputed()[:30])
    with pytest.raises(SkeletonError, match=r"78: 30 bytes where 2 vertices and 1 edges need 40"):
        read_skeletons(tmp_path)
    broken = json.dumps({**info, "transform": [float("nan"), *transform[1:]]})
    (tmp_path / "bones" / "info").write_text(broken)
    with pytest.raises(SkeletonError, match="transform that is not finite"):
        read_skeletons(tmp_path)
    (tmp_path / "bones" / "info").write_text(json.dumps({**info, "sharding": {"@type": "x"}}))
    with pytest.raises(SkeletonError, match="shards"):
        read_skeletons(tmp_path)


def arrays(**changed: object) -> dict[str, object]:
    """A good em_erl graph, with changes."""
    return {
        "erl_graph_schema_version": 2,
        "skeleton_id": np.array([4, 5]),
        "skeleton_len": np.array([1.0, 1.0]),
        "node_skeleton_index": np.array([0, 0, 1, 1], np.uint32),
        "node_coords_zyx": np.zeros((4, 3), np.float32),
        "edge_u": np.array([0, 2], np.uint32),
        "edge_v": np.array([1, 3], np.uint32),
        "edge_len": np.ones(2, np.float32),
        "edge_ptr": np.array([0, 1, 2], np.uint64),
        **changed,
    }


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"erl_graph_schema_version": 3}, "schema 3"),
        ({"edge_v": np.array([2, 3])}, "edge 0 of skeleton 4 joins nodes 0 and 2"),
        ({"edge_v": np.array([1, 4])}, "an edge to node 4 where there are 4"),
        ({"edge_v": np.array([1])}, "second nodes of edges"),
        ({"edge_u": np.array([-1, 2])}, "hold -1"),
        ({"edge_ptr": np.array([0, 2, 1])}, "edge pointer"),
        ({"edge_ptr": np.array([0, 2])}, "edge pointer of shape"),
        ({"node_coords_zyx": np.full((4, 3), np.nan)}, "positions hold nan at 0"),
        ({"node_coords_zyx": np.zeros((4, 2))}, r"positions of shape \(4, 2\)"),
        ({"node_skeleton_index": np.array([0, 0, 1, 2])}, "a node of skeleton 2"),
        ({"skeleton_len": np.array([1.0, -1.0])}, "lengths hold -1"),
        ({"skeleton_len": np.array([1.0])}, "lengths of shape"),
        ({"skeleton_id": np.array([-4, 5])}, "negative id -4"),
        ({"edge_len": np.array(["a", "b"])}, "edge_len of type"),
        ({"skeleton_len": np.array([1.0, None])}, "no Python objects"),
    ],
)
def test_a_wrong_em_erl_graph_is_told(
    changed: dict[str, object], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **arrays())
    assert read_skeletons(path).ids.tolist() == [4, 5]
    np.savez(path, **arrays(**changed))
    with pytest.raises(AxonemError, match=said) as told:
        read_skeletons(path)
    assert str(path) in str(told.value)


def test_an_em_erl_graph_without_an_array_or_cut_off_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, skeleton_id=np.array([1]), erl_graph_schema_version=2)
    with pytest.raises(SkeletonError, match="without skeleton_len, node_skeleton_index"):
        read_skeletons(path)
    np.savez(path, **arrays())
    data = bytearray(path.read_bytes())
    data[200:230] = b"x" * 30
    path.write_bytes(data)
    with pytest.raises(SkeletonError, match="cannot be read"):
        read_skeletons(path)


def test_the_older_layout_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    below = from_trees([Tree(1, np.array([[0, 0, -5.0], [0, 0, 5.0]]), np.array([[0, 1]]))])
    with pytest.raises(SkeletonError, match="whole nm from 0"):
        write_skeletons(tmp_path / "a.older.npz", below)


@pytest.mark.parametrize("name", ["nothing.npz", "text.txt", "empty"])
def test_what_is_no_skeleton_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("Dear reader\n")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SkeletonError, match=r"no such file|no skeletons of any known format"):
        read_skeletons(tmp_path / name)


def test_an_unknown_end_names_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(SkeletonError, match=r"\.npz.*\.h5.*\.precomputed.*\.swc"):
        write_skeletons(tmp_path / "a.doc", some())


def test_two_skeletons_of_one_id_need_a_format_for_that(tmp_path: Path) -> None:
    twice = some((4, 4))
    for name in ("a.h5", "a.precomputed", "b/"):
        with pytest.raises(SkeletonError, match="one id"):
            write_skeletons(f"{tmp_path}/{name}", twice, voxel_size=SIZE)
    write_skeletons(tmp_path / "a.npz", twice)
    assert read_skeletons(tmp_path / "a.npz").ids.tolist() == [4, 4]


@pytest.mark.parametrize("edges", [[[0, 2]], [[0, -1]]])
def test_an_edge_to_nowhere_is_told(edges: list[list[int]]) -> None:
    with pytest.raises(SkeletonError, match=r"skeleton 8 has an edge to node (2|-1) of 2"):
        from_trees([Tree(8, np.zeros((2, 3)), np.array(edges))])


def test_some_are_selected_with_their_nodes() -> None:
    made = some((3, 20, 100))
    left = made.select(np.array([True, False, True]))
    same(left, from_trees([t for t in trees(made) if t.id != 20]))
