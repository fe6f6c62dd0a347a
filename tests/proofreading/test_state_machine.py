"""Random edits against plain voxels: after every step the project shows the voxels it should.

The oracle is a list of label arrays, one a step of the history. It knows nothing of graphs: a
merge rewrites voxels, undo and redo move along the list, and what a split may do is bounded by
what it must do (each colour together with itself, the colours apart, all else untouched).
"""

import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from napari_axonem.errors import EditError
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.verification import verify_project

from .conftest import VOXEL_SIZE, write_project

SHAPE = (3, 10, 12)
Labels = npt.NDArray[np.int64]
indices = st.tuples(*(st.integers(0, n - 1) for n in SHAPE))


def same_partition(a: Labels, b: Labels) -> bool:
    """Tell whether two label arrays are equal but for the names of the labels."""
    pairs = np.unique(np.stack([a.ravel(), b.ravel()]), axis=1)
    return len(pairs[0]) == len(np.unique(pairs[0])) == len(np.unique(pairs[1]))


class Edits(RuleBasedStateMachine):
    """A project and its oracle."""

    @initialize(seed=st.integers(0, 2**32 - 1), fragments=st.integers(2, 12))
    def start(self, seed: int, fragments: int) -> None:
        """Make a project of blobs around random seeds, with some background."""
        random = np.random.default_rng(seed)
        places = random.integers(0, SHAPE, size=(fragments, 3))
        grid = np.stack(np.indices(SHAPE), axis=-1)[..., np.newaxis, :]
        away = np.linalg.norm((grid - places) * np.array([3.0, 1.0, 1.0]), axis=-1)
        labels = (away.argmin(axis=-1) + 1).astype(np.uint32)
        labels[away.min(axis=-1) > 6] = 0
        truth = random.integers(0, 3, size=SHAPE).astype(np.uint32)
        self._folder = tempfile.TemporaryDirectory()
        self._path = write_project(Path(self._folder.name), fragments=labels, truth=truth)
        self.project = Project(self._path)
        self.steps: list[Labels] = [labels.astype(np.int64)]
        self.undone: list[Labels] = []

    def teardown(self) -> None:
        """Leave nothing behind."""
        if hasattr(self, "project"):
            self.project.close()
            self._folder.cleanup()

    @property
    def now(self) -> Labels:
        """The voxels as they should be."""
        return self.steps[-1]

    def at(self, index: tuple[int, int, int]) -> tuple[float, float, float]:
        """Return the middle of a voxel in nm."""
        z, y, x = ((i + 0.5) * s for i, s in zip(index, VOXEL_SIZE, strict=True))
        return z, y, x

    def shown(self) -> Labels:
        """Return the voxels as the project shows them."""
        volume = self.project.sources.fragments.volume
        return self.project.segment[volume.read(volume.box)].astype(np.int64)

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
        self.steps.append(np.where(self.now == b, a, self.now))
        self.undone.clear()

    @rule(red=st.lists(indices, min_size=1, max_size=3), blue=st.lists(indices, min_size=1))
    def split(self, red: list[tuple[int, int, int]], blue: list[tuple[int, int, int]]) -> None:
        """Split what lies at the voxels of two colours, where they lie in one object."""
        target = self.now[red[0]]
        red = [p for p in red if self.now[p] == target]
        blue = [p for p in blue[:3] if self.now[p] == target and p not in red]
        if not target or not blue:
            return
        plan = self.project.plan_split(map(self.at, red), map(self.at, blue))
        promised = self.project.voi_after(plan)
        self.project.split(plan)
        shown = self.shown()
        assert not {shown[p] for p in red} & {shown[p] for p in blue}
        inside = self.now == target
        # elsewhere nothing changed, and no piece of the object joined anything else
        assert same_partition(np.where(inside, -1, shown), np.where(inside, -1, self.now))
        assert not set(np.unique(shown[inside])) & set(np.unique(shown[~inside]))
        now = self.project.voi()
        assert promised is not None
        assert now is not None
        assert (promised.split, promised.merge) == pytest.approx((now.split, now.merge))
        self.steps.append(shown)
        self.undone.clear()

    @precondition(lambda self: len(self.steps) > 1)
    @rule()
    def undo(self) -> None:
        """Take the newest edit back."""
        self.project.undo()
        self.undone.append(self.steps.pop())

    @precondition(lambda self: self.undone)
    @rule()
    def redo(self) -> None:
        """Bring an edit again."""
        self.project.redo()
        self.steps.append(self.undone.pop())

    @rule()
    def reopen(self) -> None:
        """Close the project and open it again."""
        self.project.close()
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


TestEdits = Edits.TestCase
TestEdits.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, derandomize=True
)
