"""Expected run length beside em_erl itself.

Run ``python benchmarks/erl_parity.py [CASES]`` where em_erl is installed beside this package
(``pip install git+https://github.com/PytorchConnectomics/em_erl``). Cases are made up from seeds:
anisotropic voxels, ids up to 2**53, broken and merged segments, masks, thresholds; then the toy of
em_erl and FIB-25 where the data is there (``AXONEM_DATA``, or ``../shared/data``).

Left out on purpose is what em_erl gets wrong: nodes on corners of voxels whose size float32 cannot
hold, and ids above 2**53. ``tests/evaluation/test_erl.py`` holds ours for these.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from places import DATA, ROOT

sys.path.insert(0, str(ROOT))

from napari_axonem.evaluation.erl import Erl, erl
from napari_axonem.evaluation.skeletons import (
    lookup,
    masked_voxels,
    read_skeletons,
)
from napari_axonem.volumes import open_volume
from tests.evaluation.erl_cases import Case, by_em_erl, random_case

CASES = 60
AGREEMENT = 1e-6
"""Largest relative difference that counts as the same."""


def main() -> int:
    """Print a line for each case; return 1 where one differs."""
    if importlib.util.find_spec("em_erl") is None:
        print("em_erl is not installed: nothing to compare with (see the top of this file)")
        return 0
    number = int(sys.argv[1]) if len(sys.argv) > 1 else CASES
    worst = 0.0
    print(f"{'case':24} {'T':>4} {'mask':>5} {'ours nm':>14} {'em_erl nm':>14} {'difference':>11}")
    with tempfile.TemporaryDirectory() as folder:
        for name, case in [*_made(number), *_real()]:
            ours, theirs = _ours(case), by_em_erl(case, Path(folder))
            pairs = [(ours.erl_nm, theirs.erl), (ours.truth_erl_nm, theirs.truth)]
            pairs += zip(ours.per_skeleton.erl, theirs.per_skeleton, strict=True)
            off = max(abs(a - b) / max(abs(b), 1.0) for a, b in pairs)
            worst = max(worst, off)
            mask = "no" if case.mask is None else "yes"
            print(
                f"{name:24} {case.threshold:4} {mask:>5} {ours.erl_nm:14.6f} {theirs.erl:14.6f} "
                f"{off:11.1e}"
            )
    print(f"largest relative difference: {worst:.1e}")
    return int(worst > AGREEMENT)


def _ours(case: Case) -> Erl:
    nodes = lookup(case.volume, case.skeletons)
    mask = case.mask_volume
    masked = None if mask is None else masked_voxels(case.volume, mask, nodes.segment)
    threshold = case.threshold
    return erl(
        case.skeletons, nodes.segment, nodes.voxel_size, merge_threshold=threshold, masked=masked
    )


def _made(number: int) -> Iterator[tuple[str, Case]]:
    for seed in range(number):
        yield f"made up, seed {seed}", random_case(seed)


def _real() -> Iterator[tuple[str, Case]]:
    """Yield the toy of em_erl and the segmentations of FIB-25, where they are."""
    toy, fib25 = DATA / "em_erl", DATA / "fib25" / "training2.h5"
    if toy.is_dir():
        skeletons, size = read_skeletons(toy / "gt_graph.npz"), (30.0, 30.0, 30.0)
        voxels, mask = (_voxels(toy / f"vol_{n}.h5", size) for n in ("pred", "no-mask"))
        for threshold in (0, 1, 30):
            for under in (None, mask):
                yield "toy of em_erl", Case(skeletons, voxels, size, threshold, under)
    if fib25.is_file():
        skeletons = read_skeletons(fib25.with_name("training2_gt_erlgraph.npz"))
        for name in ("ffn", "watershed"):
            voxels = _voxels(f"{fib25}:{name}", (10.0, 10.0, 10.0))
            for threshold in (0, 10, 50):
                yield (
                    f"FIB-25 {name}",
                    Case(skeletons, voxels, (10.0, 10.0, 10.0), threshold, None),
                )


def _voxels(location: str | Path, size: tuple[float, float, float]) -> np.ndarray:
    volume = open_volume(location, voxel_size=size)
    return volume.read(volume.box)


if __name__ == "__main__":
    raise SystemExit(main())
