"""What is kept up to date through edits equals what is computed from scratch."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_axonem.errors import AxonemError
from napari_axonem.evaluation.cells import tabulate
from napari_axonem.evaluation.mistakes import find_mistakes
from napari_axonem.evaluation.overlaps import count_overlaps
from napari_axonem.evaluation.parts import voi_of
from napari_axonem.evaluation.scores import adapted_rand
from napari_axonem.evaluation.standing import Choice, Standing, lists, rows, waiting
from napari_axonem.geometry import Box
from tests.evaluation.voxel_oracles import GRID, as_volume, labelled

FRAGMENTS = tuple(range(9))
SEGMENTS = (0, 1, 2, 3, 9, 40)


class Scratch:
    """Fragments, truth and segments, and a standing that follows them."""

    def __init__(self, fragments, truth, segment):
        self.fragments, self.truth, self.segment = fragments.copy(), truth, segment.copy()
        self.table = self.tabulated()
        self.standing = Standing(self.table, self.segment, GRID)
        self.before = [self.segment.copy()]

    def tabulated(self):
        return tabulate(as_volume(self.fragments), as_volume(self.truth))

    def move(self, moves):
        """Give some fragments other segments."""
        self.before.append(self.segment.copy())
        for fragment, segment in moves:
            self.segment[fragment % len(self.segment) or 1] = segment
        self.standing.follow(self.segment)

    def undo(self):
        """Go back to the segments before; what was cut since stays cut."""
        old = self.before.pop() if len(self.before) > 1 else self.before[0]
        self.segment[: len(old)] = old
        self.standing.follow(self.segment)

    def refine(self, fragment, seed):
        """Cut a fragment in two."""
        voxels = np.flatnonzero(self.fragments == fragment)
        if not fragment or len(voxels) < 2:
            return
        child = len(self.segment)
        self.fragments.ravel()[voxels[: 1 + seed % (len(voxels) - 1)]] = child
        self.segment = np.append(self.segment, self.segment[fragment])
        self.table = self.tabulated()
        self.standing.refine(self.table, (fragment, child), self.segment)

    def check_scores(self):
        voi, wanted = self.standing.voi(), voi_of(self.table, self.segment)
        assert (voi.split, voi.merge) == pytest.approx((wanted.split, wanted.merge), abs=1e-12)
        rand = adapted_rand(count_overlaps(self.segment[self.fragments], self.truth))
        found = self.standing.rand()
        assert (found.adapted_error, found.precision, found.recall) == pytest.approx(
            (rand.adapted_error, rand.precision, rand.recall), abs=1e-12
        )

    def check_list(self, min_voxels):
        wanted = find_mistakes(self.table, self.segment, GRID, min_voxels=min_voxels)
        choice = Choice(min_voxels=min_voxels, rank="voi")
        assert self.standing.mistakes(choice) == wanted
        assert self.standing.mistakes(choice, limit=2) == wanted[:2]
        assert self.standing.count(choice) == len(wanted)


moves = st.lists(
    st.tuples(st.sampled_from(range(1, 12)), st.sampled_from(SEGMENTS)), min_size=1, max_size=4
)
edits = st.one_of(
    st.tuples(st.just("move"), moves),
    st.tuples(st.just("undo")),
    st.tuples(st.just("refine"), st.sampled_from(range(1, 12)), st.integers(0, 99)),
    st.tuples(st.just("check_list"), st.integers(1, 3)),
    st.tuples(st.just("check_scores")),
)


@st.composite
def begun(draw):
    """A volume with segments."""
    fragments, truth = draw(labelled(FRAGMENTS, (0, 1, 2, 5)))
    assume(truth.any())
    segment = draw(hnp.arrays(np.uint32, len(FRAGMENTS), elements=st.sampled_from(SEGMENTS)))
    segment[0] = 0
    return Scratch(fragments, truth, segment)


@given(begun(), st.lists(edits, max_size=8), st.booleans())
def test_edits_leave_what_scratch_gives(scratch, sequence, listed_before):
    if listed_before:
        scratch.check_list(1)
    for name, *arguments in sequence:
        getattr(scratch, name)(*arguments)
    scratch.check_scores()
    scratch.check_list(1)


@given(begun(), st.lists(edits, max_size=8))
def test_arrays_written_anew_and_runs_of_any_length_change_nothing(scratch, sequence):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "SLACK", 0)
        patch.setattr(rows, "CHUNK", 2)
        for name, *arguments in sequence:
            getattr(scratch, name)(*arguments)
            scratch.check_list(1)


def chunky(seed, shape=(6, 24, 24), fragments=60, objects=9):
    """A volume of Voronoi cells, with each fragment in the segment of its main object or not."""
    rng = np.random.default_rng(seed)
    places = np.stack(np.indices(shape), axis=-1)[..., None, :] * (3, 1, 1)

    def nearest(count):
        points = rng.uniform(0, np.array(shape) * (3, 1, 1), (count, 3))
        return (np.square(places - points).sum(axis=-1).argmin(axis=-1) + 1).astype(np.uint32)

    return Scratch(nearest(fragments), nearest(objects), np.arange(fragments + 1, dtype=np.uint32))


@pytest.mark.parametrize("seed", range(3))
def test_a_long_session_leaves_no_trace(seed, monkeypatch):
    monkeypatch.setattr(waiting, "FOREIGN_VOXELS", 20)  # so that joins wait for cuts
    scratch, rng = chunky(seed), np.random.default_rng(seed)
    scratch.check_list(5)
    for step in range(60):
        kind = rng.choice(["merge", "move", "undo", "refine"], p=(0.6, 0.15, 0.15, 0.1))
        if kind == "merge":
            one, other = rng.choice(scratch.segment[1:], 2)
            members = np.flatnonzero(scratch.segment == one)
            scratch.move([(int(m), int(other)) for m in members])
        elif kind == "move":
            chosen = rng.integers(1, len(scratch.segment), 4)
            scratch.move([(int(f), int(rng.integers(1, 60))) for f in chosen])
        elif kind == "undo":
            scratch.undo()
        else:
            scratch.refine(int(rng.integers(1, len(scratch.segment))), int(rng.integers(99)))
        if step % 5 == 0:
            scratch.check_scores()
            scratch.check_list(5)
            fresh = Standing(scratch.table, scratch.segment, GRID).mistakes(Choice(min_voxels=5))
            assert scratch.standing.mistakes(Choice(min_voxels=5)) == fresh
    back = Standing(scratch.table, scratch.segment, GRID)
    assert back.voi() == scratch.standing.voi(), "to the last bit"
    assert back.rand() == scratch.standing.rand()


@pytest.mark.parametrize("seed", range(3))
def test_mistakes_found_before_a_refinement_are_described_after_it(seed):
    scratch, rng = chunky(seed), np.random.default_rng(seed)
    assert scratch.standing.count(Choice(min_voxels=1)) > 10, "found, but none of them described"
    for fragment in rng.choice(np.arange(1, 60), 5, replace=False).tolist():
        scratch.refine(fragment, int(rng.integers(99)))
    scratch.check_list(1)


def test_the_score_of_a_planned_split_is_that_after_it():
    scratch = chunky(5)
    scratch.move([(f, 7) for f in range(1, 40)])
    after = scratch.segment.copy()
    after[10:20] = 99
    cells = scratch.table.restrict(scratch.segment[scratch.table.cells.fragment] == 7).cells
    before = scratch.standing.voi()
    planned = scratch.standing.voi_after(cells, 7, after[cells.fragment].astype(np.int64))
    assert scratch.standing.voi() == before
    scratch.standing.follow(after)
    assert scratch.standing.voi() == planned != before


def test_mistakes_are_chosen_by_kind_size_place_contact_and_object():
    scratch = chunky(3)
    scratch.move([(f, f // 3 + 1) for f in range(1, 60)])
    standing = scratch.standing
    everything = standing.mistakes(Choice(min_voxels=1, rank="voi"))
    voxel = {m: tuple(GRID.to_voxel(m.position_nm).tolist()) for m in everything}
    box = Box((1, 4, 4), (5, 15, 24))
    chosen = {
        Choice("false_merge", 1): [m for m in everything if m.kind == "false_merge"],
        Choice("false_split", 9): [
            m for m in everything if m.kind == "false_split" and m.size_voxels >= 9
        ],
        Choice(min_voxels=1, box=box): [m for m in everything if box.contains(voxel[m])],
        Choice(min_voxels=1, truth=(2, 3)): [
            m
            for m in everything
            if m.truth[0] in (2, 3) or (m.kind == "false_merge" and m.truth[1] in (2, 3))
        ],
    }
    for choice, wanted in chosen.items():
        assert 0 < len(wanted) < len(everything)
        assert standing.mistakes(choice) == wanted
        assert standing.count(choice) == len(wanted)


def test_tiny_ones_are_grouped_by_object():
    scratch = chunky(4)
    everything = scratch.standing.mistakes(Choice(min_voxels=1))
    choice = Choice(min_voxels=8, min_area=12, kind="false_split")
    listed = scratch.standing.mistakes(choice)
    groups = scratch.standing.groups(choice)
    splits = [m for m in everything if m.kind == "false_split"]
    rest = [m for m in splits if m not in listed]
    assert listed
    assert len(groups) < len(rest)
    assert {g.truth for g in groups} == {m.truth[0] for m in rest}
    for group in groups:
        own = [m for m in rest if m.truth[0] == group.truth]
        assert (group.kind, group.count) == ("false_split", len(own))
        assert group.size_voxels == sum(m.size_voxels for m in own)
        assert group.gain_voi == pytest.approx(sum(m.gain_voi for m in own))
    gains = [group.gain_voi for group in groups]
    assert gains == sorted(gains, reverse=True)


def test_a_contact_across_background_is_never_tiny():
    fragments = np.array([[[1, 1, 0, 2, 2, 3, 3]]])
    scratch = Scratch(fragments, np.ones_like(fragments), np.arange(4, dtype=np.uint32))
    listed = scratch.standing.mistakes(Choice(min_voxels=1, min_area=2))
    assert [mistake.segments for mistake in listed] == [(1, 2)]
    (group,) = scratch.standing.groups(Choice(min_voxels=1, min_area=2))
    assert (group.kind, group.truth, group.count) == ("false_split", 1, 1)


def test_without_truth_there_is_no_standing():
    nothing = np.zeros((1, 2, 2), np.uint32)
    table = tabulate(as_volume(nothing + 1), as_volume(nothing))
    with pytest.raises(AxonemError, match="no voxel has a truth"):
        Standing(table, np.arange(2), GRID)
    table = tabulate(as_volume(nothing + 1), as_volume(nothing + 1))
    with pytest.raises(AxonemError, match="fragment 1 has no entry"):
        Standing(table, np.zeros(1), GRID)
