"""What a network is shown, in which orientations, at which scale, and how blocks flow."""

import itertools
import threading

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from napari_axonem.errors import BlockError, SettingsError, VolumeError  # noqa: E402
from napari_axonem.geometry import Box, Grid  # noqa: E402
from napari_axonem.networks.card import Normalisation  # noqa: E402
from napari_axonem.networks.rsunet import RsunetSettings, build  # noqa: E402
from napari_axonem.segmentation.greys import mapping_of  # noqa: E402
from napari_axonem.segmentation.inference import devices, memory  # noqa: E402
from napari_axonem.segmentation.inference.augmentation import augmented, turns  # noqa: E402
from napari_axonem.segmentation.inference.flow import Flow  # noqa: E402
from napari_axonem.segmentation.inference.reading import read_input, read_reflected  # noqa: E402
from napari_axonem.segmentation.inference.resampling import at_voxel_size, labels_on  # noqa: E402
from napari_axonem.segmentation.inference.sections import gaps_of  # noqa: E402
from napari_axonem.volumes import Volume, open_volume  # noqa: E402

BYTES = Normalisation()


def volume(array, voxel_size=(10.0, 10.0, 10.0), factors=((1, 1, 1),), levels=None):
    levels = (array,) if levels is None else levels
    return Volume(levels, factors, Grid(voxel_size), "made", "numpy")


def membranes(shape=(24, 96, 96), seed=0):
    """Return cells of a random mosaic with thin dark membranes, uint8."""
    rng = np.random.default_rng(seed)
    seeds = rng.uniform(0, 1, (30, 2)) * shape[1:]
    y, x = np.indices(shape[1:])
    away = np.sort([np.hypot(y - a, x - b) for a, b in seeds], axis=0)
    plane = np.where(away[1] - away[0] < 3, 60.0, 150.0)
    return np.clip(plane + rng.normal(0, 15, shape), 0, 255).astype(np.uint8)


# ---- test-time augmentation


def same(labels, offset):
    """Affinities of labels by definition: 1 where a voxel and the one at the offset are equal."""
    result = np.zeros(labels.shape, np.float32)
    for at in np.ndindex(labels.shape):
        other = tuple(np.add(at, offset))
        if all(0 <= i < n for i, n in zip(other, labels.shape, strict=True)):
            result[at] = labels[at] == labels[other]
    return result


OFFSETS = [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (0, -2, 0), (0, 0, -2), (-1, -1, 0)]


@pytest.mark.parametrize(
    ("augment", "voxel_size", "count"),
    [
        ("none", (10, 10, 10), 1),
        ("flips", (30, 8, 8), 8),
        ("all", (30, 8, 8), 16),
        ("all", (10, 10, 10), 48),
    ],
)
def test_a_network_that_is_right_stays_right(augment, voxel_size, count):
    """What turned images give is brought back to the pairs of voxels that it speaks of."""
    labels = np.random.default_rng(1).integers(0, 2, (3, 4, 5))

    def run(image):
        seen = image[0, 0].numpy()
        return torch.from_numpy(np.stack([same(seen, offset) for offset in OFFSETS]))

    orientations = turns(augment, voxel_size)
    assert len(orientations) == count
    image = torch.from_numpy(labels.astype(np.float32))[None, None]
    expected = np.stack([same(labels, offset) for offset in OFFSETS])
    found = augmented(run, image, orientations, OFFSETS).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_augmentation_averages():
    """A network that answers by position is evened out along flipped axes."""
    answer = torch.zeros(1, 2, 2, 2)
    answer[:, 0] = 1
    found = augmented(
        lambda _: answer, torch.zeros(1, 1, 2, 2, 2), turns("flips", (1, 1, 1)), [(0, -1, 0)]
    )
    # the pairs of the first row reach over the block where y is flipped
    assert torch.allclose(found[:, :, 1:], torch.full_like(found[:, :, 1:], 0.5))


# ---- greys


def test_bytes_go_in_as_they_are():
    mapping = mapping_of(volume(membranes()), BYTES, "auto", "auto")
    greys = np.array([0, 128, 161], np.uint8)
    np.testing.assert_allclose(mapping(greys), [-128 / 33, 0, 1], rtol=1e-5)
    assert mapping.words == ()


def test_sixteen_bits_are_stretched_and_that_is_said():
    image = membranes().astype(np.uint16) * 40 + 1000
    image[0, 0, 0] = 65535
    mapping = mapping_of(volume(image), BYTES, "auto", "auto")
    assert "uint16 greys" in mapping.words[0]
    shown = mapping(image) * 33 + 128
    assert shown.min() == pytest.approx(0, abs=1e-3)
    assert shown.max() == pytest.approx(255, abs=1e-3)
    assert 100 < np.median(shown) < 200


def test_floats_with_holes():
    image = membranes().astype(np.float32) / 255
    image[3] = np.nan
    mapping = mapping_of(volume(image), BYTES, "auto", "auto")
    assert np.isfinite(mapping(image)).all()
    assert (mapping(image)[3] == 0).all()


