"""Flooding volumes: blocks joined, work taken up again, and images that are not as they should."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from napari_axonem.errors import MismatchError, ModelError, SettingsError, VolumeError  # noqa: E402
from napari_axonem.evaluation.overlaps import count_overlaps  # noqa: E402
from napari_axonem.evaluation.scores import voi  # noqa: E402
from napari_axonem.geometry import Grid  # noqa: E402
from napari_axonem.networks.chain import Chain  # noqa: E402
from napari_axonem.segmentation.flooding.consensus import consensus  # noqa: E402
from napari_axonem.segmentation.flooding.flood import flood, is_unfinished  # noqa: E402
from napari_axonem.segmentation.flooding.joining import agreeing, united  # noqa: E402
from napari_axonem.segmentation.flooding.predictor import Predictor  # noqa: E402
from napari_axonem.segmentation.flooding.settings import FloodSettings  # noqa: E402
from napari_axonem.volumes import Pyramid, open_volume  # noqa: E402
from napari_axonem.watching import Unwatched, Wish  # noqa: E402
from tests.conftest import ROOT  # noqa: E402
from tests.segmentation.flooding_cases import tiny_model, tubes  # noqa: E402

ONE = FloodSettings(min_size=50, device="cpu", precision="float32")
MANY = ONE.model_copy(update={"block": (17, 40, 32), "margin": (10, 10, 10)})


def image_of(path, grey):
    pyramid = Pyramid.create(path, grey.shape, grey.dtype, Grid((10, 10, 10)), "image")
    pyramid.write(pyramid.volume.box, grey)
    return open_volume(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the image of four tubes and a model for it."""
    path = tmp_path_factory.mktemp("flooding")
    image_of(path / "image.zarr", tubes()[0])
    tiny_model(path)
    return path


@pytest.fixture(scope="module")
def image(folder):
    return open_volume(folder / "image.zarr")


@pytest.fixture(scope="module")
def model(folder):
    return tiny_model(folder)


@pytest.fixture(scope="module")
def by_blocks(folder, image, model):
    """Labels of four blocks, flooded in one go."""
    return flood(image, model, folder / "labels.zarr", MANY)


@pytest.fixture(scope="module")
def fields(folder, image, model, by_blocks):
    """How many fields of view that takes."""
    told = Told()
    again = flood(image, model, folder / "again" / "labels.zarr", MANY, told)
    assert files_of(Path(again.location)) == files_of(Path(by_blocks.location))
    return told.points[-1][1]


def voxels(volume):
    return volume.read(volume.box)


def flooded(folder, grey, model, settings=ONE):
    """Labels of an image that is no file yet."""
    image = image_of(folder / "i.zarr", grey)
    return voxels(flood(image, model, folder / "labels.zarr", settings))


def files_of(path):
    return {p.relative_to(path): p.read_bytes() for p in path.rglob("*") if p.is_file()}


class Told(Unwatched):
    """Remembers what it is told, and wishes what it is given, one wish a question."""

    def __init__(self, wishes=()):
        super().__init__()
        self.wishes, self.said, self.steps, self.points = list(wishes), [], [], []

    def say(self, text):
        self.said.append(text)

    def progress(self, done, total, doing):
        self.steps.append((doing, done, total))

    def scalar(self, name, step, value):
        self.points.append((name, step, value))

    def wish(self):
        return self.wishes.pop(0) if self.wishes else Wish.GO_ON


def test_one_block_finds_the_tubes(tmp_path, image, model):
    told = Told()
    labels = voxels(flood(image, model, tmp_path / "labels.zarr", ONE, told))
    truth = tubes()[1]
    assert labels.max() == 4
    assert voi(count_overlaps(labels, truth)).total < 0.25
    assert not labels[truth == 0].any()
    dones = [done / total for doing, done, total in told.steps if doing == "flooding"]
    assert dones == sorted(dones)
    assert dones[-1] == 1
    assert told.points[-1][0] == "fields of view/s"
    assert not is_unfinished(tmp_path / "labels.zarr")
    assert not list(tmp_path.glob(".*"))


def test_blocks_are_joined_to_the_objects_of_the_whole(by_blocks):
    labels, truth = voxels(by_blocks), tubes()[1]
    assert sorted(np.unique(labels)) == [0, 1, 2, 3, 4]
    both = (labels > 0) & (truth > 0)
    assert both.sum() > 0.9 * (truth > 0).sum()
    assert voi(count_overlaps(labels[both], truth[both])).total == 0
    assert len(by_blocks.levels) == len(by_blocks.factors)


def test_the_order_of_seeds_can_be_turned_round_and_both_agreed_on(tmp_path, image, model):
    both = ONE.model_copy(update={"seed_order": "both"})
    labels = voxels(flood(image, model, tmp_path / "labels.zarr", both))
    assert labels.max() == 4


