"""From an image to labels and a project by a model: predicted, flooded, resampled, cut off."""

import errno

import h5py
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from napari_axonem.cli.segmenting import segment as segment_verb
from napari_axonem.errors import SettingsError, StorageError, VolumeError
from napari_axonem.networks.files import load_model, save_model
from napari_axonem.proofreading.project import Project
from napari_axonem.segmentation import result as results
from napari_axonem.segmentation.fragments import joining
from napari_axonem.segmentation.result import Result
from napari_axonem.segmentation.segmenting import segment
from napari_axonem.segmentation.settings import SegmentSettings
from napari_axonem.volumes import open_affinities, open_volume
from napari_axonem.watching import Unwatched, Wish
from tests.segmentation.affinity_cases import affinities_of, cells, write_affinities
from tests.segmentation.flooding_cases import tiny_model, tubes
from tests.segmentation.inference_cases import grey_image, save

SHAPE = (20, 30, 26)


def files_of(path):
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}


def voxels(path):
    return np.asarray(open_volume(path).levels[0][:])


def write(path, image, voxel_size, truth=None):
    """Write an image with its truth, and return what `segment` takes for them."""
    with h5py.File(path, "w") as file:
        for name, array in (("image", image), ("truth", truth)):
            if array is not None:
                file[name] = array
                file[name].attrs["voxel_size_nm"] = voxel_size
    return {"volume": f"{path}:image", "truth": f"{path}:truth" if truth is not None else None}


