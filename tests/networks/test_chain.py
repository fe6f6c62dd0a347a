"""Chains: cut anywhere, they compute the same, and their weights keep their names."""

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from napari_axonem.networks.chain import Add, Chain, Keep, On  # noqa: E402


def small() -> Chain:
    torch.manual_seed(1)
    return Chain(
        [
            ("first", On(nn.Conv3d(1, 4, 3, padding=1))),
            ("keep", Keep()),
            ("down", On(nn.Conv3d(4, 4, 2, stride=2))),
            ("up", On(nn.ConvTranspose3d(4, 4, 2, stride=2))),
            ("add", Add(nn.Conv3d(4, 4, 1))),
            ("last", On(nn.Conv3d(4, 3, 1))),
        ]
    )


@pytest.mark.parametrize("cut", range(1, 6))
def test_cut_anywhere_it_computes_the_same(cut):
    chain, x = small(), torch.randn(1, 1, 4, 6, 8)
    live = chain.piece(cut, len(chain)).run(chain.piece(0, cut).run((x,)))
    assert torch.equal(live[0], chain(x))
    assert len(live) == 1


def test_a_piece_shares_weights_and_their_names():
    chain = small()
    piece = chain.piece(2, 6)
    names = dict(chain.named_parameters())
    for name, parameter in piece.named_parameters():
        assert names[name] is parameter
    assert {"down.module.weight", "add.module.bias"} <= dict(piece.named_parameters()).keys()


def test_a_skip_left_over_is_told():
    with pytest.raises(RuntimeError, match="1 skips are left over"):
        Chain([("keep", Keep())])(torch.zeros(1, 1, 2, 2, 2))


def test_names_are_unique():
    with pytest.raises(ValueError, match="two operations are called 'a'"):
        Chain([("a", Keep()), ("a", Keep())])
