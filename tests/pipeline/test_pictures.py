"""The paper's networks, their cuts, their data, and training them from settings."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from napari_axonem.errors import PartitionError, SettingsError, VolumeError  # noqa: E402
from napari_axonem.networks.chain import count_parameters  # noqa: E402
from napari_axonem.networks.noise import Dropout, draw_noise  # noqa: E402
from napari_axonem.networks.pictures import (  # noqa: E402
    alexnet,
    cuts_of_layers,
    lenet5,
    resnet,
    vgg16,
    weighted_layers,
)
from napari_axonem.pipeline.optimizers import Compensation  # noqa: E402
from napari_axonem.pipeline.plan import Plan  # noqa: E402
from napari_axonem.pipeline.schedules import Order  # noqa: E402
from napari_axonem.training.paper.course import Course, varied  # noqa: E402
from napari_axonem.training.paper.pictures import (  # noqa: E402
    CIFAR10_FILE,
    MNIST_FILES,
    Pictures,
    read_cifar10,
    read_mnist,
)
from napari_axonem.training.paper.recipes import RECIPES, Way  # noqa: E402
from napari_axonem.training.paper.run import train_pictures  # noqa: E402
from napari_axonem.training.settings import TrainSettings  # noqa: E402
from napari_axonem.watching import Unwatched, Wish  # noqa: E402
from tests.pipeline.networks import equal  # noqa: E402


@pytest.mark.parametrize(
    ("chain", "layers", "megabytes", "shape"),
    [  # megabytes of weights in the paper's table, where it names the network
        (lenet5(), 5, 0.24, (1, 28, 28)),
        (alexnet(), 8, 88.87, (3, 32, 32)),
        (vgg16(), 14, 58.16, (3, 32, 32)),
        (resnet(20), 20, 1.03, (3, 32, 32)),
        (resnet(56), 56, None, (3, 32, 32)),
    ],
    ids=["lenet5", "alexnet", "vgg16", "resnet20", "resnet56"],
)
def test_networks_are_those_of_the_paper(chain, layers, megabytes, shape):
    assert chain.eval()(torch.zeros(2, *shape)).shape == (2, 10)
    assert len(weighted_layers(chain)) == layers
    if megabytes is not None:
        assert count_parameters(chain) * 4 / 1e6 == pytest.approx(megabytes, rel=0.06)


@pytest.mark.parametrize(
    ("chain", "vector", "first"),
    [
        (resnet(20), (7, 13, 19), ["group2_1_keep", "group3_1_keep", "full"]),
        (resnet(20), (8,), ["group2_1_b"]),
        (resnet(56), (19,), ["group2_1_keep"]),
        (resnet(110), (37,), ["group2_1_keep"]),
        (vgg16(), (2, 4, 7, 10), ["conv3", "conv5", "conv8", "conv11"]),
        (lenet5(), (1, 2, 3, 4), ["conv2", "full1", "full2", "full3"]),
    ],
)
def test_placement_vectors_count_layers(chain, vector, first):
    cuts = cuts_of_layers(chain, vector)
    names = [name for name, _ in chain]
    assert [names[cut] for cut in cuts] == first
    assert [sum(w < cut for w in weighted_layers(chain)) for cut in cuts] == list(vector)


@pytest.mark.parametrize("vector", [(20,), (0,), (7, 7), (9, 3)])
def test_placement_vectors_that_do_not_fit(vector):
    with pytest.raises(ValueError, match=r"is not among 1 to 19|do not rise"):
        cuts_of_layers(resnet(20), vector)


def test_depths_of_residual_networks():
    with pytest.raises(ValueError, match="not of the form 6n"):
        resnet(21)


def test_noise_follows_the_mini_batch():
    drop, x = Dropout(0.25), torch.ones(1000)

    def noise(seed, index, part=0):
        draw_noise(torch.nn.Sequential(drop), seed, index, part)
        return drop(x)

    assert torch.equal(noise(1, 2), noise(1, 2))
    for other in ((2, 2), (1, 3), (1, 2, 1)):
        assert not torch.equal(noise(1, 2), noise(*other))
    assert sorted(set(noise(1, 2).tolist())) == pytest.approx([0, 4 / 3])
    assert 650 < int((noise(1, 2) > 0).sum()) < 850
    assert torch.equal(drop.eval()(x), x)


def write_idx(path: Path, array: np.ndarray) -> None:
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()))


@pytest.fixture
def digits(tmp_path):
    """A folder like MNIST's: bars at heights that tell the class."""
    coin = np.random.default_rng(0)
    for part, count in (("train", 400), ("test", 100)):
        classes = coin.integers(0, 10, count).astype(np.uint8)
        pixels = coin.integers(0, 60, (count, 28, 28)).astype(np.uint8)
        for n, c in enumerate(classes):
            pixels[n, 2 + 2 * c : 4 + 2 * c] = 250
        for name, array in zip(MNIST_FILES[part], (pixels, classes), strict=True):
            write_idx(tmp_path / name, array)
    return tmp_path


def test_idx_files(digits):
    found = read_mnist(digits, "test")
    assert found.pixels.shape == (100, 1, 28, 28)
    assert found.pixels.dtype == torch.uint8
    assert int(found.pixels[0, 0, 2 + 2 * int(found.classes[0]), 5]) == 250
    broken = digits / MNIST_FILES["test"][1]
    broken.write_bytes(gzip.compress(b"\0\0\x08\x01" + struct.pack(">I", 7) + b"abc"))
    with pytest.raises(VolumeError, match="3 bytes for the shape"):
        read_mnist(digits, "test")
    broken.write_bytes(b"nonsense")
    with pytest.raises(VolumeError, match="cannot be read"):
        read_mnist(digits, "test")
    broken.write_bytes(gzip.compress(b"nonsense")[:10] + b"\xff" * 20)
    with pytest.raises(VolumeError, match="cannot be read"):
        read_mnist(digits, "test")
    broken.write_bytes(gzip.compress(b"\0\0\x08\x03\0\0"))
    with pytest.raises(VolumeError, match="no idx file"):
        read_mnist(digits, "test")
    broken.write_bytes(gzip.compress(b"\0\0\x0d\x01"))
    with pytest.raises(VolumeError, match="no idx file of unsigned bytes"):
        read_mnist(digits, "test")


