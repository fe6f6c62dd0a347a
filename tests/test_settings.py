"""Settings say what is wrong with them, and become the arguments of the command."""

from typing import Annotated, Self

import pytest
from pydantic import Field, model_validator

from napari_axonem.errors import SettingsError
from napari_axonem.settings import (
    Lengths,
    Positional,
    Settings,
    VoxelSize,
    arguments_of,
)


class Wishes(Settings):
    """Settings of each kind."""

    source: Annotated[str, Positional()]
    size: VoxelSize | None = None
    lengths: Lengths = ()
    names: tuple[str, ...] = ()
    count: int = Field(1, ge=1)
    fill: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.fill and self.count > 5:
            raise ValueError("count is too high for fill")
        return self


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"size": (30, 8, 8)}, ["--size=30,8,8"]),
        ({"size": "30,8,8"}, ["--size=30,8,8"]),
        ({"lengths": [1.5, 2]}, ["--lengths=1.5,2"]),
        ({"names": ("a", "b c")}, ["--names", "a", "b c"]),
        ({"fill": False, "count": 2}, ["--count=2", "--no-fill"]),
    ],
)
def test_arguments(given, expected):
    assert arguments_of(Wishes, {"source": "a.h5", **given}) == ["a.h5", *expected]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"count": 0}, "setting 'count': Input should be greater than or equal to 1 (got 0)"),
        ({"count": 6, "fill": True}, "count is too high for fill"),
    ],
)
def test_what_is_wrong_is_named(given, text):
    with pytest.raises(SettingsError) as caught:
        Wishes.parse({"source": "a.h5", **given})
    assert str(caught.value) == text