def test_batches_do_not_change_anything(tmp_path, image, model, by_blocks):
    settings = MANY.model_copy(update={"at_once": 5})
    assert np.array_equal(
        voxels(flood(image, model, tmp_path / "labels.zarr", settings)), voxels(by_blocks)
    )


def test_stopped_and_started_again_it_comes_to_the_same_files(tmp_path, image, model, by_blocks):
    path = tmp_path / "labels.zarr"
    stops = 0
    while True:
        told = Told([Wish.GO_ON, Wish.PAUSE, Wish.GO_ON, *[Wish.GO_ON] * 200, Wish.STOP])
        flood(image, model, path, MANY, told)
        if not is_unfinished(path):
            break
        assert "stopped" in told.said[-1]
        stops += 1
    assert stops >= 3
    assert files_of(path) == files_of(Path(by_blocks.location))


@pytest.mark.parametrize("at", [20, 95, 180])
def test_killed_and_started_again_it_comes_to_the_same_files(
    tmp_path, folder, image, model, by_blocks, fields, at
):
    path = tmp_path / "labels.zarr"
    script = "tests.segmentation.killed_flooding"
    command = [
        sys.executable,
        "-m",
        script,
        str(folder),
        str(path),
        MANY.model_dump_json(),
        str(at),
    ]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=False)
    assert killed.returncode == -9, killed.stderr.decode()
    assert is_unfinished(path)
    told = Told()
    flood(image, model, path, MANY, told)
    assert told.points[-1][1] <= fields - at + 4, "it began anew"
    assert files_of(path) == files_of(Path(by_blocks.location))


def test_what_is_finished_can_be_looked_at_meanwhile(tmp_path, image, model):
    path = tmp_path / "labels.zarr"
    flood(image, model, path, ONE, Told([*[Wish.GO_ON] * 400, Wish.CHECKPOINT, Wish.STOP]))
    assert is_unfinished(path)
    partial = voxels(open_volume(path))
    assert 0 < len(np.unique(partial)) - 1 < 4


def test_unfinished_work_of_other_settings_is_left_alone(tmp_path, image, model):
    path = tmp_path / "labels.zarr"
    flood(image, model, path, ONE, Told([Wish.GO_ON, Wish.STOP]))
    with pytest.raises(VolumeError, match="other settings"):
        flood(image, model, path, ONE.model_copy(update={"min_size": 60}))
    # how much is computed at once changes nothing
    flood(image, model, path, ONE.model_copy(update={"at_once": 3}))
    assert not is_unfinished(path)
    with pytest.raises(VolumeError, match="exists already"):
        flood(image, model, path, ONE)


@pytest.mark.parametrize(
    ("shape", "found"), [((5, 36, 40), 0.5), ((12, 9, 31), 0.9), ((1, 4, 40), 0)]
)
def test_an_image_smaller_than_the_field_of_view(tmp_path, model, shape, found):
    grey = tubes()[0][6 : 6 + shape[0], 4 : 4 + shape[1], : shape[2]]
    labels = flooded(tmp_path, grey, model)
    assert labels.shape == shape
    bright = grey > 100
    assert (labels[bright] > 0).mean() >= found
    assert not labels[~bright].any()


def test_an_image_that_is_the_same_everywhere_stays_background(tmp_path, model):
    grey = np.full((20, 24, 28), 90, np.uint8)
    assert not flooded(tmp_path, grey, model).any()


def test_missing_sections_and_numbers_that_are_none(tmp_path, model):
    grey = tubes()[0][:, :, :48].astype(np.float32)
    grey[18:20] = 60
    grey[2:4, :, :] = np.nan
    grey[25, 20:24, 10:14] = np.inf
    labels = flooded(tmp_path, grey, model)
    assert labels.max() == 4
    assert not labels[18:20].any()


def test_sixteen_bits_are_brought_to_what_the_model_knows(tmp_path, model):
    grey, truth = tubes()
    deep = (grey[:, :, :48].astype(np.uint16) * 100) + 9000
    labels = flooded(tmp_path, deep, model)
    both = (labels > 0) & (truth[:, :, :48] > 0)
    assert both.sum() > 0.9 * (truth[:, :, :48] > 0).sum()
    assert labels.max() == 4


def test_seeds_can_be_placed_by_affinities(tmp_path, image, model):
    truth = tubes()[1]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = np.stack([(truth == 2) * np.uint8(255)] * 3)
        file["small"] = np.zeros((3, 5, 5, 5), np.uint8)
    settings = ONE.model_copy(update={"affinities": f"{tmp_path / 'a.h5'}:a"})
    labels = voxels(flood(image, model, tmp_path / "labels.zarr", settings))
    assert labels.max() == 1
    assert set(np.unique(truth[labels > 0])) == {2}
    wrong = settings.model_copy(update={"affinities": f"{tmp_path / 'a.h5'}:small"})
    with pytest.raises(MismatchError):
        flood(image, model, tmp_path / "other.zarr", wrong)


