"""Each verb: what it prints, what it leaves, how it fails."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest
import zarr

from napari_axonem.cli import main
from napari_axonem.cli.main import VERBS

from .conftest import Run

Refused = Callable[[Sequence[str]], str]

ONE, TWO, THREE = "60,32,40", "60,32,120", "60,32,200"


def test_every_verb_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in VERBS:
        with pytest.raises(SystemExit) as left:
            main([*verb.name.split(), "--help"])
        assert left.value.code == 0
        assert verb.help in capsys.readouterr().out


def test_info_says_what_a_file_says(run: Run, volumes: str) -> None:
    found = run("info", f"{volumes}:image")
    assert found["shape"] == [4, 8, 30]
    assert found["voxel_size_nm"] == [30, 8, 8]
    assert found["dtype"] == "uint8"
    assert "HDF5" in found["reason"]


def test_evaluate_scores(run: Run, volumes: str) -> None:
    scores = run("evaluate", f"{volumes}:fragments", "--truth", f"{volumes}:truth")
    assert scores["voi"]["split"] == pytest.approx(2 / 3)  # 7 is halved: 1 bit in 2 of 3 voxels
    assert scores["voi"]["merge"] == 0
    assert scores["rand"]["precision"] == 1


def test_errors_of_a_segmentation_name_its_ids(run: Run, volumes: str) -> None:
    (error,) = run("errors", f"{volumes}:fragments", "--truth", f"{volumes}:truth")
    assert error["kind"] == "false_split"
    assert error["segments"] == [1, 2]
    assert error["truth"] == [7]
    assert error["gain_voi"] == pytest.approx(2 / 3)
    assert error["position_nm"][2] in (9.5 * 8, 10.5 * 8)  # at the contact of 1 and 2


def test_a_round_of_edits(run: Run, project: str) -> None:
    merged = run("merge", project, ONE, TWO, THREE)
    assert merged["operation"] == 1
    preview = run("split", project, "--red", ONE, TWO, "--blue", THREE, "--preview")
    assert preview["voi"]["total"] == pytest.approx(0)
    assert run("split", project, "--red", ONE, TWO, "--blue", THREE)["operation"] == 2
    assert run("undo", project)["target"] == 2
    assert run("redo", project)["target"] == 2
    log = run("project", "log", project)
    assert [row["kind"] for row in log] == ["merge", "split", "undo", "redo"]
    assert [row["undone"] for row in log] == [False] * 4
    assert log[0]["points_nm"] == [[60, 32, 40], [60, 32, 120], [60, 32, 200]]
    assert log[1]["colours"] == ["red", "red", "blue"]
    assert run("project", "verify", project)["differences"] == []
    assert run("errors", project) == []
    run("undo", project)
    assert [row["undone"] for row in run("project", "log", project)][:2] == [False, True]
    sides = "--red", ONE, "--blue", TWO, "--green", THREE
    preview = run("split", project, *sides, "--preview")
    assert [preview[f"{c}_fragments"] for c in ("red", "blue", "green")] == [[1], [2], [3]]
    assert len(run("split", project, *sides)["segments_after"]) == 3


def test_every_other_edit_has_a_verb(run: Run, project: str) -> None:
    run("bookmark", project, "start")
    run("merge", project, ONE, TWO, THREE)
    preview = run("cut-off", project, TWO, "--preview")
    assert preview["red_fragments"]
    cut = run("cut-off", project, TWO)
    assert (cut["kind"], len(cut["segments_after"])) == ("cut off", 2)
    run("new-object", project, ONE, THREE)
    run("isolate", project, ONE)
    assert run("delete", project, THREE)["segments_after"] == [0]
    run("erase", project, ONE, "--radius", "20", "--object", ONE)
    run("paint", project, ONE, "--radius", "15", "--object", TWO)
    run("go", project, "--to", "3")
    assert run("merge", project, ONE, "--reach", "500")["operation"] == 10
    run("go", project, "--to", "start")
    log = run("project", "log", project)
    kinds = ["mark", "merge", "cut off", "new object", "isolate", "delete", "erase", "paint"]
    assert [row["kind"] for row in log[:8]] == kinds
    assert log[0]["name"] == "start"
    assert [row["undone"] for row in log] == [False, *[True] * 7, False, True, False]
    assert set(log[1]) >= {"id", "kind", "points_nm", "undone", "user", "time", "change_voi"}
    assert log[1]["change_voi"]["total"] == pytest.approx(
        log[1]["change_voi"]["split"] + log[1]["change_voi"]["merge"]
    )
    assert run("project", "verify", project)["differences"] == []
    assert main(["project", "log", project]) == 0


def test_no_project_is_made_of_an_image(
    run: Run, refused: Refused, volumes: str, tmp_path: Path
) -> None:
    labels = np.repeat(np.arange(1, 4), 10)[np.newaxis, np.newaxis] * np.ones((4, 8, 1))
    grey = np.random.default_rng(0).integers(60, 200, labels.shape)
    with h5py.File(volumes, "a") as h5:
        for name, voxels in {"em": grey, "few": labels}.items():
            h5[name] = voxels.astype(np.uint8)
            h5[name].attrs["voxel_size_nm"] = (30.0, 8.0, 8.0)
    path = str(tmp_path / "new.axonem")
    for role in ("fragments", "segmentation"):
        assert "an image" in refused(["project", "create", path, f"--{role}", f"{volumes}:em"])
    assert not list(tmp_path.glob("*new.axonem*"))
    assert run("project", "create", path, "--fragments", f"{volumes}:few")["fragments"] == 3


def test_a_bookmark_that_moves_says_from_where(
    run: Run, project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("bookmark", project, "here")["moved_from"] is None
    run("merge", project, ONE, TWO)
    assert main(["bookmark", project, " here"]) == 0
    said = capsys.readouterr().out
    assert said.endswith("\n'here' is here now, and no longer at operation 1\n")
    run("undo", project)
    run("go", project, "--to", "here")
    assert run("project", "info", project)["segments"] == 2


def test_no_neighbour_is_deleted_in_the_place_of_what_is_gone(
    run: Run, refused: Refused, project: str
) -> None:
    run("delete", project, THREE)
    line = refused(["delete", project, ONE, THREE])
    assert "point 60,32,200 nm: there is no object; the nearest is 2 at " in line
    assert "there is no object" in refused(
        ["erase", project, TWO, "--radius", "20", "--object", THREE]
    )
    assert len(run("project", "log", project)) == 1
    assert run("project", "info", project)["segments"] == 2
    run("merge", project, ONE, THREE)  # other edits go on taking the nearest


def test_export_is_read_by_h5py_and_zarr_alone(run: Run, project: str, tmp_path: Path) -> None:
    run("merge", project, ONE, TWO)
    run("export", project, str(tmp_path / "out.h5"))
    run("export", project, str(tmp_path / "out.zarr"))
    with h5py.File(tmp_path / "out.h5") as file:
        labels = file["labels"][:]
        assert file["labels"].attrs["voxel_size_nm"].tolist() == [30, 8, 8]
    np.testing.assert_array_equal(labels, zarr.open_group(tmp_path / "out.zarr", mode="r")["0"][:])
    assert len(np.unique(labels[:, :, :20])) == 1
    assert labels[0, 0, 25] != labels[0, 0, 0]


def test_text_is_for_people(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    for arguments in (
        ["project", "info", project],
        ["errors", project],
        ["merge", project, ONE, TWO],
    ):
        assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "3 fragments in 3 segments" in printed
    assert "1 false split and 0 false merges" in printed
    assert "operation 1: merge" in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["merge"], "PROJECT and Z,Y,X are needed"),
        (["fly"], "invalid choice"),
        (["info", "missing.h5"], "no such file"),
        (["merge", "PROJECT", ONE], "two points or more"),
        (["merge", "PROJECT", ONE, "1,2"], "Z,Y,X"),
        (["merge", "PROJECT", ONE, "--reach", "5"], "no other object"),
        (["isolate", "PROJECT", ONE], "by itself already"),
        (["new-object", "PROJECT", ONE], "one object already"),
        (["cut-off", "PROJECT", ONE], "single fragment"),
        (["paint", "PROJECT", ONE, "--radius", "9"], "--object"),
        (["agglomerate", "PROJECT", "--threshold", "0.5"], "--affinities"),
        (["go", "PROJECT", "--to", "nowhere"], "no mark"),
        (["go", "PROJECT", "--to", "7"], "no operation 7"),
        (["merge", "PROJECT", ONE, ONE], "already"),
        (["merge", "PROJECT", ONE, "1e6,0,0"], "outside"),
        (["split", "PROJECT", "--red", ONE, "--blue", TWO], "segment 1 but point 2"),
        (["split", "PROJECT", "--red", ONE], "--blue"),
        (["undo", "PROJECT"], "nothing to undo"),
        (["redo", "PROJECT"], "nothing to redo"),
        (["export", "PROJECT", "labels.xyz"], "labels.xyz"),
        (["errors", "data.h5:fragments"], "data.h5"),
        (["project", "info", "nowhere.axonem"], "no project"),
        (["project", "create", "PROJECT", "--fragments", "x.h5"], "exists"),
        (["project", "create", "new.axonem"], "needs fragments or a segmentation"),
        (["project", "create", "new.xyz", "--fragments", "x.h5"], ".axonem"),
        (["evaluate", "x.h5", "--truth", "y.h5", "--voxel-size", "0,8,8"], "--voxel-size"),
    ],
)
def test_mistakes_are_answered_in_one_line(
    arguments: list[str], said: str, project: str, refused: Refused
) -> None:
    line = refused([project if a == "PROJECT" else a for a in arguments])
    assert said in line


def test_an_unknown_voxel_size_names_the_flag(tmp_path: Path, refused: Refused) -> None:
    with h5py.File(tmp_path / "bare.h5", "w") as h5:
        h5["labels"] = np.ones((2, 3, 4), np.uint8)
    bare = str(tmp_path / "bare.h5")
    assert "--voxel-size Z,Y,X" in refused(["evaluate", bare, "--truth", bare])


def test_the_phantom_is_written_with_its_parts(run: Run, tmp_path: Path) -> None:
    destination = str(tmp_path / "phantom.zarr")
    made = run("phantom", destination, "--shape", "12,96,96", "--seed", "3")
    for part in made["volumes"]:
        assert run("info", f"{destination}/{part}")["shape"] == [12, 96, 96]


def test_it_runs_as_a_module_and_tells_progress_as_json(volumes: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "napari_axonem", "project", "create"),
            *(str(tmp_path / "p.axonem"), "--fragments", f"{volumes}:fragments"),
        ],
        env={"AXONEM_PROGRESS": "json", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"doing": "writing fragments"' in done.stderr
    assert "3 fragments in 3 segments" in done.stdout


def test_an_unexpected_failure_is_one_line_and_status_1(
    project: str, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("napari_axonem.cli.editing.Project", fail)
    line = refused(["undo", project], status=1)
    assert "ZeroDivisionError" in line


def test_networks_without_their_libraries_say_what_to_install(
    volumes: str, refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as where it is not installed
    for name in [n for n in sys.modules if n.startswith("napari_axonem.training.start")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "napari_axonem.training.affinity_task", raising=False)
    line = refused(["train", "--volumes", volumes, "--out", str(tmp_path / "run")])
    assert "napari-axonem[models]" in line
    assert not (tmp_path / "run").exists()
