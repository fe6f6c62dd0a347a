"""What is kept in the user's settings: projects opened lately, formats entered with napari."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import QSettings

KEY = "recent_projects"

CLAIMED_KEY = "claimed_patterns"

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


def _listed(key: str) -> list[str]:
    stored = _settings().value(key, [])  # Qt gives a list of one as a string
    return [stored] if isinstance(stored, str) else [str(value) for value in stored or []]


def _settings() -> QSettings:
    return QSettings(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, "napari-axonem", "window"
    )
