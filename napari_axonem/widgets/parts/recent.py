"""What is kept in the user's settings: projects opened lately, formats entered, the layout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import QByteArray, QSettings, QSize

KEY = "recent_projects"

CLAIMED_KEY = "claimed_patterns"

SIZE_KEY, LAYOUT_KEY = "window_size", "window_layout"

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


def _listed(key: str) -> list[str]:
    stored = _settings().value(key, [])  # Qt gives a list of one as a string
    return [stored] if isinstance(stored, str) else [str(value) for value in stored or []]


def _settings() -> QSettings:
    return QSettings(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, "napari-axonem", "window"
    )
