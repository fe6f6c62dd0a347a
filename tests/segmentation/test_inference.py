"""Affinities of whole images: what they are, and what may go wrong on the way."""

import dataclasses
import errno
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from napari_axonem.errors import (  # noqa: E402
    BlockError,
    ModelError,
    SettingsError,
    StorageError,
    VolumeError,
)
from napari_axonem.networks.files import load_model  # noqa: E402
from napari_axonem.segmentation.inference import prediction, predictor, store  # noqa: E402
from napari_axonem.segmentation.inference.blending import Blending  # noqa: E402
from napari_axonem.segmentation.inference.prediction import (  # noqa: E402
    predict_affinities,
    working_store,
)
from napari_axonem.segmentation.inference.tiling import WEIGHT, Tiling  # noqa: E402
from napari_axonem.volumes import open_affinities  # noqa: E402
from napari_axonem.watching import Wish  # noqa: E402

from . import inference_cases as cases  # noqa: E402


def tree(path):
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}


def run(image, model, path, watcher=None, **changes):
    settings = cases.SETTINGS.model_copy(update=changes)
    return predict_affinities(image, model, path, settings, watcher)


@pytest.fixture(scope="module")
def whole(image, model, folder):
    """What a run gives that nobody disturbs."""
    made = run(image, model, folder / "whole" / "a.zarr")
    return tree(made.path), made.near[...]


