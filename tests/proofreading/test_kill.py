"""SIGKILL at random moments of editing: no confirmed edit is lost, and nothing disagrees."""

import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.verification import verify_project

from .conftest import Maker
from .editor_process import edit_for_ever

KILLS = 60

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")


def edit_until_killed(path: Path, seed: int, edits: int, reads: int) -> int:
    """Let a process edit; kill it some time after `edits` confirmations; return the last one.

    The moment is random without a clock: `reads` looks at the pipe go by after the last
    confirmation that is waited for, while the process works on.
    """
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=edit_for_ever, args=(path, seed, theirs))
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


def test_no_confirmed_edit_is_lost(make_project: Maker) -> None:
    random = np.random.default_rng(7)
    multiprocessing.get_context("forkserver").set_forkserver_preload(
        ["tests.proofreading.editor_process"]
    )
    labels = np.kron(np.arange(1, 25).reshape(2, 3, 4), np.ones((3, 6, 7))).astype(np.uint32)
    path = make_project(fragments=labels, truth=np.roll(labels, 2, axis=2))
    known = 0
    for kill in range(KILLS):
        confirmed = edit_until_killed(
            path, seed=kill, edits=int(random.integers(1, 5)), reads=int(random.integers(0, 3000))
        )
        with Project(path) as project:
            ids = [operation.id for operation in project.operations]
            assert ids == list(range(1, len(ids) + 1)), f"a gap in the log after kill {kill}"
            assert len(ids) >= max(known, confirmed), f"a confirmed edit was lost by kill {kill}"
            assert verify_project(project) == [], f"after kill {kill}"
            known = len(ids)
    assert known >= KILLS
