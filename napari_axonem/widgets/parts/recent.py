"""What is kept in the user's settings: projects opened lately, formats, the layout, keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from qtpy.QtCore import QByteArray, QSettings, QSize

KEY = "recent_projects"

CLAIMED_KEY = "claimed_patterns"

SIZE_KEY, LAYOUT_KEY = "window_size", "window_layout"

KEYS_GROUP = "keys"

SIDES_KEY, CROSSHAIR_KEY = "side_views", "crosshair"

MOST = 10


def projects() -> list[str]:
    """Return the folders that still exist, newest first."""
    return [path for path in _listed(KEY) if Path(path).is_dir()]


def remember(project: Path) -> None:
    """Put a project in front."""
    path = str(project.absolute())
    others = [other for other in projects() if other != path]
    _settings().setValue(KEY, [path, *others][:MOST])


def claimed() -> list[str]:
    """Return the patterns of names that were entered in napari's preferences."""
    return _listed(CLAIMED_KEY)


def claim(patterns: Sequence[str]) -> None:
    """Remember that patterns were entered, so that none is entered twice."""
    _settings().setValue(CLAIMED_KEY, [*claimed(), *patterns])


def layout() -> tuple[QSize, bytes] | None:
    """Return the size of the window and where its docks were; None where that is not known."""
    size, state = _settings().value(SIZE_KEY), _settings().value(LAYOUT_KEY)
    if not isinstance(size, QSize) or not size.isValid() or not isinstance(state, QByteArray):
        return None
    return size, bytes(state.data())


def keep_layout(size: QSize, state: bytes) -> None:
    """Remember the size of the window and where its docks are."""
    _settings().setValue(SIZE_KEY, size)
    _settings().setValue(LAYOUT_KEY, QByteArray(state))


def given_keys() -> dict[str, str]:
    """Return the keys that the user gave to actions, by action; an empty one is none."""
    settings = _settings()
    settings.beginGroup(KEYS_GROUP)
    return {name: str(settings.value(name) or "") for name in settings.childKeys()}


def keep_given_keys(given: Mapping[str, str]) -> None:
    """Remember the keys that the user gave to actions, and no others."""
    settings = _settings()
    settings.beginGroup(KEYS_GROUP)
    settings.remove("")
    for name, key in given.items():
        settings.setValue(name, key)


def sides_shown() -> bool:
    """Return whether the views from the side were open."""
    return bool(_settings().value(SIDES_KEY, defaultValue=False, type=bool))


def keep_sides_shown(shown: bool) -> None:
    """Remember whether the views from the side are open."""
    _settings().setValue(SIDES_KEY, shown)


def crosshair_shown() -> bool:
    """Return whether the crosshair is wanted with views from the side."""
    return bool(_settings().value(CROSSHAIR_KEY, defaultValue=True, type=bool))


def keep_crosshair_shown(shown: bool) -> None:
    """Remember whether the crosshair is wanted."""
    _settings().setValue(CROSSHAIR_KEY, shown)


def _listed(key: str) -> list[str]:
    stored = _settings().value(key, [])  # Qt gives a list of one as a string
    return [stored] if isinstance(stored, str) else [str(value) for value in stored or []]


def _settings() -> QSettings:
    return QSettings(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, "napari-axonem", "window"
    )
