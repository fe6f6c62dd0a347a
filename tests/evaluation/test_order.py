"""The order of repair: cuts come before the joins that would be spoilt without them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_axonem.evaluation.cells import tabulate
from napari_axonem.evaluation.skeletons import Tree, from_trees
from napari_axonem.evaluation.standing import Choice, RunLengths, Runs, RunSettings, Standing
from napari_axonem.evaluation.standing.waiting import (
    FOREIGN_VOXELS,
    Holdings,
    spoilt_if_joined,
    worth_of_repair,
)
from tests.evaluation.voxel_oracles import GRID, as_volume


def spoilt(foreign):
    """Return a long object in the segments 1 and 2; 2 also has so many voxels of another one."""
    truth = np.ones((10, 22, 200), np.uint32)
    truth[:, 20:, :] = 0
    rest = truth[:, 20:, 100:]
    rest[np.unravel_index(np.arange(foreign), rest.shape)] = 2
    fragments = np.where(truth == 1, 1, 0).astype(np.uint32)
    fragments[:, :20, 100:] = 2
    fragments[truth == 2] = 3
    table = tabulate(as_volume(fragments), as_volume(truth))
    return Standing(table, np.array([0, 1, 2, 2], np.uint32), GRID)


def kinds(standing, **chosen):
    limit = chosen.pop("limit", None)
    return [m.kind for m in standing.mistakes(Choice(**chosen), limit)]


def test_a_join_waits_for_the_cut_of_a_large_foreign_part():
    standing = spoilt(FOREIGN_VOXELS)
    assert kinds(standing, rank="voi") == ["false_split", "false_merge"]
    assert kinds(standing) == ["false_merge", "false_split"]
    assert kinds(standing, limit=1) == ["false_merge"]
    # a cut that is too small to be listed by itself is listed where a join waits for it
    assert kinds(standing, min_voxels=FOREIGN_VOXELS + 1) == ["false_merge", "false_split"]
    assert kinds(standing, kind="false_split") == ["false_split"]
    assert kinds(standing, kind="false_merge") == ["false_merge"]


def test_a_small_foreign_part_is_not_waited_for():
    assert kinds(spoilt(FOREIGN_VOXELS - 1)) == ["false_split", "false_merge"]


class Tangle:
    """Four straight objects in pieces of two voxels, falsely split and merged at random."""

    def __init__(self, seed, threshold):
        _, y, x = np.indices((2, 8, 48))
        truth = (y // 2 + 1).astype(np.uint32)
        fragments = ((truth - 1) * 24 + x // 2 + 1).astype(np.uint32)
        rng = np.random.default_rng(seed)
        own = np.arange(96) // 24 * 6 + np.arange(96) % 24 // 4 + 1  # six pieces an object
        names = np.arange(25)
        names[rng.permutation(24)[:8] + 1] = rng.integers(1, 25, 8)
        self.segment = np.append(0, names[own]).astype(np.uint32)
        self.truth = np.append(0, np.arange(96) // 24 + 1)
        size = np.asarray(GRID.voxel_size)
        steps = np.stack([np.arange(47), np.arange(1, 48)], axis=1)
        trees = [
            Tree(n + 1, (np.array([[0.5, 2 * n + 0.5, i + 0.5] for i in range(48)])) * size, steps)
            for n in range(4)
        ]
        skeletons = from_trees(trees)
        nodes = np.concatenate([n * 24 + np.arange(48) // 2 + 1 for n in range(4)])
        self.standing = Standing(
            tabulate(as_volume(fragments), as_volume(truth)), self.segment, GRID
        )
        runs = Runs(skeletons, nodes, self.segment, RunSettings("em_erl", threshold))
        self.lengths = RunLengths(runs, np.arange(1, 5))

    def repair(self, mistake):
        if mistake.kind == "false_split":
            self.segment[self.segment == mistake.segments[1]] = mistake.segments[0]
        else:
            part = (self.segment == mistake.segments[0]) & (self.truth == mistake.truth[0])
            self.segment[part] = self.segment.max() + 1
        self.standing.follow(self.segment)
        self.lengths.runs.follow(self.segment)

    def follow(self, rank):
        """Repair the first of the list until it is empty; return both scores at each step."""
        choice, scores = Choice(min_voxels=1, rank=rank), []
        while True:
            scores.append((self.standing.voi().total, self.lengths.runs.erl()))
            found = self.standing.mistakes(choice, 1, self.lengths)
            if not found:
                return np.array(scores)
            gain = self.lengths.gain(found[0])
            self.repair(found[0])
            assert self.lengths.runs.erl() - scores[-1][1] == pytest.approx(gain, abs=1e-6)


@pytest.mark.parametrize("threshold", [0, 5])
@pytest.mark.parametrize("rank", ["repair", "erl"])
def test_no_repair_in_the_listed_order_lowers_the_run_length(rank, threshold):
    for seed in range(6):
        scores = Tangle(seed, threshold).follow(rank)
        assert len(scores) > 10
        assert np.diff(scores[:, 0]).max() < 1e-12
        assert np.diff(scores[:, 1]).min() > -1e-9
        whole = Tangle(seed, threshold).lengths.runs.truth_erl()
        assert scores[-1] == pytest.approx([0, whole], abs=1e-9)


def test_by_gain_in_voi_alone_it_falls():
    falls = [np.diff(Tangle(seed, 0).follow("voi")[:, 1]).min() for seed in range(6)]
    assert min(falls) < -1


def test_the_largest_gain_in_run_length_is_first():
    tangle = Tangle(1, 0)
    for rank, limit in (("erl", None), ("erl", 3)):
        found = tangle.standing.mistakes(Choice(min_voxels=1, rank=rank), limit, tangle.lengths)
        gains = [tangle.lengths.gain(mistake) for mistake in found]
        assert gains == sorted(gains, reverse=True)
        assert gains[0] > 0
    few = tangle.standing.mistakes(Choice(min_voxels=1), 3, tangle.lengths)
    assert few == tangle.standing.mistakes(Choice(min_voxels=1), None, tangle.lengths)[:3]


SEGMENTS = st.integers(1, 6)
PAIRS = st.lists(st.tuples(SEGMENTS, SEGMENTS), max_size=12)
HELD = st.lists(st.tuples(SEGMENTS, st.integers(0, 3), st.integers(1, 5)), max_size=30)


@given(PAIRS, HELD, st.integers(0, 8))
def test_segments_are_spoilt_by_two_objects_with_enough(pairs, rows, least):
    one, other = np.array(pairs, np.int64).reshape(-1, 2).T
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    spoilt = spoilt_if_joined(
        (one, other), Holdings.of_rows(*columns), lambda amount: amount >= least
    )
    for pair, found in zip(pairs, spoilt, strict=True):
        amount = {}
        for end in pair:
            for segment, thing, much in rows:
                if segment == end:
                    amount[thing] = amount.get(thing, 0) + much
        assert found == (sum(much >= least for much in amount.values()) > 1)


def worth_one_by_one(mistakes, waits, cuts):
    """Return what `worth_of_repair` says, by its definition."""
    worth = [gain for gain, _, _ in mistakes]
    for join, (gain, *ends) in enumerate(mistakes):
        if not waits[join]:
            continue
        mine = [(row, frees) for row, frees in cuts if mistakes[row][1] in ends]
        mine = [row for row, frees in mine if frees] or [row for row, _ in mine]
        if not mine:
            worth[join] = -np.inf
            continue
        mean = (gain + sum(mistakes[row][0] for row in mine)) / (1 + len(mine))
        worth[join] = min(gain, mean)
        for row in mine:
            worth[row] = max(worth[row], worth[join])
    return worth


@given(st.data())
def test_a_join_is_worth_the_mean_of_itself_and_the_cuts_it_waits_for(data):
    gains = st.integers(1, 1000).map(float)
    joins = data.draw(st.lists(st.tuples(gains, SEGMENTS, SEGMENTS, st.booleans()), max_size=8))
    joins = [join for join in joins if join[1] != join[2]]
    cuts = data.draw(st.lists(st.tuples(gains, SEGMENTS, st.booleans()), max_size=8))
    mistakes = [join[:3] for join in joins] + [(gain, s, s) for gain, s, _ in cuts]
    waits = [join[3] for join in joins] + [False] * len(cuts)
    rows = [(len(joins) + n, cut[2]) for n, cut in enumerate(cuts)]
    gain, one, other = np.array(mistakes, np.float64).reshape(-1, 3).T
    worth = worth_of_repair(
        gain,
        (one.astype(np.int64), other.astype(np.int64)),
        np.array(waits, bool),
        (np.array([r for r, _ in rows], np.int64), np.array([f for _, f in rows], bool)),
    )
    assert worth.tolist() == pytest.approx(worth_one_by_one(mistakes, waits, rows))