def test_real_pictures(data_dir):
    digits = read_mnist(data_dir / "mnist", "test")
    assert len(digits) == 10_000
    assert digits.classes[:5].tolist() == [7, 2, 1, 0, 4]
    pictures = read_cifar10(data_dir / "cifar10" / CIFAR10_FILE, "test")
    assert pictures.pixels.shape == (10_000, 3, 32, 32)
    assert pictures.classes.bincount().tolist() == [1000] * 10
    assert 100 < float(pictures.pixels.float().mean()) < 140


def test_a_file_that_is_no_cifar(tmp_path):
    np.savez(tmp_path / "a.npz", other=1)
    for name in ("a.npz", "missing.npz"):
        with pytest.raises(VolumeError, match="cannot be read"):
            read_cifar10(tmp_path / name, "test")


def test_varied_pictures_are_shifted_and_mirrored():
    pixels = torch.arange(5 * 3 * 32 * 32).reshape(5, 3, 32, 32)
    out = varied(pixels, torch.Generator().manual_seed(0))
    assert out.shape == pixels.shape
    for before, after in zip(pixels, out, strict=True):
        inside = after[0, 8:24, 8:24]
        places = [(before[0] == value).nonzero()[0] for value in (inside[0, 0], inside[0, -1])]
        assert all((before[0] == value).any() for value in inside.flatten())
        assert abs(int(places[1][1] - places[0][1])) == 15  # whole, or mirrored
    assert not torch.equal(out[0], pixels[0])


def few(digits) -> tuple[Pictures, Pictures]:
    return read_mnist(digits, "train"), read_mnist(digits, "test")


def test_a_course_that_goes_on_gives_what_it_would_have_given(digits):
    train, _ = few(digits)
    way = Way("hybrid", (2,), Order.PAPER, Compensation.NONE, pipelined=0.5)

    def course(executor):
        return Course(RECIPES["lenet5"], way, train, 4, 1, Plan(executor=executor))

    whole, first, second = course("threads"), course("serial"), course("serial")
    assert whole.total == 12
    stale = []
    for until in (4, 8, 12):
        while whole.engine.steps < until:
            stale += [done.stages[0].stale for done in whole.advance(until)]
    assert stale == [0, 1, 2, 2, 0, 1] + [0] * 6
    list(first.advance(4))
    second.engine.load_state_dict(first.engine.state_dict())
    for until in (8, 12):
        while second.engine.steps < until:
            list(second.advance(until))
    assert equal(second.engine.state_dict(), whole.engine.state_dict())


def settings(digits, out, **other):
    values = {"model": "lenet5", "volumes": (str(digits),), "out": out, "devices": ("cpu",),
              "precision": "float32",
              "batch": 20, "rate": 0.02, "steps": 60, "checkpoint_every": 20,
              "validate_every": 20, "strategy": "pipeline", "ppv": (2,)}  # fmt: skip
    return TrainSettings.parse({**values, **other})


class Stops(Unwatched):
    """Wishes to stop at a mini-batch."""

    def __init__(self, at):
        super().__init__()
        self.at, self.done, self.curves = at, 0, set()

    def progress(self, done, total, doing):
        self.done = done

    def scalar(self, name, step, value):
        self.curves.add(name)

    def wish(self):
        return Wish.STOP if self.done >= self.at else Wish.GO_ON


def test_training_from_settings_stops_and_goes_on(digits, tmp_path):
    whole = train_pictures(settings(digits, tmp_path / "a"))
    assert (whole.steps, whole.ended) == (60, "done")
    assert [step for step, _ in whole.history] == [20, 40, 60]
    assert whole.scores.figures["accuracy/validation"] > 0.5
    watcher = Stops(20)
    stopped = train_pictures(settings(digits, tmp_path / "b"), watcher)
    assert stopped.ended == "stopped"
    assert {"loss/train", "rate", "busy/stage 0", "stale/stage 1"} <= watcher.curves
    assert 20 <= stopped.steps < 30
    with pytest.raises(SettingsError, match=r"already.*--resume"):
        train_pictures(settings(digits, tmp_path / "b"))
    resumed = train_pictures(settings(digits, tmp_path / "b", resume=True))
    assert resumed.steps == 60
    if stopped.steps == 20:  # it was at a checkpoint of the uninterrupted run
        assert resumed.model.read_bytes() == whole.model.read_bytes()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"model": "rsunet"}, "rsunet does not name pictures"),
        ({"volumes": ()}, "nothing to learn from; name the folder"),
        ({"volumes": ("nowhere",)}, "no train-images"),
        ({"optimizer": "adamw"}, "are trained by SGD"),
        ({"strategy": "ddp", "ppv": ()}, "are not trained in copies"),
        ({"batch": 10**6}, "mini-batches of 1000000 out of"),
    ],
)
def test_settings_that_do_not_fit(digits, tmp_path, other, message):
    with pytest.raises(SettingsError, match=message):
        train_pictures(settings(digits, tmp_path / "a", **other))


def test_a_placement_vector_that_does_not_fit_is_told(digits, tmp_path):
    with pytest.raises(PartitionError, match="setting 'ppv': layer 5 is not among 1 to 4"):
        train_pictures(settings(digits, tmp_path / "a", ppv=(5,)))
