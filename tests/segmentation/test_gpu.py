"""Networks on a CUDA card: the processor's result, in little memory too."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from napari_axonem.evaluation.overlaps import count_overlaps  # noqa: E402
from napari_axonem.evaluation.scores import voi  # noqa: E402
from napari_axonem.geometry import Box  # noqa: E402
from napari_axonem.segmentation.flooding.flood import flood  # noqa: E402
from napari_axonem.segmentation.flooding.settings import FloodSettings  # noqa: E402
from napari_axonem.segmentation.inference import devices  # noqa: E402
from napari_axonem.segmentation.inference.augmentation import Turn  # noqa: E402
from napari_axonem.segmentation.inference.blending import ONE  # noqa: E402
from napari_axonem.segmentation.inference.prediction import predict_affinities  # noqa: E402
from napari_axonem.segmentation.inference.predictor import Predictor  # noqa: E402
from napari_axonem.segmentation.inference.reading import Input  # noqa: E402
from tests.segmentation import inference_cases as cases  # noqa: E402
from tests.segmentation.flooding_cases import tiny_model, tubes  # noqa: E402


def predicted(image, model, path, **changes):
    return predict_affinities(image, model, path, cases.SETTINGS.model_copy(update=changes)).near[:]


@pytest.fixture(scope="module")
def expected(image, model, folder):
    return predicted(image, model, folder / "cpu.zarr").astype(np.int16)


@pytest.mark.parametrize("device", ["cuda:0", "cuda:0,cuda:0", "cuda:0,cpu", "auto"])
def test_affinities_are_those_of_the_processor(gpu, image, model, expected, tmp_path, device):
    found = predicted(image, model, tmp_path / "a.zarr", device=device)
    assert np.abs(found - expected).max() <= 1
    assert (found != expected).mean() < 0.01


def test_affinities_in_bf16_are_near(gpu, image, model, expected, tmp_path):
    found = predicted(image, model, tmp_path / "a.zarr", device=gpu, precision="auto")
    assert 0 < np.abs(found - expected).max() < 12
    assert np.abs(found - expected).mean() < 1.5


def test_a_card_with_little_memory_takes_blocks_in_parts(gpu, model):
    greys = np.random.default_rng(1).normal(size=(128, 128, 128)).astype(np.float32)
    given = Input((0, 0, 0), Box.of_shape(greys.shape), greys, (), ())
    whole = Predictor(model, torch.device(gpu), torch.float32, [Turn((0, 1, 2), ())])(given)
    torch.cuda.empty_cache()
    total = torch.cuda.mem_get_info()[1]
    few = torch.cuda.memory_reserved() + 60_000_000
    torch.cuda.set_per_process_memory_fraction(few / total)
    try:
        poor = Predictor(model, torch.device(gpu), torch.float32, [Turn((0, 1, 2), ())])
        parts = poor(given)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert poor.halvings > 0
    inner = (slice(None), *(slice(16, -16),) * 3)
    assert np.abs(parts[inner].astype(int) - whole[inner]).mean() < 0.03 * ONE


def test_memory_that_is_free_is_the_card_s(gpu):
    free, total = torch.cuda.mem_get_info()
    assert 0 < devices.free_memory(torch.device(gpu)) <= free <= total


def test_flooding_finds_the_same_objects(gpu, folder, tmp_path):
    image = cases.write(folder / "tubes.zarr", tubes()[0])
    model = tiny_model(folder)
    plain = FloodSettings(min_size=50, precision="float32")
    labels = [
        flood(
            image, model, tmp_path / f"{device}.zarr", plain.model_copy(update={"device": device})
        )
        for device in ("cpu", gpu)
    ]
    one, other = (np.asarray(each.levels[0]) for each in labels)
    assert len(np.unique(one)) > 2
    assert voi(count_overlaps(other, one)).total < 0.05
