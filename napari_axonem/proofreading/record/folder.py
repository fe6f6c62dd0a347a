"""What lies where in a project's folder, and names that sort by time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

SUFFIX = ".axonem"


@dataclass(frozen=True, slots=True)
class Folder:
    """The paths of a project."""

    root: Path
    """The project's folder, ``NAME.axonem``."""

    @property
    def database(self) -> Path:
        """The log of operations and what else is said of the project."""
        return self.root / "project.db"

    @property
    def fragments(self) -> Path:
        """The pyramid of fragments, OME-Zarr."""
        return self.root / "fragments.zarr"

    @property
    def truth(self) -> Path:
        """The pyramid of true objects, OME-Zarr; there only when truth was given."""
        return self.root / "truth.zarr"

    @property
    def tables(self) -> Path:
        """The folder of tables as they were at creation."""
        return self.root / "tables"

    @property
    def skeletons(self) -> Path:
        """The skeletons of the truth; there only when they were given."""
        return self.root / "skeletons.npz"

    @property
    def snapshots(self) -> Path:
        """The folder of snapshots: what the log amounts to, so that opening is fast."""
        return self.root / "snapshots"

    @property
    def backups(self) -> Path:
        """The folder of copies of the database, and of the echo: what came after them."""
        return self.root / "backups"

    @property
    def highest(self) -> Path:
        """The highest fragment that voxels may have; there only once a fragment was cut."""
        return self.root / "highest_fragment.txt"


def next_stamp(folder: Path) -> str:
    """Return the time, in UTC, as a beginning of a name that sorts behind all names in `folder`.

    Where the clock was set back, it is a moment after that of the newest.
    """
    found = (_STAMP.match(path.name) for path in folder.glob("[0-9]*"))
    newest = max((match.group() for match in found if match), default="")
    now = datetime.now(UTC).strftime(_TIME)
    if now > newest:
        return now
    later = datetime.strptime(newest, _TIME).replace(tzinfo=UTC) + timedelta(microseconds=1)
    return later.strftime(_TIME)


_TIME = "%Y%m%dT%H%M%S%f"
_STAMP = re.compile(r"\d{8}T\d{12}")
