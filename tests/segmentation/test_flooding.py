"""Flooding one block: many objects at once give what one after the other gives."""

import numpy as np
import pytest

pytest.importorskip("torch")

from napari_axonem.geometry import Box  # noqa: E402
from napari_axonem.segmentation.flooding.checkpoint import (  # noqa: E402
    restore_checkpoint,
    save_checkpoint,
)
from napari_axonem.segmentation.flooding.mask import GrowingMask  # noqa: E402
from napari_axonem.segmentation.flooding.moves import face_maxima  # noqa: E402
from napari_axonem.segmentation.flooding.subvolume import SubvolumeFlood  # noqa: E402
from tests.segmentation.flooding_cases import (  # noqa: E402
    all_seeds,
    blobs,
    connected,
    drifting,
    fading,
    flooded_plainly,
    rules,
)

LOOKS = [connected, fading, drifting]


def flooded(image, seeds, rules, look, at_once):
    flood = SubvolumeFlood(image, seeds, rules, look, at_once)
    while flood.advance():
        pass
    return flood


@pytest.mark.parametrize("freeze", [True, False])
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("seed", [1, 2])
def test_any_number_at_once_gives_what_one_after_the_other_gives(seed, look, freeze):
    image, how = blobs(seed), rules(freeze=freeze)
    seeds = all_seeds(image, how)
    wanted = flooded_plainly(image, seeds, how, look)
    assert wanted.max() >= 3
    for at_once in (1, 4, 16):
        assert np.array_equal(flooded(image, seeds, how, look, at_once).labels, wanted)
