"""Flags of the command, made from a verb's settings."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import enum
import re
import types
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from napari_axonem.errors import AxonemError, SettingsError
from napari_axonem.settings import COMMAS, Positional, Settings, flag_of

S = TypeVar("S", bound=Settings)


class UsageError(SettingsError):
    """The command line itself cannot be understood."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """What argparse must know of a field's type."""

    many: bool
    choices: tuple[str, ...] | None
    is_switch: bool


_NEEDED = "the following arguments are required: "
"""How argparse begins its list of what is missing."""


class Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of leaving the program."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - as argparse's
        super().__init__(*arguments, **options)
        # What begins like a number is one, such as the position -10,100,100: never a flag.
        self._negative_number_matcher = re.compile(r"-\.?\d")

    def error(self, message: str) -> typing.NoReturn:
        """Raise a usage error that names the verb and its help."""
        _, _, verb = self.prog.partition(" ")
        if message.startswith(_NEEDED):
            *others, last = message.removeprefix(_NEEDED).split(", ")
            needed = f"{', '.join(others)} and {last} are" if others else f"{last} is"
            message = f"{needed} needed"
        raise UsageError(message, where=verb, remedy=f"see '{self.prog} --help'")


def add_flags(parser: argparse.ArgumentParser, settings: type[Settings]) -> None:
    """Add one flag, or one positional argument, for each field of `settings`.

    Fields that are settings themselves are tables in a file; they have no flag.
    """
    for name, field in settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
            continue
        shape = _shape_of(field.annotation)
        if COMMAS in field.metadata:  # pydantic keeps the outermost marks there
            shape = dataclasses.replace(shape, many=False)
        options: dict[str, Any] = {"help": _help(field)}
        if shape.choices:
            options["choices"] = shape.choices
        if _is_positional(field):
            required = field.is_required()
            many = "+" if required else "*"
            options["nargs"] = many if shape.many else (None if required else "?")
            options["metavar"] = _metavar(name, field)
            parser.add_argument(name, **options, default=argparse.SUPPRESS)
            continue
        if shape.is_switch:
            options["action"] = argparse.BooleanOptionalAction
        else:
            options["metavar"] = None if shape.choices else _metavar(name, field)
            if shape.many:
                options |= {"nargs": "+", "action": "extend"}
        options |= {"dest": name, "required": field.is_required()}
        parser.add_argument(flag_of(name), default=argparse.SUPPRESS, **options)


def read_flags(settings: type[S], arguments: argparse.Namespace) -> S:
    """Return the settings that parsed arguments give.

    Raises
    ------
    SettingsError
        Naming the flag as the user writes it.
    """
    given = {n: v for n, v in vars(arguments).items() if n in settings.model_fields}
    with naming_flags(settings):
        return settings.parse(given)


@contextlib.contextmanager
def naming_flags(settings: type[Settings]) -> Iterator[None]:
    """Let errors about a setting name its flag, or what the help calls a positional one."""
    try:
        yield
    except AxonemError as error:
        name, _, _ = error.where.removeprefix("setting '").rstrip("'").partition(".")
        field = settings.model_fields.get(name)
        if field is None or not error.where.startswith("setting '"):
            raise
        where = _metavar(name, field) if _is_positional(field) else flag_of(name)
        raise type(error)(error.seen, where=where, remedy=error.remedy) from error


def _is_positional(field: FieldInfo) -> bool:
    return any(isinstance(mark, Positional) for mark in field.metadata)


def _shape_of(annotation: Any) -> _Shape:  # noqa: ANN401 - annotations are of any kind
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        (inner,) = (a for a in get_args(annotation) if a is not type(None))
        return _shape_of(inner)
    if origin is typing.Annotated:
        inner, *marks = get_args(annotation)
        shape = _shape_of(inner)
        return dataclasses.replace(shape, many=shape.many and COMMAS not in marks)
    if origin is Literal:
        return _Shape(many=False, choices=tuple(map(str, get_args(annotation))), is_switch=False)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        choices = tuple(str(member.value) for member in annotation)
        return _Shape(many=False, choices=choices, is_switch=False)
    many = origin in (list, Sequence) or (origin is tuple and get_args(annotation)[-1] is Ellipsis)
    return _Shape(many=many, choices=None, is_switch=annotation is bool)


def _help(field: FieldInfo) -> str:
    text = (field.description or "").replace("%", "%%")
    default = field.default
    if default in (None, PydanticUndefined, False, "", (), []):
        return text
    shown = ",".join(map(_written, default)) if isinstance(default, tuple) else default
    return f"{text} (default: {shown})"


def _written(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _metavar(name: str, field: FieldInfo) -> str:
    for mark in field.metadata:
        if isinstance(mark, Positional) and mark.metavar:
            return mark.metavar
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "metavar" in extra:
        return str(extra["metavar"])
    return name.upper()
