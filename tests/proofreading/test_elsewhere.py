"""Calls in a process of their own."""

import os

import pytest

from napari_axonem.errors import AxonemError
from napari_axonem.geometry import Box, zyx
from napari_axonem.proofreading.elsewhere import elsewhere


def test_the_answer_comes_back() -> None:
    assert elsewhere(Box.of_shape, (3, 4, 5)) == Box((0, 0, 0), (3, 4, 5))
    assert elsewhere(os.path.basename, "a/b") == "b"


def test_what_goes_wrong_is_told() -> None:
    with pytest.raises(AxonemError, match="unpack"):
        elsewhere(zyx, (1, 2))


def test_a_process_that_dies_is_told() -> None:
    with pytest.raises(AxonemError, match="ended early"):
        elsewhere(os._exit, 3)


def test_what_is_printed_is_no_part_of_the_answer() -> None:
    assert elsewhere(print, "to the terminal") is None
