"""A training's configuration file: YAML, TOML or JSON; mistakes are told by key and line."""

from __future__ import annotations

import importlib.resources
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from napari_axonem.complaints import complaint
from napari_axonem.errors import SettingsError
from napari_axonem.settings import Settings

S = TypeVar("S", bound=Settings)
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a file says, and where."""

    path: Path
    values: Mapping[str, Any]

    lines: Mapping[Key, int]
    """Line of each key, from 1; keys of tables have several parts."""

    def place(self, key: Sequence[object]) -> str:
        """Return where a key stands, for a message."""
        parts = tuple(str(part) for part in key)
        for n in range(len(parts), 0, -1):
            if parts[:n] in self.lines:
                return f"{self.path}, line {self.lines[parts[:n]]}"
        return str(self.path)


def read_configuration(path: str | Path) -> Configuration:
    """Read a file; the suffix says what it is written in.

    Raises
    ------
    SettingsError
        There is no such file, its suffix is unknown, or it is damaged; with the line.
    """
    path = Path(path)
    readers = {".toml": _toml, ".json": _json, ".yaml": _yaml, ".yml": _yaml}
    if path.suffix not in readers:
        raise SettingsError(
            f"{path.suffix or 'no suffix'} is no form of configuration",
            where=path,
            remedy=f"end its name in one of {', '.join(readers)}",
        )
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SettingsError("there is no such file", where=path, remedy="check the path") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot be read ({error})", where=path) from error
    values, lines = readers[path.suffix](text, path)
    if not isinstance(values, dict):
        raise SettingsError("no settings in it", where=path, remedy="write 'name: value' lines")
    return Configuration(path, values, lines)


def preset_file(name: str) -> Path:
    """Return the file of a preset that comes with the program, such as ``"phantom"``."""
    folder = importlib.resources.files("napari_axonem.resources")
    return Path(str(folder)) / "presets" / f"{name}.toml"


def read_settings(
    settings: type[S], configuration: Configuration, given: Mapping[str, Any] | None = None
) -> S:
    """Return settings from a file; what is `given` (flags) takes precedence.

    Raises
    ------
    SettingsError
        Naming the first key that is wrong, its line, and what is allowed.
    """
    values = {**configuration.values, **(given or {})}
    try:
        return settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        unknown = first["type"] == "extra_forbidden"
        seen = f"there is no setting {key!r}" if unknown else f"{key}: {complaint(error.errors())}"
        raise SettingsError(
            seen,
            where=configuration.place(first["loc"]),
            remedy=f"known are {', '.join(settings.model_fields)}" if unknown else "",
        ) from error


def _yaml(text: str, path: Path) -> tuple[Any, dict[Key, int]]:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SettingsError(f"no YAML: {error.problem}", where=f"{path}{line}") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"no YAML: {error}", where=path) from error
    lines: dict[Key, int] = {}
    for key, number in _nodes(node, ()):
        if key in lines:
            raise SettingsError(f"{key[-1]!r} is there twice", where=f"{path}, line {number}")
        lines[key] = number
    return values, lines


def _json(text: str, path: Path) -> tuple[Any, dict[Key, int]]:
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingsError(
            f"no JSON: {error.msg}", where=f"{path}, line {error.lineno}"
        ) from error
    # JSON is YAML but for tabs and some characters, which only the reader of lines would mind.
    try:
        node = yaml.compose(text.replace("\t", " "), yaml.SafeLoader)
    except yaml.YAMLError:
        return values, {}
    return values, dict(_nodes(node, ()))


def _nodes(node: yaml.Node | None, above: Key) -> Iterable[tuple[Key, int]]:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        name = (*above, str(key.value))
        yield name, key.start_mark.line + 1
        yield from _nodes(value, name)


TABLE = re.compile(r"^\s*\[+\s*([^\]]+?)\s*\]+")
ASSIGNED = re.compile(r"""^\s*(["']?)([\w.\-]+)\1\s*=""")


def _toml(text: str, path: Path) -> tuple[Any, dict[Key, int]]:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = f", line {found[1]}" if found else ""
        raise SettingsError(f"no TOML: {error}", where=f"{path}{line}") from error
    lines: dict[Key, int] = {}
    table: Key = ()
    for number, words in enumerate(text.splitlines(), start=1):
        if header := TABLE.match(words):
            table = tuple(part.strip(" \"'") for part in header[1].split("."))
            lines.setdefault(table, number)
        elif key := ASSIGNED.match(words):
            lines.setdefault((*table, *key[2].split(".")), number)
    return values, lines