def test_inverted_contrast_is_found_turned_and_said():
    image = membranes()
    plain = mapping_of(volume(image), BYTES, "auto", "auto")
    turned = mapping_of(volume(255 - image), BYTES, "auto", "auto")
    assert "membranes are bright" in turned.words[0]
    np.testing.assert_allclose(turned(255 - image), plain(image), atol=1e-4)
    forced = mapping_of(volume(255 - image), BYTES, "auto", "no")
    assert forced.words == ()


def test_contrast_of_real_volumes(data_dir):
    """Published volumes have dark membranes, and are told from their negatives."""
    names = {
        "fib25/training2.h5:raw": (10, 10, 10),
        "fib25/training1_image.h5": (10, 10, 10),
        "gala/train-image.h5": (10, 10, 10),
        "axonem/axonem_h_crop_16x256x256.tif": (30, 8, 8),
    }
    for name, voxel_size in names.items():
        image = open_volume(data_dir / name, voxel_size=voxel_size)
        array = image.read(image.box)
        assert not any("bright" in w for w in mapping_of(image, BYTES, "auto", "auto").words), name
        words = mapping_of(volume(255 - array, voxel_size), BYTES, "auto", "auto").words
        assert any("bright" in word for word in words), name


def test_small_pieces_of_real_volumes_are_not_taken_for_negatives(data_dir):
    image = open_volume(data_dir / "fib25/training2.h5:raw", voxel_size=(10, 10, 10))
    for start in itertools.product((0, 61, 122), repeat=3):
        piece = image.read(Box(start, tuple(n + 128 for n in start)))
        assert mapping_of(volume(piece, (10, 10, 10)), BYTES, "auto", "auto").words == (), start


def test_what_is_no_number_has_no_say_in_the_greys():
    image = (membranes() / 255).astype(np.float32)
    plain = mapping_of(volume(image), BYTES, "auto", "auto")
    image[:, 8:16, 8:16] = np.inf
    image[:, 20:28, 8:16] = np.nan
    mapping = mapping_of(volume(image), BYTES, "auto", "auto")
    assert np.isclose(mapping.scale, plain.scale, rtol=0.05)
    shown = mapping(image)
    assert np.isfinite(shown).all()
    assert (shown[:, 20:28, 8:16] == 0).all()


