"""The loss: plain cross-entropy where nothing else is asked, and blind where nothing is known."""

import pytest

torch = pytest.importorskip("torch")
from torch.nn import functional  # noqa: E402

from napari_axonem.training.losses import AffinityLoss  # noqa: E402


def made(seed=1, shape=(2, 5, 4, 6, 6)):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape, generator=generator)
    values = (torch.rand(shape, generator=generator) < 0.8).float()
    known = torch.rand(shape, generator=generator) < 0.7
    return logits, values, known


def test_without_balance_it_is_the_mean_of_channels():
    logits, values, _ = made()
    everywhere = torch.ones_like(values, dtype=torch.bool)
    loss = AffinityLoss(balance=0.0)(logits, values, everywhere)
    plain = functional.binary_cross_entropy_with_logits(logits, values)
    assert torch.allclose(loss, plain)


@pytest.mark.parametrize("dice", [0.0, 0.5])
def test_what_is_not_known_does_not_count(dice):
    loss_of = AffinityLoss(dice=dice)
    logits, values, known = made()
    other = torch.where(known, logits, logits + 7)
    turned = torch.where(known, values, 1 - values)
    assert torch.equal(loss_of(logits, values, known), loss_of(other, turned, known))


@pytest.mark.parametrize("dice", [0.0, 0.5])
def test_nothing_known_is_no_loss_and_no_gradient(dice):
    logits, values, known = made()
    logits.requires_grad_()
    loss = AffinityLoss(dice=dice)(logits, values, torch.zeros_like(known))
    loss.backward()
    assert float(loss.detach()) == 0
    assert not logits.grad.any()


def test_balance_lets_both_classes_pull_alike():
    values = torch.ones(1, 3, 4, 5, 5)
    values[..., 0] = 0
    logits = torch.zeros_like(values, requires_grad=True)
    AffinityLoss(balance=1.0)(logits, values, torch.ones_like(values, dtype=bool)).backward()
    pull = logits.grad
    assert torch.isclose(pull[values == 1].sum(), -pull[values == 0].sum(), rtol=1e-5)


def test_long_range_channels_weigh_what_they_are_told():
    logits, values, _ = made()
    known = torch.ones_like(values, dtype=torch.bool)
    alone = AffinityLoss(auxiliary=0.0)(logits, values, known)
    assert torch.isclose(alone, AffinityLoss()(logits[:, :3], values[:, :3], known[:, :3]))


def test_a_good_answer_has_little_loss():
    _, values, known = made()
    good = AffinityLoss(dice=0.5)((values * 2 - 1) * 9, values, known)
    assert float(good) < 0.01
