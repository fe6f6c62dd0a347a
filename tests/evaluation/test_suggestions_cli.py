"""`errors` without truth lists suggestions."""

import json

import h5py
import numpy as np
import pytest

from napari_axonem.cli import main


@pytest.fixture
def file(tmp_path):
    """One bright tube in two segments, 10 and 20, and a third one behind a membrane, 30."""
    segments = np.full((16, 32, 40), 10, np.uint32)
    segments[:, :, 20:] = 20
    segments[:, 16:] = 30
    image = np.full(segments.shape, 160, np.uint8)
    image[:, 15:17] = 60
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as h5:
        for name, array in {"segments": segments, "image": image}.items():
            h5[name] = array
            h5[name].attrs["voxel_size_nm"] = (16.0, 16.0, 16.0)
    return path


def run(capsys, *arguments):
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_segmentation_without_truth(capsys, file):
    rows = run(capsys, "errors", f"{file}:segments", "--image", f"{file}:image")
    assert rows[0]["kind"] == "false_split"
    assert rows[0]["segments"] == [10, 20]  # as they are in the file
    assert rows[0]["score"] > 0.5 > rows[1]["score"]
    assert "no membrane" in rows[0]["reason"]
    assert rows[0]["position_nm"][2] in (19.5 * 16, 20.5 * 16)


def test_a_project_without_truth_uses_its_own_image(capsys, file, tmp_path):
    project = tmp_path / "p.axonem"
    sources = ["--fragments", f"{file}:segments", "--image", f"{file}:image"]
    run(capsys, "project", "create", project, *sources)
    rows = run(capsys, "errors", project)
    assert rows[0]["segments"] == [1, 2]
    assert "no membrane" in rows[0]["reason"]
    run(capsys, "merge", project, "120,120,100", "120,120,500")
    assert [1, 2] not in [row["segments"] for row in run(capsys, "errors", project)]


def test_people_are_told_that_there_is_no_truth(capsys, file):
    assert main(["errors", f"{file}:segments"]) == 0
    printed = capsys.readouterr().out
    assert "no truth" in printed
    assert "10, 20" in printed
