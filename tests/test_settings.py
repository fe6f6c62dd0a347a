"""Settings say what is wrong with them, and become the arguments of the command."""

from typing import Annotated, Literal, Self

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
    unit: Literal["nm", "um"] = "nm"
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
        ({"count": 0}, "setting 'count': it must be at least 1, not 0"),
        ({"count": "many"}, "setting 'count': a whole number is needed, not 'many'"),
        ({"size": (30, 8)}, "setting 'size.2': three numbers z,y,x are needed, not 30,8"),
        ({"size": "30"}, "setting 'size.1': three numbers z,y,x are needed, not 30"),
        ({"lengths": "5,-2"}, "setting 'lengths.1': each must be at least 0, not -2"),
        ({"shape": "round"}, "setting 'shape': there is no such setting"),
        ({"unit": "mm"}, "setting 'unit': it must be 'nm' or 'um', not 'mm'"),
        ({"source": 3}, "setting 'source': Input should be a valid string (got 3)"),
        ({"count": 6, "fill": True}, "count is too high for fill"),
    ],
)
def test_what_is_wrong_is_named(given, text):
    with pytest.raises(SettingsError) as caught:
        Wishes.parse({"source": "a.h5", **given})
    assert str(caught.value) == text
