"""A phantom on disk."""

import json

import numpy as np
import pytest
import zarr

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Box, Grid
from napari_axonem.volumes.phantom import Phantom, PhantomSettings, write_phantom
from napari_axonem.volumes.pyramid import Pyramid

SETTINGS = PhantomSettings(
    shape=(20, 150, 140), voxel_size=(40, 8, 8), seed=9, false_splits=1, false_merges=1
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("phantom") / "phantom.zarr"
    calls = []
    write_phantom(path, SETTINGS, lambda done, total, doing: calls.append((done, total, doing)))
    return path, calls


@pytest.fixture(scope="module")
def phantom():
    return Phantom(SETTINGS)


def test_all_voxels_are_those_of_the_phantom(written, phantom):
    path, _ = written
    whole = Box.of_shape(SETTINGS.shape)
    block = phantom.render(whole)
    segmentation = phantom.segment_of_fragment[block.fragments]
    for name, expected in (
        ("image", block.image),
        ("labels/truth", block.truth),
        ("labels/fragments", block.fragments),
        ("labels/segmentation", segmentation),
    ):
        pyramid = Pyramid.open(path / name)
        assert pyramid.volume.grid == Grid((40.0, 8.0, 8.0))
        np.testing.assert_array_equal(pyramid.volume.read(whole), expected, name)
        assert len(pyramid.volume.levels) > 1
        coarsest = np.asarray(pyramid.volume.levels[-1][:, :, :])
        assert set(np.unique(coarsest)) <= set(range(int(expected.max()) + 1))
        assert coarsest.any()
    affinities = zarr.open_array(path / "affinities", mode="r")
    np.testing.assert_array_equal(affinities[:], block.affinities)
    assert affinities.attrs["voxel_size_nm"] == [40.0, 8.0, 8.0]


def test_the_description_holds_settings_tables_and_errors(written, phantom):
    path, _ = written
    told = json.loads((path / "phantom.json").read_text(encoding="utf-8"))
    assert PhantomSettings.parse(told["settings"]) == SETTINGS
    assert told["segment_of_fragment"] == phantom.segment_of_fragment.tolist()
    assert told["truth_of_fragment"] == phantom.truth_of_fragment.tolist()
    assert [e["kind"] for e in told["planted"]] == [e.kind for e in phantom.planted]
    assert [tuple(e["position_nm"]) for e in told["planted"]] == [
        e.position_nm for e in phantom.planted
    ]
    assert [a["section"] for a in told["artefacts"]] == [a.section for a in phantom.artefacts]
    assert told["n_fragments"] == phantom.n_fragments
    labels = zarr.open_group(path / "labels", mode="r").attrs["ome"]
    assert labels["labels"] == ["truth", "fragments", "segmentation"]


def test_progress_reaches_its_end(written):
    _, calls = written
    for doing in {doing for _, _, doing in calls if doing != "laying out neurites"}:
        done, total, _ = [call for call in calls if call[2] == doing][-1]
        assert done == total > 0


def test_what_is_there_is_not_replaced_unasked(written):
    path, _ = written
    with pytest.raises(VolumeError, match=rf"{path.name}: exists already; choose another name$"):
        write_phantom(path, SETTINGS)
    assert (path / "phantom.json").is_file()


def test_stopping_leaves_nothing_behind(tmp_path):
    def stop(done, total, doing):
        if doing == "rendering the phantom" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_phantom(tmp_path / "phantom.zarr", PhantomSettings(shape=(8, 64, 64)), stop)
    assert list(tmp_path.iterdir()) == []