def settings(destination, model, **given):
    fixed = {"device": "cpu", "precision": "float32", "workers": 1, "invert": "no"}
    return SegmentSettings(
        **{"destination": str(destination), "model": str(model), **fixed, **given}
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A U-Net that nobody has trained, whose card recommends a threshold."""
    folder = tmp_path_factory.mktemp("models")
    loaded = load_model(save(folder, "raw"))
    card = loaded.card.model_copy(update={"name": "untrained", "threshold": 0.37})
    return save_model(folder / "untrained", loaded.network, card)


def test_image_to_project_by_a_network(tmp_path, model):
    """What comes of a model is what comes of the affinities that it gave."""
    truth = cells(SHAPE, 3)
    source = write(tmp_path / "a.h5", grey_image(SHAPE), (10, 10, 10), truth)
    made = segment_verb(settings(tmp_path / "a.axonem", model, **source), Unwatched())
    result = Result(tmp_path / "a.segmentation")
    assert made.data["threshold"] == 0.37
    assert made.data["model"] == "untrained"
    affinities = f"{result.affinities}/0"
    again = segment(
        settings("x", "", volume=source["volume"], affinities=affinities, threshold=0.37),
        tmp_path / "b.segmentation",
    )
    for name in ("fragments.zarr", "segmentation.zarr"):
        assert files_of(result.folder / name) == files_of(again.result.folder / name)
    assert again.said["fragments"] == made.data["fragments"] > 1
    with Project(tmp_path / "a.axonem", writable=False) as project:
        assert len(np.unique(project.segment[1:])) == made.data["segments"]
        assert np.isfinite(project.graph.edges.affinity).any()


def test_threshold_of_the_user_comes_before_that_of_the_card(tmp_path, model):
    source = write(tmp_path / "a.h5", grey_image(SHAPE), (10, 10, 10))
    done = segment(settings("x", model, threshold=0.6, **source), tmp_path / "a")
    assert done.said["threshold"] == 0.6


@pytest.mark.parametrize("size", [(20, 20, 20), (6, 7, 10)])
def test_labels_are_on_the_grid_of_the_image(tmp_path, model, size):
    """A model made for other voxels: fragments are those of its grid, at the middle of voxels."""
    truth = cells(SHAPE, 3)
    source = write(tmp_path / "a.h5", grey_image(SHAPE), size, truth)
    segment_verb(settings(tmp_path / "a.axonem", model, **source), Unwatched())
    result = Result(tmp_path / "a.segmentation")
    there = f"{result.affinities}/0"
    shape = open_affinities(there).shape[1:]
    blank = write(tmp_path / "m.h5", np.zeros(shape, np.uint8), (10, 10, 10))
    own = segment(settings("x", "", affinities=there, threshold=0.37, **blank), tmp_path / "own")
    for path in ("fragments", "segmentation"):
        theirs, mine = voxels(getattr(own.result, path)), voxels(getattr(result, path))
        assert mine.shape == SHAPE
        at = [
            np.minimum(((np.arange(n) + 0.5) * s / 10).astype(int), m - 1)
            for n, s, m in zip(SHAPE, size, theirs.shape, strict=True)
        ]
        np.testing.assert_array_equal(mine, theirs[np.ix_(*at)])
    assert tuple(open_volume(result.fragments).grid.voxel_size) == size
    with Project(tmp_path / "a.axonem", writable=False) as project:
        ids = np.unique(voxels(result.segmentation))
        assert len(np.unique(project.segment[1:])) == (ids > 0).sum()
        assert project.sources.image is not None
        assert project.sources.truth is not None


class Stopping(Unwatched):
    """Wishes to stop after so many questions."""

    def __init__(self, left):
        super().__init__()
        self.left = left

    def wish(self):
        self.left -= 1
        return Wish.STOP if self.left < 0 else Wish.GO_ON


def test_flooding_to_a_project_and_over_it(tmp_path):
    image, truth = tubes()
    source = write(tmp_path / "t.h5", image, (10, 10, 10), truth)
    model = tiny_model(tmp_path).path
    wanted = settings(tmp_path / "t.axonem", model, method="flooding", **source)
    made = segment_verb(wanted, Unwatched())
    result = Result(tmp_path / "t.segmentation")
    assert made.data["segments"] == 4
    labels = voxels(result.segmentation)
    assert made.data["background_voxels"] == (labels == 0).sum()
    assert not labels[truth == 0].any()
    assert (labels > 0).sum() > 0.8 * (truth > 0).sum()
    with Project(tmp_path / "t.axonem", writable=False) as project:
        assert len(np.unique(project.segment[1:])) == 4
    with pytest.raises(VolumeError, match="graph of fragments cannot be read"):
        result.cut(0.5)
    assert result.read_said()["segments"] == 4
    before = files_of(result.folder)
    with pytest.raises(VolumeError, match="exists already"):
        segment(wanted, result.folder)
    over = wanted.model_copy(update={"overwrite": True})
    assert not segment(over, result.folder, Stopping(1)).complete
    assert files_of(result.folder) == before  # until the new one is complete
    done = segment(over, result.folder)
    assert done.resumed
    assert files_of(result.folder) == before
    assert sorted(p.name for p in tmp_path.glob(".*")) == []


def test_flooding_heeds_the_contrast(tmp_path):
    image, truth = tubes()
    source = write(tmp_path / "t.h5", 255 - image, (10, 10, 10), truth)
    model = tiny_model(tmp_path).path
    wanted = settings("x", model, method="flooding", **{**source, "invert": "yes"})
    assert segment(wanted, tmp_path / "t").said["segments"] == 4


@pytest.mark.parametrize(("name", "value"), [("smallest_fragment", 5), ("augment", "flips")])
def test_flooding_refuses_what_it_has_no_use_for(tmp_path, name, value):
    source = write(tmp_path / "t.h5", tubes()[0], (10, 10, 10))
    wanted = settings("x", "", method="flooding", **source, **{name: value})
    with pytest.raises(SettingsError, match=f"^--{name.replace('_', '-')}: .*no use for it"):
        segment(wanted, tmp_path / "t")
    assert [path.name for path in tmp_path.iterdir()] == ["t.h5"]


def test_flooded_labels_are_on_the_grid_of_the_image(tmp_path):
    image, truth = tubes()
    fine = image.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    source = write(tmp_path / "t.h5", fine, (5, 5, 5))
    model = tiny_model(tmp_path).path
    done = segment(settings("x", model, method="flooding", **source), tmp_path / "t")
    labels = voxels(done.result.segmentation)
    assert labels.shape == fine.shape
    coarse = labels[::2, ::2, ::2]
    np.testing.assert_array_equal(labels, coarse.repeat(2, 0).repeat(2, 1).repeat(2, 2))
    assert done.said["segments"] == 4
    for label in range(1, 5):
        assert len(np.unique(truth[coarse == label])) == 1


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("cut") / "a.h5"
    write_affinities(path, affinities_of(cells((30, 40, 40), 4)))
    return path


def from_affinities(file, **given):
    return settings("x", "", volume=f"{file}:image", affinities=f"{file}:affinities", **given)


def test_another_threshold_that_is_cut_off_is_not_misreported(tmp_path, file, monkeypatch):
    result = segment(from_affinities(file), tmp_path / "a").result
    before = voxels(result.segmentation)

    def failing(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(results, "write_volume", failing)
        with pytest.raises(KeyboardInterrupt):
            result.cut(0.99)
    assert result.read_said()["threshold"] is None
    np.testing.assert_array_equal(voxels(result.segmentation), before)
    count = result.cut(0.99)
    said = result.read_said()
    assert (said["threshold"], said["segments"]) == (0.99, count)
    labels = voxels(result.segmentation)
    assert len(np.unique(labels[labels > 0])) == count


def test_project_is_made_at_its_own_threshold(tmp_path, file):
    """Of a segmentation that is there already, and was cut at another since."""
    segment(from_affinities(file), tmp_path / "a.segmentation").result.cut(0.99)
    wanted = from_affinities(file).model_copy(update={"destination": str(tmp_path / "a.axonem")})
    made = segment_verb(wanted, Unwatched())
    assert made.data["threshold"] == 0.45
    with Project(tmp_path / "a.axonem", writable=False) as project:
        assert len(np.unique(project.segment[1:])) == made.data["segments"]


def test_full_disk_while_blocks_are_joined(tmp_path, file, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(joining.np, "save", full)
        with pytest.raises(StorageError, match="No space left"):
            segment(from_affinities(file), tmp_path / "a")
    assert segment(from_affinities(file), tmp_path / "a").resumed
