"""SIGKILL at random moments of editing and exporting.

No confirmed edit is lost, nothing disagrees, and no export is half-written under its final name.
After every other kill, the database is lost as well, and is made anew.
``AXONEM_KILLS`` sets how often a process is killed.
"""

import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from napari_axonem.proofreading import keeper
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.folder import Folder
from napari_axonem.proofreading.restoring import restore
from napari_axonem.proofreading.tables.state import State
from napari_axonem.proofreading.tables.stored import Tables
from napari_axonem.proofreading.verification import verify_project
from napari_axonem.volumes import open_volume

from .conftest import Maker
from .editor_process import edit_for_ever

KILLS = int(os.environ.get("AXONEM_KILLS", "40"))

RESTART = 100
"""Kills after which a fresh project is taken, so that voxels are not cut into dust."""

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL"),
    pytest.mark.timeout(max(300, 60 * KILLS)),
]


def edit_until_killed(path: Path, seed: int, exports: Path, edits: int, reads: int) -> int:
    """Let a process edit; kill it some time after `edits` confirmations; return the last one.

    The moment is random without a clock: `reads` looks at the pipe go by after the last
    confirmation that is waited for, while the process works on.
    """
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=edit_for_ever, args=(path, seed, exports, theirs))
    process.start()
    theirs.close()
    last = 0
    for _ in range(edits + 1):
        last = max(last, ours.recv())
    for _ in range(reads):
        if ours.poll():
            last = max(last, ours.recv())
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    try:
        while ours.poll():
            last = max(last, ours.recv())
    except EOFError:
        pass
    ours.close()
    process.close()
    return last


def labels_after(project: Project, operation: int) -> np.ndarray:
    """Return what the labels were after an operation, replayed from the log."""
    tables = Tables.load(project.folder.tables)
    then = State(tables, project.log, project.sources.grid, until=operation)
    segment = then.graph.segment.tolist()
    for carried in project.state.carried[len(then.carried) :]:
        segment.append(segment[carried.parent])  # what was cut later was of its parent then
    imported = then.fragment_ids.tolist()
    ids = np.array([*imported, *(max(imported) + n for n in range(1, len(segment)))])
    fragments = project.sources.fragments.volume
    return ids[np.array(segment)[fragments.read(fragments.box)]]


def check_exports(project: Project, exports: Path, kill: int) -> int:
    """Check and remove everything that has a final name; return how much that was."""
    found = [path for path in exports.iterdir() if not path.name.startswith(".")]
    for path in found:
        volume = open_volume(f"{path}:labels" if path.suffix == ".h5" else path)
        wanted = labels_after(project, int(path.stem))
        np.testing.assert_array_equal(volume.read(volume.box), wanted, f"export of kill {kill}")
    shutil.rmtree(exports)
    exports.mkdir()
    return len(found)


def test_no_confirmed_edit_is_lost(
    make_project: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "WORTH_A_SNAPSHOT", 20)
    random = np.random.default_rng(7)
    multiprocessing.get_context("forkserver").set_forkserver_preload(
        ["tests.proofreading.editor_process"]
    )
    labels = np.kron(np.arange(1, 25).reshape(2, 3, 4), np.ones((3, 6, 7))).astype(np.uint32)
    labels[:, ::9] = 0
    original = make_project(fragments=labels, truth=np.roll(labels, 2, axis=2))
    exports = tmp_path / "exports"
    exports.mkdir()
    known = exported = total = restored = 0
    for kill in range(KILLS):
        path = tmp_path / f"{kill // RESTART}.axonem"
        if not path.exists():
            shutil.copytree(original, path)
            known = 0
        edits, reads = int(random.integers(1, 5)), int(random.integers(0, 3000))
        confirmed = edit_until_killed(path, kill, exports, edits, reads)
        if kill % 4 in (1, 2):
            for file in path.glob("project.db*"):
                file.write_bytes(b"not what it was" * 1000)
            restored += restore(Folder(path)).changes
        with Project(path) as project:
            ids = [operation.id for operation in project.operations]
            assert ids == list(range(1, len(ids) + 1)), f"a gap in the log after kill {kill}"
            assert len(ids) >= max(known, confirmed), f"a confirmed edit was lost by kill {kill}"
            assert verify_project(project) == [], f"after kill {kill}"
            exported += check_exports(project, exports, kill)
            total += len(ids) - known
            known = len(ids)
    assert total >= KILLS
    assert exported > KILLS // 10
    assert restored > KILLS // 4
