"""Learning to flood: balanced examples, and a field of view that moves."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from napari_axonem.geometry import Box, Grid  # noqa: E402
from napari_axonem.networks.ffn import FfnSettings, build  # noqa: E402
from napari_axonem.training.augmentation import NONE  # noqa: E402
from napari_axonem.training.flooding import (  # noqa: E402
    FloodRecipe,
    FloodSampler,
    moving_losses,
)
from napari_axonem.training.sources import make_source  # noqa: E402
from napari_axonem.volumes import Volume  # noqa: E402
from tests.segmentation.flooding_cases import tubes  # noqa: E402

RECIPE = FloodRecipe((9, 9, 9), (2, 2, 2), mean=100, std=50, augmentation=NONE)


def volume(array, kind):
    return Volume((array,), ((1, 1, 1),), Grid((10, 10, 10)), "memory", "memory", kind)


def source_of(grey, labels):
    return make_source(volume(grey, "image"), volume(labels, "labels"))


@pytest.fixture(scope="module")
def sampler():
    return FloodSampler([source_of(*tubes())], RECIPE, seed=3)


def test_an_example_is_one_object_around_its_middle(sampler):
    for number in range(12):
        image, inside, known = sampler[number]
        assert image.shape == inside.shape == known.shape == (1, 13, 13, 13)
        assert inside[0, 6, 6, 6] == 1
        assert set(np.unique(inside)) <= {0, 1}
        assert known[0, 6, 6, 6]
        assert not inside[~known].any()
        assert image[inside > 0].min() > 0, "tubes are bright"
        again = sampler[number]
        assert all(map(np.array_equal, again, (image, inside, known)))


def test_thin_objects_are_drawn_as_often_as_thick_ones():
    labels = np.ones((60, 60, 60), np.uint32)
    labels[:, 20:24, 20:24] = 2
    labels[:, 40:43, 40:43] = 3
    sampler = FloodSampler([source_of(labels.astype(np.uint8), labels)], RECIPE, seed=1)
    shares = np.array([sampler[number].inside.mean() for number in range(120)])
    thin = (labels > 1).mean()
    assert thin < 0.01
    assert (shares < 0.2).mean() > 0.1
    assert (shares > 0.8).mean() > 0.1


def test_where_nothing_is_labelled_nothing_is_known():
    labels = np.zeros((60, 60, 60), np.uint32)
    labels[0, 0, 0] = 1
    image, inside, known = FloodSampler([source_of(labels.astype(np.uint8), labels)], RECIPE, 1)[0]
    assert image.shape == (1, 13, 13, 13)
    assert not inside.any()
    assert not known.any()


def test_the_field_of_view_goes_only_where_the_mask_is(sampler):
    batch = [torch.from_numpy(np.stack(part)) for part in zip(sampler[0], sampler[1], strict=True)]

    class Says(torch.nn.Module):
        def __init__(self, logit):
            super().__init__()
            self.logit, self.seen = logit, []

        def forward(self, x):
            self.seen.append(x.clone())
            return x[:, 1:2] * 0 + self.logit

    shy, bold = Says(-1.0), Says(3.0)
    rng = np.random.default_rng(0)
    assert len(list(moving_losses(shy, *batch, RECIPE, rng))) == 1
    losses = list(moving_losses(bold, *batch, RECIPE, rng))
    assert len(losses) == 27
    assert all(torch.isfinite(loss) for loss in losses)
    first, second = bold.seen[:2]
    assert (first[:, 1] > 0).sum() == 2, "at first only the seeds are known"
    assert (second[:, 1] == 3).any(), "then what the network said"


def test_a_small_network_learns_to_flood(sampler):
    torch.manual_seed(0)
    network = build(FfnSettings(depth=2, features=8, step=(2, 2, 2)))
    for parameter in network.parameters():
        if parameter.dim() > 1:
            torch.nn.init.kaiming_normal_(parameter)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    rng, losses, moves = np.random.default_rng(0), [], []
    for step in range(12):
        examples = zip(*(sampler[4 * step + k] for k in range(4)), strict=True)
        batch = [torch.from_numpy(np.stack(part)) for part in examples]
        of_moves = []
        for loss in moving_losses(network, *batch, RECIPE, rng):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            of_moves.append(float(loss.detach()))
        losses.append(np.mean(of_moves))
        moves.append(len(of_moves))
    assert np.mean(losses[-3:]) < 0.6 * np.mean(losses[:2])
    assert max(moves) > 5
    assert np.isfinite(losses).all()


def test_the_box_of_a_patch_is_what_one_move_reaches():
    assert RECIPE.patch == (13, 13, 13)
    assert Box.of_shape(RECIPE.patch).size == 13**3
