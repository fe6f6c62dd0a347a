"""Plain voxels that edits of a project are compared with.

The oracle is a tree of label arrays, one an edit. It knows nothing of graphs: a merge rewrites
voxels, undo, redo and going back move along the tree, and what a split may do is bounded by what it
must do (each colour together with itself, the colours apart, all else untouched).
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from napari_axonem.errors import EditError
from napari_axonem.proofreading.plans.painting import Brush
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.operation import Kind
from napari_axonem.proofreading.tables.refinement import Refinement

from .conftest import VOXEL_SIZE, write_project

SHAPE = (3, 10, 12)
Labels = npt.NDArray[np.int64]
indices = st.tuples(*(st.integers(0, n - 1) for n in SHAPE))


def same_partition(a: Labels, b: Labels) -> bool:
    """Tell whether two label arrays are equal but for the names of the labels."""
    pairs = np.unique(np.stack([a.ravel(), b.ravel()]), axis=1)
    return len(pairs[0]) == len(np.unique(pairs[0])) == len(np.unique(pairs[1]))


def joined_labels(fragments: Labels, gone: set[int], pairs: list[tuple[int, int]]) -> Labels:
    """Return labels in which fragments that are joined, directly or not, are one."""
    name = {f: f for f in np.unique(fragments).tolist() if f not in gone}
    for u, v in pairs:
        if u in name and v in name and name[u] != name[v]:
            old, new = name[u], name[v]
            name = {f: new if n == old else n for f, n in name.items()}
    return np.vectorize(lambda f: name.get(int(f), 0), otypes=[np.int64])(fragments)


class ProjectAndOracle(RuleBasedStateMachine):
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
        affinities = random.random((3, *SHAPE)).astype(np.float32)
        self._folder = tempfile.TemporaryDirectory()
        self._path = write_project(
            Path(self._folder.name), fragments=labels, truth=truth, affinities=affinities
        )
        self.project = Project(self._path)
        self.labels: dict[int, Labels] = {0: labels.astype(np.int64)}
        self.parent: dict[int, int] = {}
        self.last_child: dict[int, int] = {}
        self.head = 0

    def teardown(self) -> None:
        """Leave nothing behind."""
        if hasattr(self, "project"):
            self.project.close()
            self._folder.cleanup()

    @property
    def now(self) -> Labels:
        """The voxels as they should be."""
        return self.labels[self.head]

    @property
    def heads(self) -> list[int]:
        """The newest active edit after each operation of the log, the beginning first."""
        heads = [0]
        for operation in self.project.operations:
            match operation.kind:
                case Kind.UNDO:
                    heads.append(self.parent[operation.target])
                case Kind.REDO | Kind.GO:
                    heads.append(operation.target)
                case Kind.MARK:
                    heads.append(heads[-1])
                case _:
                    heads.append(operation.id)
        return heads

    def edited(self, labels: Labels) -> None:
        """Take down an edit and the voxels as they should be."""
        number = len(self.project.operations)
        self.labels[number] = labels
        self.parent[number], self.last_child[self.head] = self.head, number
        self.head = number

    def path(self, edit: int) -> list[int]:
        """Return the edits that are active when `edit` is the newest one, oldest first."""
        found = []
        while edit:
            found.append(edit)
            edit = self.parent[edit]
        return found[::-1]

    def fragments(self) -> Labels:
        """Return the fragment of every voxel."""
        volume = self.project.sources.fragments.volume
        return volume.read(volume.box).astype(np.int64)

    def set_by_hand(self) -> set[tuple[int, int]]:
        """Return the edges that active edits have set; a cut one stands for those of its parts."""
        fixed: set[tuple[int, int]] = set()
        stored = self.project.log.refinements()
        for operation in self.project.operations:
            while stored and stored[0].operation == operation.id:
                cut = Refinement.from_bytes(stored.pop(0).content)
                if cut.parent:
                    fixed |= {
                        (min(cut.child, o), max(cut.child, o))
                        for pair in fixed
                        if cut.parent in pair
                        for o in set(pair) - {cut.parent}
                    }
            if operation.id in self.path(self.head) and operation.kind != Kind.THRESHOLD:
                fixed |= {(u, v) for u, v, _ in operation.edges.tolist() if u}
        return fixed

    def brush(
        self, at: list[tuple[int, int, int]], radius: float
    ) -> tuple[Brush, npt.NDArray[np.bool_]]:
        """Return a brush, and which voxels lie under it, counted one by one."""
        centres = np.stack(
            [(i + 0.5) * s for i, s in zip(np.indices(SHAPE), VOXEL_SIZE, strict=True)]
        )
        under = np.zeros(SHAPE, np.bool_)
        for place in at:
            middle = np.array(self.at(place)).reshape(3, 1, 1, 1)
            under |= np.linalg.norm(centres - middle, axis=0) <= radius
        return Brush(tuple(self.at(p) for p in at), radius), under

    def refused(self, verb: Callable[[], object]) -> str:
        """Return what an edit that was tried was refused for; empty where it was done."""
        try:
            verb()
        except EditError as error:
            return str(error)
        return ""

    def only_cut(self, shown: Labels, where: npt.NDArray[np.bool_]) -> None:
        """Check that there nothing was joined, and background stayed background."""
        pairs = np.unique(np.stack([shown[where], self.now[where]]), axis=1)
        assert len(np.unique(pairs[0])) == len(pairs[0])
        assert ((pairs[0] == 0) == (pairs[1] == 0)).all()

    def at(self, index: tuple[int, int, int]) -> tuple[float, float, float]:
        """Return the middle of a voxel in nm."""
        z, y, x = ((i + 0.5) * s for i, s in zip(index, VOXEL_SIZE, strict=True))
        return z, y, x

    def shown(self) -> Labels:
        """Return the voxels as the project shows them."""
        volume = self.project.sources.fragments.volume
        return self.project.segment[volume.read(volume.box)].astype(np.int64)
