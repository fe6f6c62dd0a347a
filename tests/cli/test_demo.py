"""The main job as a script, on the phantom and on real data."""

import itertools
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import zarr

from napari_axonem.evaluation.overlaps import count_overlaps
from napari_axonem.evaluation.scores import voi

from .conftest import Run


def totals(report: dict[str, Any]) -> list[float]:
    """Return total VOI before and after each repair."""
    return [report["voi_before"]["total"], *(r["voi_total"] for r in report["repairs"])]


def falls_strictly(values: list[float]) -> bool:
    """Tell whether each value is lower than the one before."""
    return all(after < before for before, after in itertools.pairwise(values))


def test_phantom(run: Run, tmp_path: Path) -> None:
    report = run("demo", "--headless", "--folder", str(tmp_path))
    assert report["voi_after"]["total"] <= 0.1 * report["voi_before"]["total"]
    assert falls_strictly(totals(report))
    kinds = {repair["kind"] for repair in report["repairs"]}
    assert kinds == {"false_split", "false_merge"}
    undo = report["undo"]
    assert undo["voi_taken_back"] == pytest.approx(report["voi_before"]["total"])
    assert undo["voi_again"] == pytest.approx(undo["voi_repaired"])
    truth = np.asarray(zarr.open_group(tmp_path / "phantom.zarr", mode="r")["labels/truth/0"])
    with h5py.File(tmp_path / "corrected.h5") as file:
        labels = file["labels"][:]
    exported = np.asarray(zarr.open_group(tmp_path / "corrected.zarr", mode="r")["0"])
    np.testing.assert_array_equal(labels, exported)
    assert voi(count_overlaps(labels, truth)).total == pytest.approx(report["voi_after"]["total"])


def test_fib25_watershed_falls_with_each_of_100_repairs(
    run: Run, fib25: Path, tmp_path: Path
) -> None:
    report = run(
        *("demo", "--headless", "--data", str(fib25), "--repairs", "100"),
        *("--folder", str(tmp_path)),
    )
    assert round(report["voi_before"]["split"], 3) == 2.376
    assert round(report["voi_before"]["merge"], 3) == 0.330
    assert len(report["repairs"]) == 100
    assert falls_strictly(totals(report))
    with h5py.File(tmp_path / "corrected.h5") as file, h5py.File(fib25) as source:
        score = voi(count_overlaps(file["labels"][:], source["gt"][:]))
    assert score.total == pytest.approx(report["voi_after"]["total"])


def test_fib25_ffn(run: Run, fib25: Path, tmp_path: Path) -> None:
    report = run(
        *("demo", "--headless", "--data", str(fib25), "--labels", "ffn", "--repairs", "10"),
        *("--folder", str(tmp_path)),
    )
    assert round(report["voi_before"]["split"], 3) == 0.899
    assert round(report["voi_before"]["merge"], 3) == 0.918
    assert falls_strictly(totals(report))
    for export in report["exports"]:
        assert export["voi"]["total"] == pytest.approx(report["voi_after"]["total"])


def test_a_file_without_truth_is_refused(tmp_path: Path, refused: Any) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["seg"] = np.ones((2, 3, 4), np.uint8)
    line = refused(["demo", "--headless", "--data", str(tmp_path / "a.h5")])
    assert "labels and truth are needed" in line


def test_an_array_that_is_not_there_is_named(tmp_path: Path, refused: Any) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["gt"] = file["seg"] = np.ones((2, 3, 4), np.uint8)
    line = refused(["demo", "--headless", "--data", str(tmp_path / "a.h5"), "--labels", "x"])
    assert "no array 'x'" in line
