"""Which fragments changed their segment."""

from __future__ import annotations

import numpy as np

from napari_axonem.evaluation.grouping import Ints
from napari_axonem.evaluation.tables import U32


def changed_among(before: U32, after: U32, among: Ints | None) -> Ints:
    """Return the fragments that are in another segment than before.

    Parameters
    ----------
    among
        Fragments that may be; all where it is None.
    """
    if among is None:
        return np.flatnonzero(before != after)
    changed: Ints = among[before[among] != after[among]]
    return changed
