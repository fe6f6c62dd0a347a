"""Random numbers that depend on names and not on the order in which they are drawn.

A block of a phantom must not depend on which blocks were made before. Whatever is drawn while
rendering is therefore a hash of (seed, what, which one).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_axonem.volumes.phantom.arrays import Doubles

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def hashed(*keys: npt.ArrayLike) -> npt.NDArray[np.uint64]:
    """Return 64 random bits for each combination of integer `keys`, broadcast together.

    The finaliser is that of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
    """
    state = np.zeros(1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for key in keys:
            state = state * _MIX_2 + np.asarray(key).astype(np.uint64) + _GOLDEN
            state = (state ^ (state >> np.uint64(30))) * _MIX_1
            state = (state ^ (state >> np.uint64(27))) * _MIX_2
            state = state ^ (state >> np.uint64(31))
    return state


def uniform(*keys: npt.ArrayLike) -> Doubles:
    """Return numbers in [0, 1), one for each combination of integer `keys`."""
    return (hashed(*keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def generator(seed: int, name: str) -> np.random.Generator:
    """Return the generator of the part of the phantom called `name`."""
    return np.random.default_rng([seed, *name.encode()])
