"""What pydantic finds wrong with settings, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_NUMBERS = {2: "two", 3: "three", 6: "six"}
_NAMES = {3: "z,y,x", 6: "z0,y0,x0,z1,y1,x1"}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}
_TYPES = {
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
}


def complaint(found: Sequence[ErrorDetails]) -> str:
    """Say what is wrong with the first setting that pydantic names, and what was given.

    Parameters
    ----------
    found
        All that pydantic found, as `ValidationError.errors` gives it.
    """
    first = found[0]
    kind, given, limits = first["type"], first["input"], first.get("ctx", {})
    subject = "each" if len(first["loc"]) > 1 and isinstance(first["loc"][-1], int) else "it"
    if kind == "missing":
        if not isinstance(given, tuple | list):
            return "it is needed"
        absent = [e for e in found if e["type"] == kind and e["loc"][:-1] == first["loc"][:-1]]
        return _count(len(given) + len(absent), given)
    if kind in ("too_long", "too_short") and isinstance(given, tuple | list):
        least, most = limits.get("min_length"), limits.get("max_length")
        if kind == "too_long" and first["msg"].startswith("Tuple"):
            return _count(int(most or 0), given)
        bound = f"at most {most}" if kind == "too_long" else f"at least {least}"
        return f"{bound} are needed, not {len(given)}"
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        return f"{subject} must be {words} {limits[name]:g}, not {_shown(given)}"
    if kind in _TYPES:
        return f"{_TYPES[kind]} is needed, not {_shown(given)}"
    if kind in ("literal_error", "enum"):
        return f"{subject} must be {limits['expected']}, not {_shown(given)}"
    if kind == "extra_forbidden":
        return "there is no such setting"
    shown = "" if isinstance(given, dict) else f" (got {given!r})"
    return f"{first['msg'].removeprefix('Value error, ')}{shown}"


def _count(wanted: int, given: Sequence[object]) -> str:
    """Say how many values are needed; a tuple of three is in the order z,y,x."""
    ranges = any(isinstance(value, tuple | list) for value in given)
    name = "z0:z1,y0:y1,x0:x1" if ranges and wanted == 3 else _NAMES.get(wanted, "")
    what = "ranges" if ranges else "numbers"
    needed = f"{_NUMBERS.get(wanted, wanted)} {what} {name}".rstrip()
    return f"{needed} are needed, not {_joined(given) or 'none'}"


def _joined(values: Sequence[object]) -> str:
    return ",".join(
        ":".join("" if v is None else _number(v) for v in value)
        if isinstance(value, tuple | list)
        else _number(value)
        for value in values
    )


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _shown(value: object) -> str:
    """Return a number as it was typed, and anything else so that one sees where it ends."""
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return repr(value)
    return _number(value)
