"""Starting a job in a process that lives on when whoever started it ends."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import napari_axonem
from napari_axonem.errors import JobError, JobTakenError
from napari_axonem.jobs import processes
from napari_axonem.jobs.events import EventLog, Kind
from napari_axonem.jobs.folder import JobFolder
from napari_axonem.jobs.following import Job, State
from napari_axonem.jobs.running import JOB_VARIABLE
from napari_axonem.jobs.specification import Specification
from napari_axonem.volumes.disk import guarded, replacing
from napari_axonem.watching import Wish


def start(specification: Specification, parent: Path) -> Job:
    """Write a job down in a folder of jobs, and start it.

    Raises
    ------
    JobError
        Its process could not be started.
    StorageError
        The folder cannot be written.
    """
    folder = create(specification, parent)
    _launch(folder, specification.arguments)
    return Job(folder.root)


def create(specification: Specification, parent: Path) -> JobFolder:
    """Write a job down, with an id of its own where it has none, and start nothing."""
    now = time.time()
    stamp = datetime.fromtimestamp(now, UTC).astimezone().strftime("%Y%m%d-%H%M%S")
    id_ = specification.id or f"{specification.verb}-{stamp}-{secrets.token_hex(2)}"
    with replacing(parent / id_, overwrite=None) as path:
        path.mkdir()
        replace(specification, id=id_, created=now).write(JobFolder(path).specification)
    return JobFolder(parent / id_)


def ask(job: Job, wish: Wish) -> None:
    """Wish something of a job that is at work, or waits.

    Raises
    ------
    JobError
        It is neither; or a checkpoint would make it forget that it shall wait or stop.
    StorageError
        Its folder cannot be written.
    """
    job.catch_up()
    if not job.state.is_alive:
        remedy = "nothing needs to be done" if job.state is State.DONE else "resume it first"
        raise JobError(f"it is {job.state}", where=job.id, remedy=remedy)
    if wish is Wish.CHECKPOINT:
        pending = job.folder.wished().wish
        if job.state is State.PAUSED or pending is Wish.PAUSE:
            raise JobError("it waits, and would go on", where=job.id, remedy="resume it first")
        if pending is Wish.STOP:
            raise JobError("it will stop", where=job.id, remedy="it writes a checkpoint then")
    job.folder.wish(wish)


def resume(job: Job) -> None:
    """Let a job go on: one that waits, or shall, at once, one that has ended in another process.

    Raises
    ------
    JobError
        It is running, or done.
    StorageError
        Its folder cannot be written.
    """
    job.catch_up()
    is_to_wait = job.state.is_alive and job.folder.wished().wish is Wish.PAUSE
    if job.state is State.PAUSED or is_to_wait:
        job.folder.wish(Wish.GO_ON)
        return
    if job.state.is_alive:
        raise JobTakenError("it is running", where=job.folder.root, remedy="follow it")
    if job.state is State.DONE:
        raise JobError("it is done", where=job.folder.root, remedy="start another job")
    told = job.specification
    has_begun = job.began > 0
    _launch(job.folder, (*told.arguments, *(told.again if has_begun else ())))


def _launch(folder: JobFolder, arguments: tuple[str, ...]) -> None:
    """Start the command on a job."""
    told = Specification.read(folder.specification)
    folder.wish(Wish.GO_ON)  # what was wished of an earlier process is over
    environment = {**command_environment(), JOB_VARIABLE: str(folder.root.absolute())}
    with guarded(folder.root), folder.output.open("ab") as output:
        try:
            process = subprocess.Popen(
                _command(told.processes, arguments),
                cwd=told.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                **_apart(),
            )
        except OSError as error:
            raise JobError(
                f"its process could not be started ({error})",
                where=folder.root,
                remedy="check that the folder to work in exists",
            ) from error
    EventLog(folder.events).add(Kind.LAUNCHED, **processes.about(process.pid))
    # Whoever has started a process has to take notice of its end, or it stays as a zombie.
    Thread(target=process.wait, name=f"end of {told.id}", daemon=True).start()


def command_environment() -> dict[str, str]:
    """Return the environment in which the command finds this package, however it was found."""
    environment = dict(os.environ)
    source = str(Path(napari_axonem.__file__).parents[1])
    path = [source, *filter(None, [environment.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(path)}


def _command(processes: int, arguments: tuple[str, ...]) -> list[str]:
    copies = []
    if processes > 1:
        copies = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
        copies.append(str(processes))
    return [sys.executable, *copies, "-m", "napari_axonem", *arguments]


def _apart() -> dict[str, Any]:
    """Return what sets a process apart, so that it outlives the terminal and the window."""
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        return {"creationflags": flags}
    return {"start_new_session": True}
