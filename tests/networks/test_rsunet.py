"""The residual symmetric U-Net: its shape for each voxel size, its parts, its settings."""

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from napari_axonem.errors import SettingsError  # noqa: E402
from napari_axonem.networks.chain import Chain, count_parameters  # noqa: E402
from napari_axonem.networks.rsunet import RsunetSettings, build, fold_norms  # noqa: E402

SMALL = (4, 6, 8)


def made(voxel_size=(10, 10, 10), seed=0, **options):
    torch.manual_seed(seed)
    settings = RsunetSettings.for_voxel_size(voxel_size, **{"widths": SMALL, **options})
    return settings, build(settings)


def unevened(network):
    """Give normalisations statistics and weights as a training would."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
    return network


@pytest.mark.parametrize(
    ("voxel_size", "pools", "kernels", "multiple"),
    [
        ((10, 10, 10), [(2, 2, 2)] * 4, [(3, 3, 3)] * 5, (16, 16, 16)),
        ((12, 10, 9), [(2, 2, 2)] * 4, [(3, 3, 3)] * 5, (16, 16, 16)),
        (
            (30, 8, 8),
            [(1, 2, 2)] * 2 + [(2, 2, 2)] * 2,
            [(1, 3, 3)] * 2 + [(3, 3, 3)] * 3,
            (4, 16, 16),
        ),
        (
            (40, 4, 4),
            [(1, 2, 2)] * 3 + [(2, 2, 2)],
            [(1, 3, 3)] * 3 + [(3, 3, 3)] * 2,
            (2, 16, 16),
        ),
    ],
)
def test_kernels_and_pooling_follow_the_voxel_size(voxel_size, pools, kernels, multiple):
    settings = RsunetSettings.for_voxel_size(voxel_size)
    assert list(settings.pools) == pools
    assert list(settings.kernels) == kernels
    assert settings.multiple == multiple
    assert settings.widths == (28, 36, 48, 64, 80)


@pytest.mark.parametrize("normalisation", ["batch", "group", "instance", "none"])
@pytest.mark.parametrize("upsampling", ["trilinear", "transposed"])
@pytest.mark.parametrize("voxel_size", [(10, 10, 10), (30, 8, 8)])
def test_every_choice_gives_logits_and_gradients(voxel_size, upsampling, normalisation):
    settings, network = made(
        voxel_size, out_channels=5, upsampling=upsampling, normalisation=normalisation
    )
    z, y, x = settings.multiple
    logits = network(torch.randn(2, 1, 2 * z, 3 * y, 2 * x))
    assert logits.shape == (2, 5, 2 * z, 3 * y, 2 * x)
    assert logits.min() < 0 < logits.max()  # no sigmoid at the end
    logits.square().mean().backward()
    assert all(bool(p.grad.isfinite().all()) for p in network.parameters())
    used = [bool(p.grad.abs().sum() > 0) for n, p in network.named_parameters() if "conv.w" in n]
    assert all(used)


def test_cut_anywhere_it_trains_the_same():
    """Also a cut between an addition and what follows: nothing there changes what crossed it."""
    _, network = made()
    x = torch.randn(1, 1, 8, 8, 8)
    network(x).square().sum().backward()
    expected = [p.grad.clone() for p in network.parameters()]
    for cut in range(1, len(network)):
        network.zero_grad()
        first, second = network.piece(0, cut), network.piece(cut, len(network))
        live = first.run((x,))
        received = tuple(t.detach().clone().requires_grad_() for t in live)
        second.run(received)[0].square().sum().backward()
        torch.autograd.backward(live, [t.grad for t in received])
        for a, b in zip(expected, network.parameters(), strict=True):
            torch.testing.assert_close(a, b.grad, rtol=1e-4, atol=1e-4)


def test_published_size():
    """The widths of the paper make a network of under two million weights."""
    network = build(RsunetSettings.for_voxel_size((29, 6, 6)))
    assert isinstance(network, Chain)
    assert 1.5e6 < count_parameters(network) < 2e6


def test_projecting_before_interpolating_is_the_same_function():
    _, network = made()
    project, interpolate = network.operations["up0"].module
    x = torch.randn(1, SMALL[1], 4, 4, 4)
    torch.testing.assert_close(interpolate(project(x)), project(interpolate(x)))


def test_folded_norms_give_the_same():
    _, network = made()
    unevened(network).eval()
    x = torch.randn(1, 1, 8, 12, 16)
    with torch.no_grad():
        expected = network(x)
        fold_norms(network)
        torch.testing.assert_close(network(x), expected, rtol=1e-4, atol=1e-4)
    assert not any(isinstance(module, nn.BatchNorm3d) for module in network.modules())


@pytest.mark.parametrize(("kind", "sees"), [("batch", False), ("none", False), ("group", True)])
def test_which_norms_see_the_whole_block(kind, sees):
    """What lies far off changes a voxel's result only where the settings say so."""
    settings, network = made(normalisation=kind, widths=(4, 6))
    network.eval()
    x = torch.randn(1, 1, 64, 8, 8)
    other = x.clone()
    other[:, :, 48:] += 3
    with torch.no_grad():
        differs = not torch.allclose(network(x)[:, :, :8], network(other)[:, :, :8], atol=1e-6)
    assert differs == sees == settings.sees_the_block


def test_settings_survive_json_and_say_what_is_wrong():
    settings = RsunetSettings.for_voxel_size((30, 8, 8), normalisation="group")
    assert RsunetSettings.model_validate_json(settings.model_dump_json()) == settings
    with pytest.raises(SettingsError, match="5 widths need 4 pools and 5 kernels, not 1 and 5"):
        RsunetSettings.parse({"pools": [(2, 2, 2)]})
    with pytest.raises(SettingsError, match="odd"):
        RsunetSettings.parse({"embedding": (2, 3, 3)})
