"""The projects opened lately, kept in the user's settings."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QSettings

KEY = "recent_projects"

MOST = 10


def projects() -> list[str]:
    """Return the folders that still exist, newest first."""
    stored = _settings().value(KEY, [])
    paths = [stored] if isinstance(stored, str) else [str(path) for path in stored or []]
    return [path for path in paths if Path(path).is_dir()]


def remember(project: Path) -> None:
    """Put a project in front."""
    path = str(project.absolute())
    others = [other for other in projects() if other != path]
    _settings().setValue(KEY, [path, *others][:MOST])


def _settings() -> QSettings:
    return QSettings(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, "napari-axonem", "window"
    )
