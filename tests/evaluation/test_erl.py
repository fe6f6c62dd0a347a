"""Expected run length: against plain loops, on known values, and on what is hard."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from napari_axonem.blockwise import Team
from napari_axonem.errors import MismatchError, SettingsError, SkeletonError
from napari_axonem.evaluation.erl import Definition, Erl, erl
from napari_axonem.evaluation.skeletons import (
    MaskedVoxels,
    Skeletons,
    Tree,
    from_trees,
    lookup,
    masked_voxels,
    read_skeletons,
)
from napari_axonem.volumes import open_volume

from .erl_cases import INTERVALS, Case, by_loops, random_case, volume_of

SIZE = (30.0, 8.0, 8.0)


def score(case: Case, definition: Definition = "em_erl") -> Erl:
    nodes = lookup(case.volume, case.skeletons)
    masked = None
    if case.mask_volume is not None:
        masked = masked_voxels(case.volume, case.mask_volume, nodes.segment)
    return erl(
        case.skeletons,
        nodes.segment,
        nodes.voxel_size,
        definition=definition,
        merge_threshold=case.threshold,
        intervals=INTERVALS,
        masked=masked,
    )


def straight(id_: int, y: int, nodes: int = 11) -> Tree:
    """A line of `nodes` nodes along x, in the middle of voxels of `SIZE`."""
    at = np.stack([np.full(nodes, 2), np.full(nodes, y), np.arange(nodes)], axis=1)
    steps = np.arange(nodes - 1)
    return Tree(id_, (at + 0.5) * SIZE, np.stack([steps, steps + 1], axis=1))


def scored(skeletons: Skeletons, segment: list[int], **options: object) -> Erl:
    return erl(skeletons, np.array(segment, np.uint64), SIZE, **options)  # type: ignore[arg-type]


@given(st.integers(0, 2**32 - 1), st.sampled_from(["em_erl", "paper2021"]))
@example(4538, "em_erl")  # a skeleton without length
def test_it_is_what_loops_over_edges_say(seed: int, definition: Definition) -> None:
    case = random_case(seed)
    if definition == "paper2021":
        case = dataclasses.replace(case, mask=None)
    ours, slow = score(case, definition), by_loops(case, definition)
    assert ours.erl_nm == pytest.approx(slow.erl, rel=1e-9, abs=1e-9)
    assert ours.truth_erl_nm == pytest.approx(slow.truth, rel=1e-9)
    np.testing.assert_allclose(ours.per_skeleton.erl, slow.per_skeleton, rtol=1e-9)
    for interval, (value, truth, number) in zip(ours.intervals, slow.intervals, strict=True):
        assert interval.skeletons == number
        assert (interval.erl_nm is None) == (number == 0)
        if number:
            assert interval.erl_nm == pytest.approx(value, rel=1e-9, abs=1e-9)
            assert interval.truth_erl_nm == pytest.approx(truth, rel=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_every_edge_is_of_one_kind(seed: int) -> None:
    found = score(random_case(seed)).per_skeleton
    kinds = found.omitted + found.split + found.merged + found.correct
    np.testing.assert_allclose(kinds, found.length, rtol=1e-6)
    assert (found.erl <= found.correct * (1 + 1e-6)).all()


@pytest.mark.parametrize(
    ("dataset", "threshold", "normalised"),
    [("ffn", 0, 0.0175), ("ffn", 50, 0.3572), ("watershed", 0, 0.0258), ("watershed", 50, 0.1970)],
)
def test_known_values_of_fib25(
    dataset: str, threshold: int, normalised: float, fib25: Path
) -> None:
    volume = open_volume(f"{fib25}:{dataset}")
    skeletons = read_skeletons(fib25.with_name("training2_gt_erlgraph.npz"))
    nodes = lookup(volume, skeletons)
    found = erl(skeletons, nodes.segment, nodes.voxel_size, merge_threshold=threshold)
    assert round(found.normalised, 4) == normalised
    assert (found.definition, found.merge_threshold) == ("em_erl", threshold)
    assert found.resolution_nm == (10, 10, 10)


def test_known_values_of_the_toy(data_dir: Path) -> None:
    folder, size = data_dir / "em_erl", (30.0, 30.0, 30.0)
    volume = open_volume(folder / "vol_pred.h5", voxel_size=size)
    mask = open_volume(folder / "vol_no-mask.h5", voxel_size=size)
    skeletons = read_skeletons(folder / "gt_graph.npz")
    nodes = lookup(volume, skeletons)
    masked = masked_voxels(volume, mask, nodes.segment)
    plain = erl(skeletons, nodes.segment, size)
    assert round(plain.erl_nm, 2) == 2952.02
    assert round(plain.truth_erl_nm, 2) == 4166.81
    assert round(plain.normalised, 4) == 0.7085
    for threshold in (0, 1, 30):
        found = erl(skeletons, nodes.segment, size, merge_threshold=threshold, masked=masked)
        assert round(found.erl_nm, 2) == 1170.19
        assert round(found.normalised, 4) == 0.2808


def test_definitions_differ_in_who_is_penalised() -> None:
    # Segment 5 has 11 nodes of the first skeleton, 6 of the second and 1 of the third.
    skeletons = from_trees([straight(1, 0), straight(2, 1), straight(3, 2)])
    segment = [5] * 11 + [5] * 6 + [6] * 5 + [7] * 9 + [5] * 2
    lengths = {}
    for definition in ("em_erl", "paper2021"):
        found = scored(skeletons, segment, definition=definition, merge_threshold=5)
        lengths[definition] = found.per_skeleton.merged.tolist()
    assert lengths["em_erl"] == [80, 40, 8]  # any node on 5 is enough
    assert lengths["paper2021"] == [80, 40, 0]
    # At the threshold itself they differ in what is big.
    at = [scored(skeletons, segment, definition=d, merge_threshold=6) for d in lengths]
    assert [s.per_skeleton.merged.sum() for s in at] == [128, 0]


def test_background_takes_part_in_the_merge_test() -> None:
    # Segment 9 reaches under the mask; the second skeleton has two nodes on it, too few for T = 3
    # to be penalised for that.
    skeletons = from_trees([straight(1, 0), straight(2, 1)])
    masked = MaskedVoxels(np.array([9], np.uint64), np.array([100]))
    few = [3] * 10 + [0] + [0] + [4] * 8 + [9] * 2
    found = scored(skeletons, few, masked=masked, merge_threshold=3)
    assert found.per_skeleton.merged.tolist() == [0, 0]
    # With four nodes of each on 0 the background is merging, both are penalised for it, and the
    # edge on 9 is merged.
    many = [0] * 4 + [3] * 7 + [0] * 4 + [4] * 5 + [9] * 2
    found = scored(skeletons, many, masked=masked, merge_threshold=3)
    assert found.merging_segments.tolist() == [0, 9]
    assert found.per_skeleton.merged.tolist() == [0, 8]


def test_a_mask_counts_voxels_strictly_above_the_threshold() -> None:
    skeletons = from_trees([straight(1, 0)])
    masked = MaskedVoxels(np.array([5], np.uint64), np.array([4]))
    merged = [
        scored(skeletons, [5] * 11, masked=masked, merge_threshold=t).per_skeleton.merged[0]
        for t in (3, 4)
    ]
    assert merged == [80, 0]


@pytest.mark.parametrize("size", [(33.3, 8.4, 8.4), (40.1, 3.7, 3.7), (30.0, 8.0, 8.0)])
@pytest.mark.parametrize("origin", [(0.0, 0.0, 0.0), (333333.3, 84000.1, 8400.7)])
def test_truth_against_itself_is_perfect_where_float32_is_not(
    size: tuple[float, float, float], origin: tuple[float, float, float]
) -> None:
    # Nodes on corners of voxels, as kimimaro gives them, rounded to float32.
    at = np.stack(np.meshgrid([1, 5, 9], [3, 7, 30], np.arange(40), indexing="ij"), -1)
    labels = np.zeros((12, 40, 50), np.uint8)
    trees = []
    for i, line in enumerate(at.reshape(9, 40, 3), start=1):
        labels[line[0, 0], line[0, 1]] = i
        steps = np.arange(39)
        trees.append(Tree(i, line * size + np.array(origin), np.stack([steps, steps + 1], 1)))
    skeletons = from_trees(trees)
    nodes = lookup(volume_of(labels, size, origin), skeletons)
    assert nodes.outside == 0
    assert erl(skeletons, nodes.segment, size).normalised == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("base", [2**32, 2**53, 2**63 - 10, 2**63, 2**64 - 5])
def test_ids_that_differ_in_their_last_bit_are_two(base: int) -> None:
    labels = np.zeros((4, 3, 11), np.uint64)
    labels[2, 0], labels[2, 1], labels[2, 2] = base, base + 1, 5
    skeletons = from_trees([straight(1, 0), straight(2, 1), straight(base + 2, 2)])
    volume = volume_of(labels, SIZE)
    nodes = lookup(volume, skeletons)
    assert nodes.segment.dtype == np.uint64
    assert erl(skeletons, nodes.segment, SIZE).normalised == 1
    mask = volume_of((labels == base + 1).astype(np.uint8), SIZE)
    masked = masked_voxels(volume, mask, nodes.segment)
    assert masked.voxels[masked.segment == base + 1] == [11]
    assert masked.voxels.sum() == 11
    found = erl(skeletons, nodes.segment, SIZE, masked=masked)
    assert found.per_skeleton.merged.tolist() == [0, 80, 0]
    assert found.merging_segments.tolist() == [base + 1]
    assert found.per_skeleton.ids.tolist() == [1, 2, base + 2]


def test_signed_labels_and_threshold_are_exact() -> None:
    labels = np.full((4, 3, 11), 2**63 - 1, np.int64)
    skeletons = from_trees([straight(1, 0)])
    assert lookup(volume_of(labels, SIZE), skeletons).segment.tolist() == [2**63 - 1] * 11


def test_an_empty_segmentation_and_one_giant_segment() -> None:
    skeletons = from_trees([straight(1, 0), straight(2, 1)])
    empty = scored(skeletons, [0] * 22)
    assert (empty.erl_nm, empty.normalised) == (0, 0)
    assert empty.per_skeleton.omitted.tolist() == [80, 80]
    giant = scored(skeletons, [3] * 22)
    assert (giant.erl_nm, giant.merging_segments.tolist()) == (0, [3])
    assert giant.per_skeleton.merged.tolist() == [80, 80]
    assert scored(from_trees([straight(1, 0)]), [3] * 11).normalised == 1


def test_a_million_fragments() -> None:
    n = 1_000_000
    steps = np.arange(n - 1)
    line = np.stack([np.zeros(n), np.zeros(n), np.arange(n)], 1)
    skeletons = from_trees([Tree(1, line, np.stack([steps, steps + 1], 1))])
    found = scored(skeletons, list(range(1, n + 1)), merge_threshold=0)
    assert found.erl_nm == 0
    assert found.per_skeleton.split[0] == n - 1


def test_nodes_outside_are_omitted_and_counted() -> None:
    labels = np.full((4, 1, 6), 9, np.uint32)
    nodes = lookup(volume_of(labels, SIZE), from_trees([straight(1, 0)]))
    assert nodes.segment.tolist() == [9] * 6 + [0] * 5
    assert nodes.outside == 5
    before = lookup(volume_of(labels, SIZE, (0.0, 0.0, 400.0)), from_trees([straight(1, 0)]))
    assert before.outside == 11
    ends = np.array([[70.0, 4.0, 4.0], [1e38, -1e38, 0.0]])
    far = lookup(volume_of(labels, SIZE), from_trees([Tree(1, ends, np.array([[0, 1]]))]))
    assert (far.segment.tolist(), far.outside) == ([9, 0], 1)


def test_only_blocks_with_nodes_are_read() -> None:
    class Watched:
        shape, dtype, chunks = (64, 6400, 6400), np.dtype(np.uint32), (16, 64, 64)

        def __init__(self) -> None:
            self.read: list[tuple[slice, ...]] = []

        def __getitem__(self, key: tuple[slice, slice, slice]) -> np.ndarray:
            self.read.append(key)
            return np.full([s.stop - s.start for s in key], 4, np.uint32)

    watched = Watched()
    skeletons = from_trees([straight(1, 0), straight(2, 6000)])
    nodes = lookup(volume_of(watched, SIZE), skeletons)  # type: ignore[arg-type]
    assert (nodes.segment == 4).all()
    assert sorted([s.start for s in key] for key in watched.read) == [[2, 0, 0], [2, 6000, 0]]
    assert all([s.stop - s.start for s in key] == [1, 1, 11] for key in watched.read)


def test_a_team_finds_the_same() -> None:
    case = random_case(7)
    nodes = lookup(case.volume, case.skeletons)
    mask = case.mask_volume
    assert mask is not None
    masked = masked_voxels(case.volume, mask, nodes.segment)
    with Team(1) as team:
        again = lookup(case.volume, case.skeletons, team=team)
        counted = masked_voxels(case.volume, mask, nodes.segment, team=team)
    assert again.segment.tolist() == nodes.segment.tolist()
    assert counted.voxels.tolist() == masked.voxels.tolist()
    assert masked.voxels.any()


def test_a_mask_of_another_shape_or_voxel_size_is_refused_with_both() -> None:
    labels = volume_of(np.ones((4, 5, 6), np.uint8), SIZE)
    ids = np.ones(1, np.uint64)
    with pytest.raises(MismatchError, match=r"\(4, 5, 6\).*\(4, 5, 7\)"):
        masked_voxels(labels, volume_of(np.ones((4, 5, 7), np.uint8), SIZE), ids)
    with pytest.raises(MismatchError, match=r"30.0.*31.0"):
        masked_voxels(labels, volume_of(np.ones((4, 5, 6), np.uint8), (31.0, 8.0, 8.0)), ids)


def test_an_empty_interval_is_empty() -> None:
    found = scored(from_trees([straight(1, 0)]), [4] * 11, intervals=(0, 80, 81, 1e9))
    assert [i.skeletons for i in found.intervals] == [0, 1, 0]
    assert found.intervals[0].erl_nm is found.intervals[2].normalised is None
    assert found.intervals[1].normalised == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"intervals": (0,)}, "rising"),
        ({"intervals": (0, 5, 5)}, "rising"),
        ({"intervals": (0, float("nan"))}, "rising"),
        ({"definition": "funlib"}, "no definition of ERL named 'funlib'"),
        ({"merge_threshold": -1}, "negative"),
        (
            {
                "definition": "paper2021",
                "masked": MaskedVoxels(np.array([4], np.uint64), np.array([1])),
            },
            "knows no mask",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        scored(from_trees([straight(1, 0)]), [4] * 11, **options)


def test_skeletons_without_a_length_are_refused() -> None:
    with pytest.raises(SkeletonError, match="no length in 0 skeletons"):
        scored(from_trees([]), [])
    with pytest.raises(SkeletonError, match="3 looked-up nodes for 11"):
        scored(from_trees([straight(1, 0)]), [4] * 3)
