"""Run lengths kept up to date through edits equal those from scratch."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from napari_axonem.errors import SkeletonError
from napari_axonem.evaluation.erl import erl
from napari_axonem.evaluation.skeletons.lookup import MaskedVoxels
from napari_axonem.evaluation.skeletons.skeletons import Tree, from_trees
from napari_axonem.evaluation.standing import Runs, RunSettings, lists, runs

N_FRAGMENTS = 12
RESOLUTION = (30.0, 8.0, 8.0)


def forest(rng, count=6):
    """Skeletons of random walks."""
    trees = []
    for n in range(count):
        nodes = int(rng.integers(2, 12))
        steps = rng.normal(0, 40, (nodes, 3)).astype(np.float32)
        edges = [(int(rng.integers(0, node)), node) for node in range(1, nodes)]
        trees.append(Tree(10 + n, np.cumsum(steps, axis=0), np.array(edges)))
    return from_trees(trees)


class Case:
    """Skeletons on fragments, with segments that are edited."""

    def __init__(self, seed, settings, masked):
        rng = np.random.default_rng(seed)
        self.skeletons = forest(rng)
        near = self.skeletons.node_skeleton * 2 + rng.integers(0, 4, len(self.skeletons.positions))
        self.node_fragment = near % N_FRAGMENTS
        self.segment = rng.integers(0, 8, N_FRAGMENTS).astype(np.uint32)
        self.segment[0] = 0
        self.settings = settings
        self.masked = rng.integers(0, 4, N_FRAGMENTS) if masked else None
        self.runs = Runs(
            self.skeletons, self.node_fragment, self.segment, settings, masked=self.masked
        )

    def scratch(self, segment):
        names = np.unique(segment)
        masked = None
        if self.masked is not None:
            voxels = [int(self.masked[segment == name].sum()) for name in names]
            masked = MaskedVoxels(names.astype(np.uint64), np.array(voxels))
        return erl(
            self.skeletons,
            segment[self.node_fragment].astype(np.uint64),
            RESOLUTION,
            definition=self.settings.definition,
            merge_threshold=self.settings.merge_threshold,
            masked=masked,
        )

    def check(self):
        wanted = self.scratch(self.segment)
        assert self.runs.erl() == pytest.approx(wanted.erl_nm, rel=1e-9)
        found = self.runs.scores()
        for name in ("ids", "length", "omitted", "split", "merged", "correct", "erl"):
            one, other = getattr(found, name), getattr(wanted.per_skeleton, name)
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-6, err_msg=name)
        on_nodes = np.isin(self.runs.merging_segments(), self.segment[self.node_fragment])
        merging = self.runs.merging_segments()[on_nodes]
        assert merging.tolist() == wanted.merging_segments.tolist()


settings_of = st.one_of(
    st.builds(RunSettings, st.just("em_erl"), st.integers(0, 5)).map(lambda s: (s, False)),
    st.builds(RunSettings, st.just("em_erl"), st.integers(0, 5)).map(lambda s: (s, True)),
    st.builds(RunSettings, st.just("paper2021"), st.integers(0, 5)).map(lambda s: (s, False)),
)
moves = st.lists(
    st.tuples(st.integers(1, N_FRAGMENTS - 1), st.integers(0, 20)), min_size=1, max_size=4
)


@given(st.integers(0, 10**6), settings_of, st.lists(moves, max_size=6))
def test_edits_leave_what_scratch_gives(seed, settings, sequence):
    case = Case(seed, *settings)
    case.check()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "SLACK", 0)
        for move in sequence:
            for fragment, name in move:
                case.segment[fragment] = name
            case.runs.follow(case.segment)
            case.check()
    again = Runs(
        case.skeletons, case.node_fragment, case.segment, case.settings, masked=case.masked
    )
    assert again.erl() == case.runs.erl(), "to the last bit"


def gain_if_joined(runs, one, other):
    return float(runs.gains_if_joined(np.array([one]), np.array([other]))[0])


def gain_if_cut(runs, segment, skeleton):
    return float(runs.gains_if_cut(np.array([segment]), (np.array([0]), np.array([skeleton])))[0])


@given(st.integers(0, 10**6), settings_of, st.integers(1, 7), st.integers(1, 7))
def test_what_joining_would_give_is_known_without_it(seed, settings, one, other):
    assume(one != other)
    case = Case(seed, *settings)
    before = case.runs.erl()
    joined = np.where(case.segment == other, one, case.segment).astype(np.uint32)
    wanted = case.scratch(joined).erl_nm
    gain = gain_if_joined(case.runs, one, other)
    assert before + gain == pytest.approx(wanted, rel=1e-9)
    assert gain_if_joined(case.runs, other, one) == gain
    assert case.runs.erl() == before
    case.check()


@given(st.integers(0, 10**6), st.integers(0, 5), st.integers(1, 7), st.integers(0, 5))
def test_what_cutting_would_give_is_known_without_it(seed, threshold, segment, skeleton):
    case = Case(seed, RunSettings("em_erl", threshold), False)
    nodes = case.segment[case.node_fragment].astype(np.uint64)
    cut = (nodes == segment) & (case.skeletons.node_skeleton == skeleton)
    wanted = erl(
        case.skeletons, np.where(cut, 99, nodes), RESOLUTION, merge_threshold=threshold
    ).erl_nm
    gain = gain_if_cut(case.runs, segment, skeleton)
    assert case.runs.erl() + gain == pytest.approx(wanted, rel=1e-9)
    case.check()


def gains(runs, case):
    """All gains that there are to ask for: of joins, and of cuts of one skeleton and of two."""
    names = np.unique(case.segment[case.segment > 0]).astype(np.int64)
    pairs = np.array(list(itertools.combinations(names, 2)), np.int64).reshape(-1, 2)
    count = len(case.skeletons)
    every = np.repeat(names, count + 1)
    trial = np.append(np.arange(len(every)), np.arange(count, len(every), count + 1))
    skeleton = np.append(np.tile(np.append(np.arange(count), 0), len(names)), [1] * len(names))
    order = np.argsort(trial, kind="stable")
    cuts = runs.gains_if_cut(every, (trial[order], skeleton[order]))
    return np.append(runs.gains_if_joined(*pairs.T), cuts)


@given(st.integers(0, 10**6), settings_of, st.lists(moves, max_size=6))
def test_gains_after_edits_are_those_of_scratch(seed, settings, sequence):
    case = Case(seed, *settings)
    for move in sequence:
        for fragment, name in move:
            case.segment[fragment] = name
        case.runs.follow(case.segment)
        fresh = Runs(
            case.skeletons, case.node_fragment, case.segment, case.settings, masked=case.masked
        )
        assert gains(case.runs, case).tolist() == gains(fresh, case).tolist(), "to the last bit"


@given(st.integers(0, 10**6), settings_of)
def test_gains_asked_for_together_are_those_asked_for_alone(seed, settings):
    case = Case(seed, *settings)
    together = gains(case.runs, case)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "AT_ONCE", 1)
        assert gains(case.runs, case).tolist() == together.tolist()


def test_what_does_not_fit_is_refused():
    skeletons = forest(np.random.default_rng(0))
    with pytest.raises(SkeletonError, match="3 fragments for"):
        Runs(skeletons, np.zeros(3, int), np.zeros(4, np.uint32))
    empty = skeletons.select(np.zeros(len(skeletons), bool))
    with pytest.raises(SkeletonError, match="no length in 0"):
        Runs(empty, np.zeros(0, int), np.zeros(4, np.uint32))