def test_greys_far_from_the_models_are_said_and_can_be_matched():
    image = (membranes() // 8).astype(np.uint8)
    assert "--contrast match" in mapping_of(volume(image), BYTES, "auto", "auto").words[-1]
    matched = mapping_of(volume(image), BYTES, "match", "auto")
    shown = matched(image)
    assert abs(shown.mean()) < 0.2
    assert shown.std() == pytest.approx(1, abs=0.1)


# ---- reading


def test_beyond_the_volume_it_is_reflected():
    array = np.arange(5 * 6 * 7).reshape(5, 6, 7)
    for before, after in itertools.product([(0, 3, 9), (4, 0, 20)], [(2, 0, 3), (13, 7, 0)]):
        box = Box(tuple(-n for n in before), tuple(np.add(array.shape, after)))
        expected = np.pad(array, list(zip(before, after, strict=True)), mode="reflect")
        assert np.array_equal(read_reflected(volume(array), box), expected)


def test_missing_sections():
    image = membranes((12, 32, 32))
    image[2] = 0
    image[5:7] = 255
    image[9:12] = 7
    gaps = gaps_of(image)
    assert gaps.bridged == ((2, 1), (5, 4), (6, 7))
    assert gaps.empty == (9, 10, 11)
    assert gaps_of(np.zeros((2, 4, 4))).empty == (0, 1)
    mapping = mapping_of(volume(image), BYTES, "as is", "no")
    given = read_input(volume(image), mapping, (0, 0, 0), Box.of_shape(image.shape), (16, 16, 16))
    assert given.greys.shape == (16, 32, 32)
    assert np.array_equal(given.greys[2], given.greys[1])
    assert given.bridged == (2, 5, 6)
    assert set(given.empty) >= {9, 10, 11}


# ---- resampling


def test_a_level_of_about_the_right_size_is_taken():
    fine = membranes((16, 32, 32))
    levels = (fine, fine[:, ::2, ::2], fine[::2, ::4, ::4])
    image = volume(fine, (8, 4, 4), ((1, 1, 1), (1, 2, 2), (2, 4, 4)), levels)
    found = at_voxel_size(image, (9, 9, 9))
    assert found.levels[0] is levels[1]
    assert found.grid.voxel_size == (8, 8, 8)


@pytest.mark.parametrize("voxel_size", [(5.0, 7.0, 14.0), (20.0, 25.0, 10.0), (30.0, 33.0, 10.0)])
def test_interpolation_keeps_what_lies_where(voxel_size):
    """A ramp stays a ramp in nm, whole or in parts, but for the outermost voxels."""
    z, y, x = np.indices((20, 24, 28))
    ramp = (z * 3 + y * 2 + x).astype(np.float32)
    image = at_voxel_size(volume(ramp), voxel_size)
    assert image.grid.voxel_size == voxel_size
    whole = image.read(image.box)
    centres = image.grid.to_nm(np.stack(np.indices(whole.shape), -1)) / 10 - 0.5
    expected = centres @ [3, 2, 1]
    inner = tuple(slice(2, -2) for _ in range(3))
    np.testing.assert_allclose(whole[inner], expected[inner], rtol=1e-4)
    part = Box((1, 2, 3), (4, 5, 6))
    np.testing.assert_allclose(image.read(part), whole[part.slices], rtol=1e-5)


def test_labels_come_back_to_the_grid_of_the_image():
    labels = np.arange(4 * 4 * 4, dtype=np.uint32).reshape(4, 4, 4)
    back = labels_on(volume(labels, (20.0, 20.0, 20.0)), Grid((10.0, 10.0, 10.0)), (8, 8, 7))
    expected = labels.repeat(2, 0).repeat(2, 1).repeat(2, 2)[:, :, :7]
    assert np.array_equal(back.read(back.box), expected)
    coarse = labels_on(volume(expected), Grid((20.0, 20.0, 20.0)), (4, 4, 4))
    assert np.array_equal(coarse.read(coarse.box)[:, :, :3], labels[:, :, :3])


# ---- flow


def test_reading_and_computing_run_beside_each_other():
    """The second block is read while the first is computed: each waits for the other."""
    read_second, events = threading.Event(), []

    def read(block):
        events.append(f"read {block}")
        if block == 1:
            read_second.set()
        return block

    def compute(given):
        assert given != 0 or read_second.wait(60)
        return given * 10

    flow = Flow(range(5), read, [compute])
    assert list(flow.run()) == [(i, i * 10) for i in range(5)]
    assert threading.active_count() == len(threading.enumerate())


def test_several_devices_share_the_blocks():
    meeting = threading.Barrier(2, timeout=60)

    def device(name, given):
        if given < 2:
            meeting.wait()
        return name

    flow = Flow(range(6), lambda b: b, [lambda g: device("a", g), lambda g: device("b", g)])
    found = dict(flow.run())
    assert sorted(found) == list(range(6))
    assert set(found.values()) == {"a", "b"}


@pytest.mark.parametrize("where", ["read", "compute"])
def test_a_failure_ends_the_flow_and_names_the_block(where):
    def fail(item):
        if item == 3:
            raise ValueError("broken")
        return item

    stages = (fail, [lambda g: g]) if where == "read" else (lambda b: b, [fail])
    flow = Flow(range(100), *stages)
    with pytest.raises(BlockError, match="block 3: ValueError: broken"):
        list(flow.run())
    assert not [t for t in threading.enumerate() if t.name.startswith(("reading", "computing"))]


def test_what_raises_our_errors_raises_them_as_they_are():
    def read(block):
        raise VolumeError("gone", where="somewhere")

    with pytest.raises(VolumeError, match="somewhere: gone"):
        list(Flow(range(3), read, [lambda g: g]).run())


def test_halting_lets_what_is_under_way_come_out():
    flow = Flow(range(1000), lambda b: b, [lambda g: g])
    found = []
    for given, _ in flow.run():
        found.append(given)
        flow.halt()
    assert found == list(range(len(found)))
    assert len(found) < 10


def test_a_caller_that_fails_leaves_no_thread():
    flow = Flow(range(1000), lambda b: b, [lambda g: g])
    results = flow.run()
    next(results)
    results.close()  # as when the body of a loop over them raises
    assert not [t for t in threading.enumerate() if t.name.startswith(("reading", "computing"))]


# ---- devices and memory


def test_devices():
    assert [d.type for d in devices.find_devices("cpu")] == ["cpu"]
    assert devices.find_devices("auto")
    with pytest.raises(SettingsError, match="no device 'cuda:99'"):
        devices.find_devices("cuda:99")
    with pytest.raises(SettingsError, match="no device 'abacus'"):
        devices.find_devices("abacus")
    assert devices.free_memory(torch.device("cpu")) > 2**20


def test_a_block_fits_its_memory():
    settings = RsunetSettings.for_voxel_size((30, 8, 8), widths=(8, 12, 16))
    needed = memory.bytes_per_voxel(build(settings), 1, settings.multiple, torch.float32)
    assert 8 * 4 * 3 < needed < 8 * 4 * 12  # a few maps of the finest level
    half = memory.bytes_per_voxel(build(settings), 1, settings.multiple, torch.bfloat16)
    assert half == needed / 2
    block = memory.fitting_block(int(1e8), needed, "cpu", settings.multiple, (30, 8, 8))
    assert 0.5e8 < np.prod(block) * needed <= 1e8
    assert not any(n % m for n, m in zip(block, settings.multiple, strict=True))
    edges = np.multiply(block, (30, 8, 8))
    assert edges.max() / edges.min() < 1.3
    with pytest.raises(SettingsError, match="do not hold a block"):
        memory.fitting_block(1000, needed, "cpu", settings.multiple, (30, 8, 8))
