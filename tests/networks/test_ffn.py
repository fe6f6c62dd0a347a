"""The flood-filling network: its form, and published weights."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from napari_axonem.errors import ModelError  # noqa: E402
from napari_axonem.networks.card import Card  # noqa: E402
from napari_axonem.networks.chain import count_parameters  # noqa: E402
from napari_axonem.networks.ffn import FfnSettings, build, import_published, mask_update  # noqa: E402
from napari_axonem.networks.files import load_model, save_model  # noqa: E402

SMALL = FfnSettings(depth=3, features=4)


def published_like(settings, seed=0, between="."):
    """Random arrays in the published layout."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for index in range(settings.depth):
        for part in "ab":
            incoming = 2 if (index, part) == (0, "a") else settings.features
            name = between.join(["seed_update", f"conv{index}_{part}"])
            shape = (3, 3, 3, incoming, settings.features)
            arrays[f"{name}{between}weights"] = rng.normal(size=shape).astype(np.float32) * 0.1
            arrays[f"{name}{between}biases"] = rng.normal(size=settings.features).astype(np.float32)
    name = between.join(["seed_update", "conv_lom"])
    arrays[f"{name}{between}weights"] = rng.normal(size=(1, 1, 1, settings.features, 1))
    arrays[f"{name}{between}biases"] = rng.normal(size=1).astype(np.float32)
    return arrays


def convolved(volume, weights, biases):
    """Convolve (z, y, x, in) with kernels (z, y, x, in, out), zeros outside, voxel by voxel."""
    reach = weights.shape[0] // 2
    wide = np.pad(volume, [(reach, reach)] * 3 + [(0, 0)])
    shape = (*volume.shape[:3], weights.shape[-1])
    result = np.zeros(shape) + biases
    for z, y, x in np.ndindex(*weights.shape[:3]):
        part = wide[z : z + shape[0], y : y + shape[1], x : x + shape[2]]
        result += part @ weights[z, y, x]
    return result


def seen_plainly(arrays, image, mask, depth):
    """New logits, by the published description and layout."""

    def conv(x, name):
        kernel, bias = (arrays[f"seed_update.{name}.{kind}"] for kind in ("weights", "biases"))
        return convolved(x, kernel.astype(np.float64), bias.astype(np.float64))

    net = np.stack([image, mask], axis=-1).astype(np.float64)
    net = conv(np.maximum(conv(net, "conv0_a"), 0), "conv0_b")
    for index in range(1, depth):
        inner = np.maximum(conv(np.maximum(net, 0), f"conv{index}_a"), 0)
        net = net + conv(inner, f"conv{index}_b")
    return mask + conv(np.maximum(net, 0), "conv_lom")[..., 0]


def test_published_arrays_compute_what_their_description_says():
    arrays = published_like(SMALL)
    settings, network = import_published(arrays)
    assert (settings.depth, settings.features) == (3, 4)
    image, mask = np.random.default_rng(1).normal(size=(2, 7, 6, 5)).astype(np.float32)
    with torch.inference_mode():
        found = network(torch.from_numpy(np.stack([image, mask])[None]))[0, 0].numpy()
    assert np.allclose(found, seen_plainly(arrays, image, mask, 3), atol=1e-4)


@pytest.mark.parametrize("between", ["/", "__"])
def test_names_may_be_written_otherwise_and_counters_are_left_out(between):
    arrays = published_like(SMALL, between=between)
    _, network = import_published(arrays | {"global_step": np.array(7)})
    _, wanted = import_published(published_like(SMALL))
    for name, tensor in wanted.state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor)


def test_it_is_of_the_published_size():
    assert count_parameters(build(FfnSettings())) == 638_433


def test_the_update_is_what_is_added_to_the_mask():
    _, network = import_published(published_like(SMALL))
    x = torch.randn(2, 2, 5, 6, 7)
    with torch.inference_mode():
        update, seen = mask_update(network).run((x,))
        assert torch.equal(seen, x)
        assert torch.equal(update + x[:, 1:2], network(x))


def test_gradients_reach_every_weight():
    network = build(SMALL)
    x = torch.randn(1, 2, 6, 6, 6)
    network(x).square().mean().backward()
    assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed_update.conv1_a.weights": np.zeros((3, 3, 3, 4, 5))}, "(5, 4, 3, 3, 3)"),
        ({"seed_update.conv1_a.weights": np.zeros((3, 3, 4))}, "(3, 3, 4)"),
        ({"seed_update.conv9_b.weights": np.zeros((3, 3, 3, 4, 4))}, "conv9_b"),
        ({"seed_update.conv1_a.moments": np.zeros(3)}, "moments"),
    ],
)
def test_other_arrays_are_refused_by_name_and_shape(change, said):
    with pytest.raises(ModelError) as error:
        import_published(published_like(SMALL) | change, "weights.npz")
    assert said in str(error.value)
    assert next(iter(change)).split(".")[1] in str(error.value)
    assert error.value.where == "weights.npz"


def test_a_missing_array_is_named():
    arrays = published_like(SMALL)
    del arrays["seed_update.conv2_b.biases"]
    with pytest.raises(ModelError, match=r"conv2_b.*missing"):
        import_published(arrays)
    with pytest.raises(ModelError, match="conv0_a"):
        import_published({"fc1": np.zeros(3)})


def test_it_is_kept_as_a_model_file(tmp_path):
    settings, network = import_published(published_like(SMALL))
    card = Card(
        name="small",
        architecture="ffn",
        settings=settings.model_dump(),
        voxel_size=(10, 10, 10),
        offsets=(),
        patch=(9, 9, 9),
    )
    model = load_model(save_model(tmp_path / "small", network, card))
    assert model.settings == settings
    x = torch.randn(1, 2, 9, 9, 9)
    with torch.inference_mode():
        assert torch.equal(model.network(x), network(x))


def test_the_published_fib25_weights_grow_a_seed(data_dir, fib25):
    import h5py

    path = data_dir / "ffn_fib25" / "weights.npz"
    if not path.is_file():
        pytest.skip("no published flood-filling weights")
    with np.load(path) as arrays:
        settings, network = import_published(arrays, path)
    assert (settings.depth, settings.features) == (12, 32)
    assert count_parameters(network) == 638_433
    with h5py.File(fib25) as file:
        box = tuple(slice(c - 16, c + 17) for c in (16, 18, 109))  # in the largest object
        image = (file["raw"][box].astype(np.float32) - 128) / 33
        truth = file["gt"][box]
    mask = np.full(image.shape, np.log(0.05 / 0.95), np.float32)
    mask[16, 16, 16] = np.log(0.95 / 0.05)
    with torch.inference_mode():
        grown = network(torch.from_numpy(np.stack([image, mask])[None]))[0, 0].numpy() >= 0
    same = truth == truth[16, 16, 16]
    assert (grown & same).sum() / (grown | same).sum() > 0.97
