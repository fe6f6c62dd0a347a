"""The verb `skeletonize`, and that `evaluate` takes what it writes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_axonem.evaluation.skeletons import read_skeletons

from .conftest import Run

Refused = Callable[[Sequence[str]], str]


@pytest.fixture
def labels(tmp_path: Path) -> str:
    """Two straight axons of 1.2 µm and 0.6 µm, the second with an id above 2**53."""
    voxels = np.zeros((12, 24, 60), np.uint64)
    voxels[3:9, 2:10] = 5
    voxels[3:9, 14:22, :30] = 2**60 + 1
    with h5py.File(tmp_path / "labels.h5", "w") as file:
        file["labels"] = voxels
        file["labels"].attrs["voxel_size_nm"] = (20.0, 20.0, 20.0)
        file["labels"].attrs["origin_nm"] = (400.0, 0.0, 0.0)
    return str(tmp_path / "labels.h5")


@pytest.mark.parametrize("name", ["s.npz", "s.h5", "s.swc", "s/", "s.precomputed"])
def test_truth_scores_full_marks_on_what_is_made(
    name: str, run: Run, labels: str, tmp_path: Path
) -> None:
    out = f"{tmp_path}/{name}"
    made = run("skeletonize", labels, out)
    assert (made["skeletons"], made["preset"]) == (2, "em_erl")
    assert made["length_nm"] == pytest.approx(1180 + 580, rel=0.2)
    read = read_skeletons(out)
    assert read.ids.tolist() == [5, 2**60 + 1]
    assert read.positions[:, 0].min() >= 400
    score = run("evaluate", labels, "--skeletons", out)["erl"]
    assert score["normalised"] == pytest.approx(1, abs=1e-6)
    assert score["nodes_outside"] == 0


def test_short_ones_are_left_out_and_presets_named(run: Run, labels: str, tmp_path: Path) -> None:
    out = str(tmp_path / "s.npz")
    made = run("skeletonize", labels, out, "--min-length", "900", "--preset", "challenge")
    assert (made["skeletons"], made["preset"]) == (1, "challenge")
    assert read_skeletons(out).ids.tolist() == [5]


def test_mistakes_are_told_before_the_work(refused: Refused, labels: str, tmp_path: Path) -> None:
    assert "a.doc" in refused(["skeletonize", labels, str(tmp_path / "a.doc")])
    there = tmp_path / "there.npz"
    there.touch()
    assert "exists already" in refused(["skeletonize", labels, str(there)])
    with h5py.File(tmp_path / "bare.h5", "w") as file:
        file["labels"] = np.ones((4, 4, 4), np.uint8)
    said = refused(["skeletonize", str(tmp_path / "bare.h5"), str(tmp_path / "b.npz")])
    assert "--voxel-size" in said
