"""Projects that are edited, and then lose their database."""

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.backups import copies
from napari_axonem.proofreading.record.echo import files
from napari_axonem.proofreading.record.folder import Folder
from napari_axonem.proofreading.states import ObjectState

from .conftest import centre

Labels = npt.NDArray[np.uint32]
TABLES = ("operations", "refinements", "error_states", "object_states", "object_checks")


class PowerCutError(BaseException):
    """The end of the process, as far as the program can tell."""


def cut(project: Project, *, x: float = 40.0) -> None:
    """Cut through the fragment that lies at y from 0 to 64 nm and at `x`."""
    project.split(project.plan_split([(60.0, 20.0, x)], [(60.0, 50.0, x)]))


def edit(project: Project, bars: Labels) -> None:
    """Do edits of every kind, a cut among them, and say something of errors and objects."""
    project.merge([centre(bars, 1), centre(bars, 2)])
    project.log.set_error_state("a", "done")
    project.log.set_error_state("b", "skipped")
    cut(project)
    project.log.set_error_state("b", None)
    project.undo()
    project.merge([centre(bars, 4), centre(bars, 5)])
    project.objects.say(4, ObjectState.DISCUSS, "what is this?")
    project.objects.say(6, ObjectState.DONE)
    project.delete([centre(bars, 3)])
    project.mark("half-way")


def rows(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that a database holds."""
    database = sqlite3.connect(path / "project.db")
    names = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    found = {
        name: database.execute(f"SELECT * FROM {name}").fetchall()
        for name in TABLES
        if name in names
    }
    database.close()
    return found


def voxels(path: Path) -> Labels:
    with Project(path, writable=False) as project:
        fragments = project.sources.fragments.volume
        return fragments.read(fragments.box)


def damage(path: Path) -> None:
    """Write over the database, and lose what SQLite keeps beside it."""
    (path / "project.db").write_bytes(b"not what it was" * 1000)
    for suffix in ("-wal", "-shm"):
        Path(f"{path}/project.db{suffix}").unlink(missing_ok=True)


def make_copy(project: Project) -> Path:
    """Make a copy as it is made when it is time to."""
    kept = project.keeper._backups
    assert kept is not None
    kept._begin(len(project.operations)).join()
    return copies(project.folder)[0]


def forget_the_echo(path: Path) -> None:
    for file in files(Folder(path).backups):
        file.unlink()


def make_old(path: Path) -> None:
    """Let a project be one from before there was an echo."""
    database = sqlite3.connect(path / "project.db")
    database.execute("DROP TABLE newest_change")
    database.commit()
    database.close()
    Folder(path).highest.unlink(missing_ok=True)
    forget_the_echo(path)
