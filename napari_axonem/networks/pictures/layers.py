"""The paper counts layers with weights; a chain is cut between operations."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from napari_axonem.networks.chain import Chain, Keep


def weighted_layers(chain: Chain) -> list[int]:
    """Return the operations that hold a convolution or a matrix, in order."""
    kinds = (nn.modules.conv._ConvNd, nn.Linear)
    return [n for n, (_, op) in enumerate(chain) if any(isinstance(m, kinds) for m in op.modules())]


def cuts_of_layers(chain: Chain, layers: Sequence[int]) -> tuple[int, ...]:
    """Return the cuts of a pipeline placement vector that counts layers, as the paper does.

    Parameters
    ----------
    layers
        Numbers of layers with weights, from 1, rising; the chain is cut after each, and after
        what follows it without weights (activation, pooling, the sum at the end of a block).

    Raises
    ------
    ValueError
        When there is no layer behind one of them, or they do not rise.
    """
    weighted = weighted_layers(chain)
    operations = [operation for _, operation in chain]
    cuts = []
    for layer in layers:
        if not 1 <= layer < len(weighted):
            raise ValueError(
                f"layer {layer} is not among 1 to {len(weighted) - 1}, after which there is another"
            )
        cut = weighted[layer - 1] + 1
        # a tensor that is kept right behind the cut crosses it once, not twice
        while cut < weighted[layer] and not isinstance(operations[cut], Keep):
            cut += 1
        cuts.append(cut)
    if cuts != sorted(set(cuts)):
        raise ValueError(f"the layers {tuple(layers)} do not rise")
    return tuple(cuts)
