"""Settings of a verb: described once, used by the command, the windows and the files.

A verb's settings are a frozen pydantic model whose fields carry unit, bounds and help text.
`napari_axonem.cli` makes flags of them, `napari_axonem.widgets` makes forms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Self, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from napari_axonem.complaints import complaint
from napari_axonem.errors import SettingsError
from napari_axonem.geometry import Nm


@dataclass(frozen=True, slots=True)
class Positional:
    """Marks a setting that the command takes without a flag."""

    metavar: str = ""
    """What the help calls it; the setting's name in capitals where empty."""


class Settings(BaseModel):
    """Base of all settings: frozen, no unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Check `values` and return the settings.

        Raises
        ------
        SettingsError
            Naming the first setting that is wrong, what was given and what is allowed; or saying
            which settings do not go together.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            first = error.errors()[0]
            if not first["loc"]:  # several settings do not go together; the message names them
                raise SettingsError(first["msg"].removeprefix("Value error, ")) from error
            name = ".".join(str(part) for part in first["loc"])
            raise SettingsError(complaint(error.errors()), where=f"setting {name!r}") from error


def flag_of(name: str) -> str:
    """Return the flag of a setting."""
    return "--" + name.replace("_", "-")


def arguments_of(settings: type[Settings], given: Mapping[str, Any]) -> list[str]:
    """Return the command's arguments for settings that are given, in the order of their fields.

    Parameters
    ----------
    settings
        The verb's settings.
    given
        Values by name, as `Settings.parse` takes them; numbers and words may be typed text.
    """
    positional: list[str] = []
    flags: list[str] = []
    for name, field in settings.model_fields.items():
        if name not in given:
            continue
        value = given[name]
        if any(isinstance(mark, Positional) for mark in field.metadata):
            positional.append(str(value))
        elif isinstance(value, bool):
            flags.append(flag_of(name) if value else flag_of(f"no_{name}"))
        elif isinstance(value, tuple | list) and _is_several_words(
            field.annotation, field.metadata
        ):
            flags += [flag_of(name), *map(str, value)]
        else:
            word = ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
            flags.append(f"{flag_of(name)}={word}")
    return [*positional, *flags]


def _is_several_words(annotation: Any, marks: Sequence[Any] = ()) -> bool:  # noqa: ANN401
    """Tell whether values of a type are words of their own, and not one word with commas."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _is_several_words(inner[0], inner[1:])
    if origin in (Union, UnionType):
        return any(_is_several_words(one) for one in inner)
    is_open = origin is list or (origin is tuple and inner[-1] is Ellipsis)
    return is_open and COMMAS not in marks


def _from_commas(value: object) -> object:
    """Let several numbers be written as one word, such as ``z,y,x``."""
    return tuple(value.split(",")) if isinstance(value, str) else value


COMMAS = BeforeValidator(_from_commas)
"""Marks several values that are written as one word, with commas between them."""

Lengths = Annotated[tuple[Annotated[float, Field(ge=0)], ...], COMMAS]
"""Any number of lengths in nm."""

Point = Annotated[Nm, COMMAS]
"""A position z,y,x in nm."""

ZYX_NM = {"metavar": "Z,Y,X"}
"""How the help writes a triple in nm; for a field's `json_schema_extra`."""

VoxelSize = Annotated[
    tuple[
        Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]
    ],
    COMMAS,
]
"""Edge lengths z,y,x of a voxel in nm."""

Shape = Annotated[
    tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]],
    COMMAS,
]
"""An extent z,y,x in voxels."""


class TeamSettings(Settings):
    """Who does blockwise work; settings of verbs that do some inherit these."""

    workers: int = Field(0, ge=0, description="processes to work with (default: one a core)")
    scheduler: str = Field(
        "",
        description="address of a dask scheduler whose workers take the place of processes",
        json_schema_extra={"metavar": "tcp://HOST:PORT"},
    )
