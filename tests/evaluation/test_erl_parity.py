"""Beside em_erl itself, where it is installed; `test_erl` holds the same without it."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from napari_axonem.evaluation.erl import erl
from napari_axonem.evaluation.skeletons import lookup, masked_voxels, read_skeletons
from napari_axonem.volumes import open_volume

from .erl_cases import INTERVALS, Case, by_em_erl, random_case

pytest.importorskip("em_erl", reason="em_erl is not installed (benchmarks/erl_parity.py says how)")


def compare(case: Case, folder: Path) -> None:
    theirs = by_em_erl(case, folder)
    nodes = lookup(case.volume, case.skeletons)
    masked = None
    if case.mask_volume is not None:
        masked = masked_voxels(case.volume, case.mask_volume, nodes.segment)
    ours = erl(
        case.skeletons,
        nodes.segment,
        nodes.voxel_size,
        merge_threshold=case.threshold,
        intervals=INTERVALS,
        masked=masked,
    )
    assert ours.erl_nm == pytest.approx(theirs.erl, rel=1e-12, abs=1e-9)
    assert ours.truth_erl_nm == pytest.approx(theirs.truth, rel=1e-12)
    np.testing.assert_allclose(ours.per_skeleton.erl, theirs.per_skeleton, rtol=1e-12)
    for interval, (value, truth, number) in zip(ours.intervals, theirs.intervals, strict=True):
        assert interval.skeletons == number
        if number:
            assert interval.erl_nm == pytest.approx(value, rel=1e-12, abs=1e-9)
            assert interval.truth_erl_nm == pytest.approx(truth, rel=1e-12)
        else:
            assert interval.erl_nm is None


@pytest.mark.parametrize("seed", range(40))
def test_made_up_cases_agree(seed: int, tmp_path: Path) -> None:
    compare(random_case(seed), tmp_path)


@pytest.mark.parametrize("threshold", [0, 1, 7, 30, 100])
@pytest.mark.parametrize("with_mask", [False, True])
def test_toy_agrees(threshold: int, with_mask: bool, data_dir: Path, tmp_path: Path) -> None:
    size = (30.0, 30.0, 30.0)
    volume = open_volume(data_dir / "em_erl" / "vol_pred.h5", voxel_size=size)
    mask = open_volume(data_dir / "em_erl" / "vol_no-mask.h5", voxel_size=size)
    case = Case(
        read_skeletons(data_dir / "em_erl" / "gt_graph.npz"),
        volume.read(volume.box).astype(np.uint64),
        size,
        threshold,
        mask.read(mask.box) if with_mask else None,
    )
    compare(case, tmp_path)


@pytest.mark.parametrize("dataset", ["ffn", "watershed"])
def test_fib25_agrees(dataset: str, fib25: Path, tmp_path: Path) -> None:
    volume = open_volume(f"{fib25}:{dataset}")
    truth = open_volume(f"{fib25}:gt")
    skeletons = read_skeletons(fib25.with_name("training2_gt_erlgraph.npz"))
    voxels = volume.read(volume.box)
    case = Case(skeletons, voxels, volume.grid.voxel_size, 0, None)
    unlabelled = truth.read(truth.box) == 0
    for threshold in (0, 1, 10, 50):
        for mask in (None, unlabelled):
            compare(dataclasses.replace(case, threshold=threshold, mask=mask), tmp_path)
