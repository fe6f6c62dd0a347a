"""`segment` and `agglomerate`, from affinities to a project and another threshold."""

import numpy as np
import pytest

from napari_axonem.proofreading.project import Project
from napari_axonem.volumes import open_volume
from tests.segmentation.affinity_cases import affinities_of, cells, write_affinities


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "a.h5"
    write_affinities(path, affinities_of(cells((40, 60, 70), 6)))
    return path


def test_segment_and_another_threshold(run, file, tmp_path):
    out = str(tmp_path / "a.segmentation")
    made = run("segment", f"{file}:image", out, "--affinities", f"{file}:affinities")
    assert made["threshold"] == 0.45
    labels = np.asarray(open_volume(f"{out}/segmentation.zarr").levels[0][:])
    assert len(np.unique(labels[labels > 0])) == made["segments"]
    other = run("agglomerate", out, "--threshold", "0.95")
    assert other["segments"] > made["segments"]
    again = np.asarray(open_volume(f"{out}/segmentation.zarr").levels[0][:])
    assert len(np.unique(again[again > 0])) == other["segments"]


def test_project_with_a_threshold_that_undo_takes_back(run, file, tmp_path):
    path = tmp_path / "a.axonem"
    made = run("segment", f"{file}:image", str(path), "--affinities", f"{file}:affinities")
    assert made["project"] == str(path)
    with Project(path, writable=False) as project:
        before = project.segment.copy()
    assert len(np.unique(before[1:])) == made["segments"]
    run("agglomerate", str(path), "--threshold", "0.95")
    with Project(path, writable=False) as project:
        assert len(np.unique(project.segment[1:])) > made["segments"]
        assert len(project.operations) == 1
    run("undo", str(path))
    with Project(path, writable=False) as project:
        np.testing.assert_array_equal(project.segment, before)


def test_models_are_listed(run):
    assert isinstance(run("segment", "--list-models"), list)


def test_what_is_missing_is_said(refused, file, tmp_path):
    assert "image and a destination" in refused(["segment"])
    out = str(tmp_path / "a.axonem")
    (tmp_path / "a.axonem").mkdir()
    said = refused(["segment", f"{file}:image", out, "--affinities", f"{file}:affinities"])
    assert "exists already" in said
    said = refused(["segment", f"{file}:image", str(tmp_path / "b"), "--model", "nobody"])
    assert "no model called 'nobody'" in said