def blended(model, greys, block, overlap):
    """Predict block after block in full precision and blend in float, as one would by hand."""
    settings = model.settings
    tiling = Tiling.of(greys.shape, block, overlap, settings.multiple)
    beyond = 64
    shown = np.pad((greys.astype(np.float32) - 128) / 33, beyond, mode="reflect")
    total = np.zeros((settings.out_channels, *greys.shape))
    for index in tiling.indices():
        box = tiling.block(index)
        extent = [-(-n // m) * m for n, m in zip(box.shape, settings.multiple, strict=True)]
        start = [a + beyond for a in box.start]
        part = shown[tuple(slice(a, a + n) for a, n in zip(start, extent, strict=True))]
        with torch.no_grad():
            found = model.network(torch.from_numpy(part.copy())[None, None])[0].sigmoid().numpy()
        for piece in tiling.pieces(index):
            where = piece.of_tile.shift(tiling.tile(piece.tile).start)
            weights = tiling.weights(piece.tile, index) / WEIGHT**3
            total[(slice(None), *where.slices)] += (
                found[(slice(None), *piece.of_block.slices)] * weights
            )
    return total * 255


def test_blocks_are_what_the_network_gives_blended(model, image, whole):
    """Folding, channels-last, counting in whole numbers: all within one step of uint8."""
    expected = blended(model, image.read(image.box), (24, 24, 24), (8, 8, 8))
    assert np.abs(whole[1] - expected).max() < 1
    assert whole[1].std() > 5


def test_affinities_open_as_such(image, model, folder, whole, tmp_path):
    made = store.AffinityVolume.open(folder / "whole" / "a.zarr")
    assert made.complete
    assert made.grid == image.grid
    assert made.offsets == ((-1, 0, 0), (0, -1, 0), (0, 0, -1))
    opened = open_affinities(made.location)
    assert opened.dtype == np.uint8
    assert np.array_equal(opened[...], whole[1])


def test_the_order_of_blocks_makes_no_difference(image, model, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(
        Blending, "blocks", property(lambda self, was=Blending.blocks: was.fget(self)[::-1])
    )
    assert tree(run(image, model, tmp_path / "a.zarr").path) == whole[0]


def test_two_devices_give_the_same(image, model, whole, tmp_path):
    assert tree(run(image, model, tmp_path / "a.zarr", device="cpu,cpu").path) == whole[0]


def test_progress_speed_and_words(image, model, tmp_path):
    watcher = cases.Watching()
    run(image, model, tmp_path / "a.zarr", watcher)
    total = int(np.prod(cases.SHAPE))
    assert watcher.steps[0] == (0, total)
    assert watcher.steps[-1] == (total, total)
    assert min(watcher.rates) > 0
    assert "as the image is" in watcher.said[0]
    assert str(working_store(tmp_path / "a.zarr")) in watcher.said[-1]


def test_stopped_looked_at_and_taken_up(image, model, whole, tmp_path):
    path = tmp_path / "a.zarr"
    watcher = cases.Watching({4: Wish.STOP})
    part = run(image, model, path, watcher)
    assert not part.complete
    assert part.path == working_store(path)
    assert not path.exists()
    seen = open_affinities(part.location)[...]
    written = seen[:, :14, :16, :12]
    assert np.array_equal(written, whole[1][:, :14, :16, :12])
    again = cases.Watching()
    assert run(image, model, path, again).complete
    assert again.steps[0][0] > 0
    assert tree(path) == whole[0]


def test_killed_and_taken_up_gives_the_same_bytes(image, model, whole, tmp_path):
    path = tmp_path / "a.zarr"
    arguments = [cases.__file__, image.location, str(model.path), str(path), "9"]
    environment = {**os.environ, "PYTHONPATH": str(cases.Path(cases.__file__).parents[2])}
    left = subprocess.run([sys.executable, *arguments], check=False, env=environment)
    assert left.returncode == -signal.SIGKILL
    assert not path.exists()
    watcher = cases.Watching()
    assert run(image, model, path, watcher).complete
    assert watcher.steps[0][0] > 0
    assert tree(path) == whole[0]
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


def test_other_settings_begin_anew(image, model, whole, tmp_path):
    path = tmp_path / "a.zarr"
    run(image, model, path, cases.Watching({4: Wish.STOP}), augment="flips")
    watcher = cases.Watching()
    run(image, model, path, watcher)
    assert watcher.steps[0][0] == 0
    assert tree(path) == whole[0]


def test_an_existing_destination_is_not_replaced_unasked(image, model, tmp_path):
    path = tmp_path / "a.zarr"
    path.mkdir()
    with pytest.raises(VolumeError, match="exists already"):
        run(image, model, path)
    assert run(image, model, path, overwrite=True).complete


def small_memory(monkeypatch, limit):
    """Put a pointwise function in place of the network, for whose larger tensors memory fails.

    Returns the sizes it was given.
    """
    sizes = []

    def _run(self, tensor):
        sizes.append(tensor.numel())
        if tensor.numel() > limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return torch.sigmoid(tensor[0]).repeat(3, 1, 1, 1)

    monkeypatch.setattr(predictor.Predictor, "_run", _run)
    return sizes


@pytest.mark.parametrize("limit", [14**3, 7**3])
def test_without_memory_for_a_block_it_is_halved(image, model, tmp_path, monkeypatch, limit):
    sizes = small_memory(monkeypatch, limit)
    made = run(image, model, tmp_path / "a.zarr").near[...]
    assert 1 <= sum(size > limit for size in sizes) <= 2  # once for a halving, and remembered
    greys = image.read(image.box).astype(np.float32)
    expected = 255 / (1 + np.exp((128 - greys) / 33))
    assert np.abs(made - expected).max() < 1


def test_without_memory_for_any_block_that_is_told(image, model, tmp_path, monkeypatch):
    small_memory(monkeypatch, 0)
    with pytest.raises(SettingsError, match="does not suffice for parts of a block"):
        run(image, model, tmp_path / "a.zarr")


def test_not_a_number_names_the_block(image, model, tmp_path, monkeypatch):
    was = predictor.Predictor._run

    def _run(self, tensor):
        found = was(self, tensor)
        found[1, 2, 3, 4] = float("nan")
        return found

    monkeypatch.setattr(predictor.Predictor, "_run", _run)
    with pytest.raises(BlockError, match=r"block \(-4, -4, -4\)\.\.\(22, 24, 20\).*NaN"):
        run(image, model, tmp_path / "a.zarr")


def test_a_full_disk(image, model, whole, tmp_path, monkeypatch):
    path, was, left = tmp_path / "a.zarr", store.AffinityVolume._put, [5]

    def _put(self, array, where, part):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        was(self, array, where, part)

    with monkeypatch.context() as patch:
        patch.setattr(store.AffinityVolume, "_put", _put)
        with pytest.raises(StorageError, match=r"free some space.*goes on where it was") as caught:
            run(image, model, path)
    assert caught.value.where == str(path)
    assert run(image, model, path).complete
    assert tree(path) == whole[0]


@pytest.mark.parametrize("shape", [(1, 5, 9), (3, 70, 17)])
def test_volumes_smaller_than_anything(model, tmp_path, shape):
    greys = cases.grey_image(shape)
    image = cases.write(tmp_path / "image.zarr", greys)
    made = run(image, model, tmp_path / "a.zarr", block=None, overlap=None)
    assert made.near.shape == (3, *shape)
    expected = blended(model, greys, (96, 96, 96), (8, 8, 8))
    assert np.abs(made.near[...] - expected).max() < 1


def test_long_range_affinities(image, folder, tmp_path):
    offsets = [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (0, -4, 0), (0, 0, -4)]
    far = load_model(cases.save(folder, "far", offsets))
    made = run(image, far, tmp_path / "a.zarr")
    assert made.offsets == tuple(offsets)
    assert made.far.shape == (2, *cases.SHAPE)
    assert made.far[...].std() > 0
    assert open_affinities(made.location).shape == (3, *cases.SHAPE)


def test_bf16_is_near_and_augmentation_differs(image, model, whole, tmp_path):
    half = run(image, model, tmp_path / "b.zarr", precision="bfloat16").near[...]
    assert 0 < np.abs(half.astype(int) - whole[1]).mean() < 1.5
    turned = run(image, model, tmp_path / "c.zarr", augment="flips").near[...]
    assert np.abs(turned.astype(int) - whole[1]).mean() > 1


def test_missing_sections_are_bridged_told_or_empty(model, tmp_path):
    greys = cases.grey_image((40, 24, 24))
    greys[10] = 0
    greys[20:25] = 0
    image = cases.write(tmp_path / "image.zarr", greys)
    watcher = cases.Watching()
    made = run(image, model, tmp_path / "a.zarr", watcher).near[...]
    assert (made[:, 20:25] == 0).all()
    assert made[:, 10].min() > 0
    assert any("without an image: 10;" in text for text in watcher.said)


def test_another_voxel_size_is_resampled(model, tmp_path):
    image = cases.write(tmp_path / "image.zarr", cases.grey_image(), (10, 20, 5))
    watcher = cases.Watching()
    made = run(image, model, tmp_path / "a.zarr", watcher)
    assert made.grid.voxel_size == (10, 10, 10)
    assert made.shape == (40, 88, 18)
    assert "resampled" in watcher.said[0]


def test_a_norm_that_sees_the_block_keeps_to_the_patch(image, folder, tmp_path):
    group = load_model(cases.save(folder, "group", normalisation="group"))
    watcher = cases.Watching()
    run(image, group, tmp_path / "a.zarr", watcher, block=None, overlap=None)
    assert any("blocks of up to 16 x 16 x 16" in text for text in watcher.said)


def test_a_model_without_affinities_is_refused(image, model, tmp_path):
    other = dataclasses.replace(model, card=model.card.model_copy(update={"offsets": ()}))
    with pytest.raises(ModelError, match="gives no affinities"):
        run(image, other, tmp_path / "a.zarr")
    assert not list(tmp_path.iterdir())


def test_on_a_cluster_it_is_the_same(image, model, whole, tmp_path):
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", processes=False
    ) as cluster:
        made = run(image, model, tmp_path / "a.zarr", scheduler=cluster.scheduler_address)
    assert made.complete
    assert tree(made.path) == whole[0]


def test_columns_bound_memory_and_change_nothing(image, model, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(prediction, "free_memory", lambda device: 1)
    assert tree(run(image, model, tmp_path / "a.zarr").path) == whole[0]
