"""`mark`, and what `project info` says of it."""

import json

import h5py
import numpy as np
import pytest

from napari_axonem.cli import main


@pytest.fixture
def project(tmp_path, capsys):
    labels = np.ones((4, 8, 20), np.uint32)
    labels[:, :, 10:] = 2
    with h5py.File(tmp_path / "l.h5", "w") as file:
        file["labels"] = labels
    path = tmp_path / "p.axonem"
    source = ["--fragments", f"{tmp_path / 'l.h5'}:labels", "--voxel-size", "10,10,10"]
    assert main(["project", "create", str(path), *source]) == 0
    capsys.readouterr()
    return str(path)


def run(capsys, *arguments):
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_marking_from_the_command(capsys, project) -> None:
    said = run(capsys, "mark", project, "20,40,30", "--state", "done", "--note", "spiny")
    assert (said["segment"], said["state"], said["note"]) == (1, "done", "spiny")
    assert said["finished"]["of_objects"] == 2
    said = run(capsys, "mark", project, "20,40,30", "--state", "locked")
    assert (said["state"], said["note"]) == ("locked", "spiny")
    assert main(["merge", project, "20,40,30", "20,40,150"]) == 2
    assert "--state none" in capsys.readouterr().err
    about = run(capsys, "project", "info", project)
    assert about["finished"]["objects"] == 1
    assert about["finished"]["voxels"] * 2 == about["finished"]["of_voxels"]
    said = run(capsys, "mark", project, "20,40,30", "--note", "")
    assert (said["state"], said["note"]) == ("locked", "")
    run(capsys, "mark", project, "20,40,30", "--state", "none")
    run(capsys, "merge", project, "20,40,30", "20,40,150")
    assert main(["project", "info", project]) == 0
    assert "0 of 1 object finished" in capsys.readouterr().out


def test_nothing_said_and_nothing_hit(capsys, project) -> None:
    assert main(["mark", project, "20,40,30"]) == 2
    assert "--state" in capsys.readouterr().err
    assert main(["mark", project, "20,40,3000", "--state", "done"]) == 2
    assert "outside" in capsys.readouterr().err