def test_affinities_that_are_none_place_no_seeds(tmp_path, image, model):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = np.full((3, *image.shape), np.nan, np.float32)
    settings = ONE.model_copy(update={"affinities": f"{tmp_path / 'a.h5'}:a"})
    with pytest.raises(VolumeError, match="not in 0 to 1"):
        flood(image, model, tmp_path / "labels.zarr", settings)


def test_an_image_whose_contrast_is_inverted_is_turned_where_asked(tmp_path, model):
    told, greys = Told(), tubes()[0]
    image = image_of(tmp_path / "i.zarr", 255 - greys)
    inverted = ONE.model_copy(update={"invert": "yes"})
    labels = voxels(flood(image, model, tmp_path / "labels.zarr", inverted, told))
    assert np.array_equal(labels, flooded(tmp_path / "plain", greys, model))
    assert any("inverted" in words for words in told.said)


def test_models_that_cannot_flood_are_refused(tmp_path, image, model):
    even = replace(model, card=model.card.model_copy(update={"patch": (8, 9, 9)}))
    with pytest.raises(ModelError, match="field of view"):
        flood(image, even, tmp_path / "labels.zarr", ONE)
    other = replace(model, settings=ONE)
    with pytest.raises(ModelError, match="architecture"):
        flood(image, other, tmp_path / "labels.zarr", ONE)
    with pytest.raises(SettingsError, match="margin"):
        flood(image, model, tmp_path / "labels.zarr", MANY.model_copy(update={"margin": (2, 2, 2)}))
    with pytest.raises(SettingsError, match="no device"):
        flood(image, model, tmp_path / "labels.zarr", ONE.model_copy(update={"device": "cuda:77"}))
    assert not (tmp_path / "labels.zarr").exists()


def test_nan_from_the_network_is_an_error(model):
    look = Predictor(model.network, "cpu", "float32")
    fields = np.full((1, 9, 9, 9), np.nan, np.float32)
    with pytest.raises(ModelError, match="NaN"):
        look(fields, np.zeros_like(fields))


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("full"), RuntimeError("DefaultCPUAllocator: can't allocate memory")],
)
def test_too_little_memory_means_fewer_at_once(model, error):
    masks = np.random.default_rng(0).normal(size=(5, 9, 9, 9)).astype(np.float32)
    wanted = Predictor(model.network, "cpu", "float32")(masks, masks)

    class Small(torch.nn.Module):
        most = 2

        def forward(self, live):
            if len(live[0]) > self.most:
                raise error
            return live

    full = Chain([("small", Small()), *model.network])
    look = Predictor(full, "cpu", "float32")
    assert np.array_equal(look(masks, masks), wanted)
    Small.most = 0
    with pytest.raises(ModelError, match="memory"):
        look(masks, masks)


def test_less_precision_keeps_the_mask_in_full_precision(model):
    masks = np.random.default_rng(0).normal(size=(2, 9, 9, 9)).astype(np.float32)
    images = np.full_like(masks, -1)  # dark: the update is the same everywhere
    full, half = (
        Predictor(model.network, "cpu", p)(images, masks) for p in ("float32", "bfloat16")
    )
    assert np.allclose(full, masks - 4)
    assert np.array_equal(full, half)


def test_consensus_parts_objects_where_two_segmentations_disagree():
    first = np.array([[1, 1, 1, 1, 2, 2, 0, 0]], np.uint32)
    second = np.array([[7, 7, 8, 0, 8, 8, 9, 0]], np.uint32)
    assert consensus(first, second, 1).tolist() == [[2, 2, 3, 1, 4, 4, 0, 0]]
    assert consensus(first, second, 2).tolist() == [[1, 1, 0, 0, 2, 2, 0, 0]]
    with pytest.raises(MismatchError):
        consensus(first, second[:, 1:], 1)


def test_objects_are_one_where_each_is_the_others_largest_partner():
    first, second = np.zeros((2, 20, 20, 20), np.uint32)
    first[:, :10], first[:, 10:] = 1, 2
    second[:, :6], second[:, 6:10], second[:, 10:] = 5, 6, 7
    assert agreeing(first, second, 0.5).tolist() == [[1, 5], [2, 7]]
    second[:, 10:] = 0
    assert agreeing(first, second, 0.5).tolist() == [[1, 5]]
    # a touch is no agreement
    second[:] = 0
    second[0, 0, :9] = 3
    assert agreeing(first, second, 0.5).tolist() == []


def test_ids_are_united_over_blocks_whatever_the_order_of_pairs():
    pairs = [
        (0, 1, np.array([[2, 1]])),
        (1, 2, np.array([[1, 1], [2, 2]])),
        (0, 2, np.empty((0, 2), np.int64)),
    ]
    wanted = [[0, 1, 2], [0, 2, 3], [0, 2, 3, 4]]
    assert [t.tolist() for t in united([2, 2, 3], pairs)] == wanted
    assert [t.tolist() for t in united([2, 2, 3], pairs[::-1])] == wanted
    assert [t.tolist() for t in united([0, 0], [])] == [[0], [0]]
