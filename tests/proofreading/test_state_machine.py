"""Random edits against plain voxels: after every step the project shows the voxels it should.

``AXONEM_EDIT_SEQUENCES`` sets how many sequences are tried.
"""

import os
from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from napari_axonem.errors import EditError
from napari_axonem.proofreading import keeper
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.operation import Kind
from napari_axonem.proofreading.tables import graph
from napari_axonem.proofreading.tables.snapshots import saved_in
from napari_axonem.proofreading.verification import verify_project

from .edit_oracle import ProjectAndOracle, indices, joined_labels, same_partition

USUAL = 15
SEQUENCES = int(os.environ.get("AXONEM_EDIT_SEQUENCES", USUAL))


class Edits(ProjectAndOracle):
    """Every edit there is, in any order."""

    @rule(one=indices, other=indices)
    def merge(self, one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
        """Merge what lies at two voxels."""
        a, b = self.now[one], self.now[other]
        if 0 in (a, b):
            return
        try:
            self.project.merge([self.at(one), self.at(other)])
        except EditError:
            assert a == b
            return
        assert a != b
        self.edited(np.where(self.now == b, a, self.now))

    @rule(sides=st.lists(st.lists(indices, min_size=1, max_size=3), min_size=2, max_size=4))
    def split(self, sides: list[list[tuple[int, int, int]]]) -> None:
        """Split what lies at the voxels of several colours, where they lie in one object."""
        target = self.now[sides[0][0]]
        taken: set[tuple[int, int, int]] = set()
        chosen = []
        for side in sides:
            chosen.append([p for p in side if self.now[p] == target and p not in taken])
            taken.update(chosen[-1])
        if not target or sum(map(bool, chosen)) < 2:
            return
        plan = self.project.plan_split(*(map(self.at, side) for side in chosen))
        promised = self.project.voi_after(plan)
        self.project.split(plan)
        shown = self.shown()
        for one, other in combinations(chosen, 2):
            assert not {shown[p] for p in one} & {shown[p] for p in other}
        inside = self.now == target
        # elsewhere nothing changed, and no piece of the object joined anything else
        assert same_partition(np.where(inside, -1, shown), np.where(inside, -1, self.now))
        assert not set(np.unique(shown[inside])) & set(np.unique(shown[~inside]))
        now = self.project.voi()
        assert promised is not None
        assert now is not None
        assert (promised.split, promised.merge) == pytest.approx((now.split, now.merge))
        self.edited(shown)

    @rule(one=indices)
    def delete(self, one: tuple[int, int, int]) -> None:
        """Delete what lies at a voxel."""
        if self.now[one] == 0:
            return
        self.project.delete([self.at(one)])
        self.edited(np.where(self.now == self.now[one], 0, self.now))

    @rule(one=indices, alone=st.booleans(), other=indices)
    def detach(self, one: tuple[int, int, int], other: tuple[int, int, int], alone: bool) -> None:
        """Isolate the fragments at two voxels, or make one object of both."""
        places = [p for p in (one, other) if self.now[p]]
        if not places:
            return
        fragments = self.fragments()
        chosen = {int(fragments[p]) for p in places}
        touched = np.isin(self.now, [self.now[p] for p in places])
        verb = self.project.isolate if alone else self.project.new_object
        try:
            verb([self.at(p) for p in places])
        except EditError:
            whole = set(np.unique(fragments[touched]).tolist())
            assert chosen == whole if alone or len(chosen) == 1 else len(chosen) > 1
            return
        shown = self.shown()
        for fragment in chosen:
            wanted = {fragment} if alone else chosen
            inside = np.isin(fragments, list(wanted))
            np.testing.assert_array_equal(shown == shown[fragments == fragment][0], inside)
        self.only_cut(shown, touched & ~np.isin(fragments, list(chosen)))
        assert same_partition(np.where(touched, -1, shown), np.where(touched, -1, self.now))
        self.edited(shown)

    @rule(one=indices)
    def cut_off(self, one: tuple[int, int, int]) -> None:
        """Cut off the branch at a voxel."""
        if self.now[one] == 0:
            return
        touched = self.now == self.now[one]
        if refusal := self.refused(lambda: self.project.plan_cut_off(self.at(one))):
            assert "single fragment" in refusal
            assert len(np.unique(self.fragments()[touched])) == 1
            return
        plan = self.project.plan_cut_off(self.at(one))
        self.project.split(plan, Kind.CUT_OFF)
        shown, fragments = self.shown(), self.fragments()
        sides = [np.isin(fragments, side) & touched for side in plan.sides.values()]
        assert sides[0][one]
        assert not set(shown[sides[0]].tolist()) & set(shown[sides[1]].tolist())
        assert (sides[0] | sides[1] == touched).all()
        assert same_partition(np.where(touched, -1, shown), np.where(touched, -1, self.now))
        self.only_cut(shown, touched)
        self.edited(shown)

    @rule(one=indices, at=st.lists(indices, min_size=1, max_size=3), radius=st.floats(1, 40))
    def paint(
        self, one: tuple[int, int, int], at: list[tuple[int, int, int]], radius: float
    ) -> None:
        """Paint background with the object at a voxel."""
        if self.now[one] == 0:
            return
        brush, under = self.brush(at, radius)
        under &= self.now == 0
        if refusal := self.refused(lambda: self.project.paint(self.at(one), brush)):
            assert "no background" in refusal
            assert not under.any()
            return
        self.edited(np.where(under, self.now[one], self.now))

    @rule(one=indices, at=st.lists(indices, min_size=1, max_size=2), radius=st.floats(1, 40))
    def paint_over(
        self, one: tuple[int, int, int], at: list[tuple[int, int, int]], radius: float
    ) -> None:
        """Paint over whatever there is."""
        if self.now[one] == 0:
            return
        brush, under = self.brush(at, radius)
        mine = self.now == self.now[one]
        under &= ~mine
        if refusal := self.refused(lambda: self.project.paint(self.at(one), brush, over=True)):
            assert "nothing to paint" in refusal
            assert not under.any()
            return
        shown = self.shown()
        np.testing.assert_array_equal(shown == shown[one], mine | under)
        self.only_cut(shown, ~mine & ~under)
        self.edited(shown)

    @rule(
        one=st.none() | indices,
        at=st.lists(indices, min_size=1, max_size=2),
        radius=st.floats(1, 40),
    )
    def erase(
        self, one: tuple[int, int, int] | None, at: list[tuple[int, int, int]], radius: float
    ) -> None:
        """Erase, of one object or of all."""
        if one is not None and self.now[one] == 0:
            return
        brush, under = self.brush(at, radius)
        under &= self.now > 0 if one is None else self.now == self.now[one]
        place = None if one is None else self.at(one)
        if refusal := self.refused(lambda: self.project.erase(brush, place)):
            assert "nothing to erase" in refusal
            assert not under.any()
            return
        shown = self.shown()
        np.testing.assert_array_equal(shown == 0, (self.now == 0) | under)
        self.only_cut(shown, ~under)
        self.edited(shown)

    @rule(threshold=st.floats(0, 1))
    def threshold(self, threshold: float) -> None:
        """Agglomerate anew, and keep what the user has set."""
        edges, fixed = self.project.graph.edges.everything(), self.set_by_hand()
        pairs = list(zip(edges.u.tolist(), edges.v.tolist(), strict=True))
        on = [
            was if pair in fixed or np.isnan(score) else score >= threshold
            for pair, was, score in zip(
                pairs, edges.on.tolist(), edges.affinity.tolist(), strict=True
            )
        ]
        fragments = self.fragments()
        gone = set(np.unique(fragments[self.now == 0]).tolist())
        if refusal := self.refused(lambda: self.project.set_threshold(threshold)):
            assert "nothing would change" in refusal or "no contact" in refusal
            assert on == edges.on.tolist()
            return
        joined = [p for p, is_on in zip(pairs, on, strict=True) if is_on and not gone & set(p)]
        self.edited(joined_labels(fragments, gone, joined))

    @precondition(lambda self: self.head)
    @rule()
    def undo(self) -> None:
        """Take the newest edit back."""
        self.project.undo()
        parent = self.parent[self.head]
        self.last_child[parent], self.head = self.head, parent

    @precondition(lambda self: self.head in self.last_child)
    @rule()
    def redo(self) -> None:
        """Bring an edit again."""
        self.project.redo()
        self.head = self.last_child[self.head]

    @rule(number=st.integers(0, 30), by_name=st.booleans())
    def go(self, number: int, by_name: bool) -> None:
        """Go back to what the project was after some operation, or forth."""
        count = len(self.project.operations)
        place: int | str = number % (count + 1)
        head = self.heads[int(place)]
        if by_name:
            place = f"mark {count}"
            self.project.mark(place)
            self.heads.append(self.head)
            head = self.head
        try:
            self.project.go_to(place)
        except EditError:
            assert head == self.head
            return
        for edit in (*self.path(self.head), *self.path(head)):
            self.last_child[self.parent[edit]] = edit
        self.head = head

    @rule(snapshot=st.sampled_from(["none", "made", "damaged"]))
    def reopen(self, snapshot: str) -> None:
        """Close the project and open it again, from a snapshot or the whole log."""
        for saved in saved_in(self.project.folder.snapshots):
            saved.unlink()
        self.project.close()
        if snapshot != "none":
            keeper.WORTH_A_SNAPSHOT, usual = 1, keeper.WORTH_A_SNAPSHOT
            try:
                Project(self._path).close()
            finally:
                keeper.WORTH_A_SNAPSHOT = usual
        if snapshot == "damaged":
            for saved in saved_in(self.project.folder.snapshots):
                content = saved.read_bytes()
                saved.write_bytes(content[: len(content) // 2])
        self.project = Project(self._path)

    @rule()
    def verify(self) -> None:
        """Compute everything anew from the voxels."""
        assert verify_project(self.project) == []

    @invariant()
    def shows_what_it_should(self) -> None:
        """Compare voxels."""
        if hasattr(self, "project"):
            assert same_partition(self.shown(), self.now)


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of four fragments or more are searched as large ones are."""
    monkeypatch.setattr(graph, "LARGE", 3)
    monkeypatch.setattr(graph, "MANY_OF", 1)


TestEdits = pytest.mark.timeout(max(300, 60 * SEQUENCES))(Edits.TestCase)
TestEdits.settings = settings(
    max_examples=SEQUENCES,
    stateful_step_count=20,
    deadline=None,
    derandomize=SEQUENCES == USUAL,
    suppress_health_check=list(HealthCheck),
)
