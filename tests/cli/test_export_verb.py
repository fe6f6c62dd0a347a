"""The verb export, and a submission made of projects."""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_axonem.cli import axonem
from napari_axonem.proofreading.project import Project
from napari_axonem.volumes import reduce_block
from tests.cli.conftest import Run
from tests.volumes.test_axonem_submission import BOTH

ONE, TWO = "60,32,40", "60,32,120"


@pytest.fixture
def project(run: Run, volumes: str, tmp_path: Path) -> str:
    """A project of three fragments in a row, of which the first two are joined."""
    path = str(tmp_path / "p.axonem")
    given = [f"--{name}={volumes}:{name}" for name in ("fragments", "image")]
    run("project", "create", path, *given)
    run("merge", path, ONE, TWO)
    return path


def test_everything_is_written_and_said(run: Run, project: str, tmp_path: Path) -> None:
    out = {name: str(tmp_path / name) for name in ("a.h5", "t.csv", "p.json", "m", "c")}
    box = ["--box", "0:60,0:64,80:200"]
    with_skeletons = ["--skeletons", f"{tmp_path}/s.precomputed"]
    said = run("export", project, out["a.h5"], *box, "--table", out["t.csv"], "--points",
               out["p.json"], "--meshes", out["m"], "--mesh-format", "ply", "--crops", out["c"],
               "--checked", "3", *with_skeletons, "--workers", "1")  # fmt: skip
    assert said["operation"] == 1
    assert said["shape"] == [2, 8, 15]
    assert said["origin_nm"] == [0, 0, 80]
    with h5py.File(out["a.h5"]) as file:
        labels = file["labels"][:]
    with Project(project, writable=False) as opened:
        fragments = np.asarray(opened.sources.fragments.arrays[0][:2, :, 10:25])
        np.testing.assert_array_equal(labels, opened.exported_ids()[fragments])
    assert said["meshes"]["objects"] == len(list(Path(out["m"]).iterdir())) == 2
    assert {len(said[name]["sha256"]) for name in ("table", "points", "meshes", "skeletons")} == {
        64
    }
    (crop,) = said["crops"]
    assert (crop["start"], crop["stop"]) == ([0, 0, 10], [2, 8, 25])
    assert set(crop["checksums"]) == {"image", "labels", "checked"}
    (edit,) = json.loads(Path(out["p.json"]).read_text())
    assert edit["points_nm"] == [[60, 32, 40], [60, 32, 120]]


def test_labels_of_some_objects_leave_the_others_out(
    run: Run, project: str, tmp_path: Path
) -> None:
    whole, part = str(tmp_path / "a.h5"), str(tmp_path / "b.h5")
    run("export", project, whole, "--workers", "1")
    run("export", project, part, "--objects", "3", "--workers", "1")
    with h5py.File(whole) as first, h5py.File(part) as second, Project(project) as opened:
        everything, some = first["labels"][:], second["labels"][:]
        wanted = opened.exported_ids()[3]
    np.testing.assert_array_equal(some, np.where(everything == wanted, everything, 0))
    assert some.any()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "DST: nothing to export is named"),
        (["a.h5", "--box", "0:1,0:1,9000:9001"], "--box: no voxel lies in the box"),
        (["a.h5", "--level", "7"], "there is no level 7"),
        (["--table", "t.xlsx"], "--table: no known format for the suffix '.xlsx'"),
        (["--meshes", "m", "--objects", "99"], "there is no object 99"),
    ],
)
def test_what_cannot_be_is_told(
    refused: Callable[..., str],
    project: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert said in refused(["export", project, *arguments])
    assert sorted(tmp_path.iterdir()) == before


def test_submission_straight_from_a_project(
    run: Run, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volumes = {volume.key: volume for volume in BOTH}
    monkeypatch.setattr(axonem, "volume_named", volumes.__getitem__)
    said = run("axonem", "submit", str(tmp_path / "out"), "--human", project)
    (file,) = said["files"]
    human = volumes["human"]
    assert file["source"] == project
    with h5py.File(tmp_path / "out" / human.prediction) as opened:
        written = opened["main"][:]
    with Project(project, writable=False) as corrected:
        fragments = np.asarray(corrected.sources.fragments.arrays[0][:])
        labels = corrected.exported_ids()[fragments].astype(np.uint32)
    expected = np.zeros(human.challenge_shape, np.uint32)
    coarse = reduce_block(labels, (1, 4, 4), "labels")
    expected[: coarse.shape[0], : coarse.shape[1], : coarse.shape[2]] = coarse
    np.testing.assert_array_equal(written, expected)
