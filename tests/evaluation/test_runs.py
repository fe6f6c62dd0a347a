"""Run lengths kept up to date through edits equal those from scratch."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_axonem.errors import SkeletonError
from napari_axonem.evaluation.erl import erl
from napari_axonem.evaluation.skeletons.lookup import MaskedVoxels
from napari_axonem.evaluation.skeletons.skeletons import Tree, from_trees
from napari_axonem.evaluation.standing import lists
from napari_axonem.evaluation.standing.runs import Runs, RunSettings

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


@given(st.integers(0, 10**6), settings_of, st.integers(1, 7), st.integers(1, 7))
def test_what_joining_would_give_is_known_without_it(seed, settings, one, other):
    case = Case(seed, *settings)
    before = case.runs.erl()
    joined = np.where(case.segment == other, one, case.segment).astype(np.uint32)
    wanted = case.scratch(joined).erl_nm
    gain = case.runs.gain_if_joined(one, other)
    assert before + gain == pytest.approx(wanted, rel=1e-9)
    assert case.runs.gain_if_joined(other, one) == gain
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
    gain = case.runs.gain_if_cut(segment, np.array([skeleton]))
    assert case.runs.erl() + gain == pytest.approx(wanted, rel=1e-9)
    case.check()


def gains(runs, case):
    """All gains that there are to ask for."""
    names = np.unique(case.segment[case.segment > 0]).tolist()
    alone = [np.array([s]) for s in range(len(case.skeletons))]
    joined = [runs.gain_if_joined(*pair) for pair in itertools.combinations(names, 2)]
    return joined + [runs.gain_if_cut(name, s) for name in names for s in alone]


@given(st.integers(0, 10**6), settings_of, st.lists(moves, max_size=6))
def test_gains_that_are_remembered_are_those_of_scratch(seed, settings, sequence):
    case = Case(seed, *settings)
    gains(case.runs, case)
    for move in sequence:
        for fragment, name in move:
            case.segment[fragment] = name
        case.runs.follow(case.segment)
        fresh = Runs(
            case.skeletons, case.node_fragment, case.segment, case.settings, masked=case.masked
        )
        assert gains(case.runs, case) == gains(fresh, case), "to the last bit"


def test_a_gain_is_remembered_until_something_of_it_changes(monkeypatch):
    case, tried = Case(1, RunSettings(), False), []
    shift = Runs._shift
    monkeypatch.setattr(Runs, "_shift", lambda *a: (tried.append(1), shift(*a))[1])
    gains(case.runs, case)
    assert tried
    tried.clear()
    gains(case.runs, case)
    assert not tried
    case.segment[1] = 7 if case.segment[1] != 7 else 6
    case.runs.follow(case.segment)
    tried.clear()
    gains(case.runs, case)
    assert tried


def test_what_does_not_fit_is_refused():
    skeletons = forest(np.random.default_rng(0))
    with pytest.raises(SkeletonError, match="3 fragments for"):
        Runs(skeletons, np.zeros(3, int), np.zeros(4, np.uint32))
    empty = skeletons.select(np.zeros(len(skeletons), bool))
    with pytest.raises(SkeletonError, match="no length in 0"):
        Runs(empty, np.zeros(0, int), np.zeros(4, np.uint32))
