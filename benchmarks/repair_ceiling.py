"""What perfect repairs of all pieces above some size leave: the end of every list of errors.

    python benchmarks/repair_ceiling.py [--names watershed ffn] [--voxels 1 30 100 300 1000]

On the FIB-25 block (``AXONEM_DATA``, or ``../shared/data``), without a project and without an edit.
Each piece of at least so many voxels gets the label of its true object; the rest of a fragment
stays with the piece of it that it touches most, and a fragment without any such piece is joined
whole to where most of it belongs. The scores are those of `evaluate` (T = 50), and VOI once more
where the segmentation has a segment. What counts as a piece makes the difference:

- *cell*: all voxels that a segment shares with a true object, connected or not, and those of no
  segment too, which neither a merge nor a split can give to anybody;
- *cell of a fragment*: the same without the voxels of no segment;
- *connected*: the connected pieces (6 neighbours) of a fragment in a true object, which is what a
  cut inside of a fragment can take off at once;
- *4 thick*, *6 thick*, *8 thick*: those of them that are so many voxels thick somewhere. The list
  proposes cuts of pieces that one can point at (`evaluation.thickness.THINNEST`).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import cc3d
import edt
import fastremap
import h5py
import numpy as np
import numpy.typing as npt
from places import DATA, ROOT

sys.path.insert(0, str(ROOT))

from napari_axonem.evaluation.erl import erl
from napari_axonem.evaluation.overlaps import count_overlaps
from napari_axonem.evaluation.scores import voi
from napari_axonem.evaluation.skeletons import Skeletons, read_skeletons
from napari_axonem.geometry import Grid

FILE = DATA / "fib25" / "training2.h5"
GRID = Grid((10.0, 10.0, 10.0))
MERGE_THRESHOLD = 50

THICK = {"4 thick": 4, "6 thick": 6, "8 thick": 8}
KINDS = ("cell", "cell of a fragment", "connected", *THICK)

Labels = npt.NDArray[np.uint32]
Table = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pieces:
    """Pieces that each lie in one fragment and one true object."""

    piece: Labels
    """The piece of each voxel, from 1, shape (z, y, x)."""

    segment: Table
    """Segment of each piece, 0 is none, shape (pieces + 1,)."""

    truth: Table
    """True object of each piece, 0 is none, shape (pieces + 1,)."""

    voxels: Table
    """Voxels of each piece, shape (pieces + 1,)."""

    depth: npt.NDArray[np.float32]
    """How far the innermost voxel of each piece is from its outside, in voxels."""

    contacts: Table
    """Rows (piece, other piece of its fragment, faces in common), both ways, shape (n, 3)."""

    @classmethod
    def of(cls, segments: Labels, truth: Labels, *, connected: bool) -> Pieces:
        """Return the cells of segments and true objects, or the connected pieces of these."""
        pair = segments.astype(np.uint64) << np.uint64(32) | truth
        piece = fastremap.renumber(pair + np.uint64(1))[0].astype(np.uint32)
        if connected:
            piece = cc3d.connected_components(piece, connectivity=6).astype(np.uint32)
        count = int(piece.max()) + 1
        of_segment, of_truth = np.zeros((2, count), np.int64)
        of_segment[piece], of_truth[piece] = segments, truth
        depth = np.zeros(count, np.float32)
        away = edt.edt(piece, black_border=False)
        order = np.argsort(away, axis=None)
        depth[piece.ravel()[order]] = away.ravel()[order]  # the last one assigned is the deepest
        voxels = np.bincount(piece.ravel(), minlength=count)
        return cls(piece, of_segment, of_truth, voxels, depth, _contacts(piece, of_segment))

    def repaired(self, kept: npt.NDArray[np.bool_]) -> Table:
        """Return the label of each piece once those kept are where they belong."""
        label = np.where(kept, self.truth, -1)
        label[~kept & (self.segment == 0)] = 0
        contacts = self.contacts
        while True:  # small pieces hang on large ones through one another
            rows = contacts[(label[contacts[:, 0]] < 0) & (label[contacts[:, 1]] >= 0)]
            if not len(rows):
                break
            rows = rows[np.argsort(rows[:, 2], kind="stable")]
            label[rows[:, 0]] = label[rows[:, 1]]
        order = np.argsort(np.where(self.truth > 0, self.voxels, -1), kind="stable")
        most = np.zeros(int(self.segment.max()) + 1, np.int64)
        most[self.segment[order]] = self.truth[order]  # the last one assigned is the largest
        return np.where(label < 0, most[self.segment], label)


def _contacts(piece: Labels, segment: Table) -> Table:
    """Return the pairs of pieces of one fragment that share faces, both ways."""
    count = np.int64(len(segment))
    keys = []
    for axis in range(3):
        low = np.moveaxis(piece, axis, 0)[:-1].ravel()
        high = np.moveaxis(piece, axis, 0)[1:].ravel()
        met = (low != high) & (segment[low] == segment[high]) & (segment[low] > 0)
        a, b = low[met].astype(np.int64), high[met].astype(np.int64)
        keys += [a * count + b, b * count + a]
    pairs, faces = np.unique(np.concatenate(keys), return_counts=True)
    return np.stack([pairs // count, pairs % count, faces], axis=1)


def scores(pieces: Pieces, label: Table, truth: Labels, skeletons: Skeletons) -> tuple[float, ...]:
    """Return VOI (split, merge) in bits, that of the foreground alone, and normalised ERL."""
    labels = label[pieces.piece]
    found = voi(count_overlaps(labels, truth))
    ours = voi(count_overlaps(labels, np.where(pieces.segment[pieces.piece] > 0, truth, 0)))
    nodes = GRID.to_voxel(skeletons.positions)
    inside = ((nodes >= 0) & (nodes < truth.shape)).all(axis=1)
    under = np.zeros(len(nodes), np.uint64)
    under[inside] = label[pieces.piece[tuple(nodes[inside].T)]]
    length = erl(skeletons, under, GRID.voxel_size, merge_threshold=MERGE_THRESHOLD)
    return found.split, found.merge, ours.total, length.normalised


def main() -> None:
    """Print a line for each kind of piece and each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", nargs="+", default=["watershed", "ffn"])
    parser.add_argument("--voxels", nargs="+", type=int, default=[1, 30, 100, 300, 1000])
    chosen = parser.parse_args()
    skeletons = read_skeletons(FILE.with_name("training2_gt_erlgraph.npz"))
    print(f"{'':10} {'pieces':20} {'voxels':>7} {'number':>7} {'split':>7} {'merge':>7} ", end="")
    print(f"{'total':>7} {'in segments':>11} {'ERL':>7}")
    for name in chosen.names:
        with h5py.File(FILE) as source:
            segments, truth = (source[key][:].astype(np.uint32) for key in (name, "gt"))
        for kind in KINDS:
            if kind in ("cell", "connected"):  # the other kinds are some of these
                pieces = Pieces.of(segments, truth, connected=kind == "connected")
            for least in chosen.voxels:
                kept = (pieces.voxels >= least) & (pieces.truth > 0)
                if kind != "cell":
                    kept &= pieces.segment > 0
                if kind in THICK:
                    kept &= pieces.depth >= THICK[kind] / 2
                split, merge, ours, length = scores(pieces, pieces.repaired(kept), truth, skeletons)
                line = f"{name:10} {kind:20} {least:7} {int(kept.sum()):7} {split:7.3f} "
                line += f"{merge:7.3f} {split + merge:7.3f} {ours:11.3f} {length:7.3f}"
                print(line, flush=True)


if __name__ == "__main__":
    main()
