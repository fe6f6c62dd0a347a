"""Jobs in processes of their own: what a killed window, and a killed trainer, leave behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

torch = pytest.importorskip("torch")

from napari_axonem.jobs import Job, State, jobs_in, resume, start  # noqa: E402
from napari_axonem.watching import Wish  # noqa: E402
from tests.jobs import trainings  # noqa: E402
from tests.training.fields import write_field  # noqa: E402

PATIENCE_S = 240


def until(job: Job, condition) -> None:
    """Follow a job until something is true of it."""
    end = time.monotonic() + PATIENCE_S
    while True:
        job.catch_up()
        if condition(job):
            return
        said = job.folder.output.read_text() if job.folder.output.exists() else ""
        assert job.state is not State.FAILED, f"{job.text}: {said}"
        assert time.monotonic() < end, f"{job.state} at {job.progress}: {said}"
        time.sleep(0.05)  # between two looks, not instead of one


@pytest.fixture
def ended():
    """Ends the processes of the jobs put in, whatever becomes of the test."""
    jobs: list[Job] = []
    yield jobs
    for job in jobs:
        job.catch_up()
        if job.state.is_alive and job.process_id:
            os.kill(job.process_id, signal.SIGKILL)


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by signals")
def test_the_window_is_killed_then_the_trainer_and_nothing_is_lost(tmp_path, ended):
    place = write_field(tmp_path / "field.h5")
    command = [sys.executable, "-m", "tests.jobs.trainings", place]
    command += [str(tmp_path / "run"), str(tmp_path / "jobs")]
    root = Path(trainings.__file__).parents[2]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
    ) as window:
        started = Path(window.stdout.readline().strip())
        window.kill()
    ((job,), problems) = jobs_in(tmp_path / "jobs")  # as a window opened later finds it
    ended.append(job)
    assert job.folder.root == started
    assert problems == []
    until(job, lambda job: job.progress[0] >= 12)
    assert job.state is State.RUNNING
    assert job.speed > 0
    assert job.curves["loss/train"].steps[0] == 1

    trainer = psutil.Process(job.process_id)
    os.kill(job.process_id, signal.SIGKILL)
    trainer.wait(PATIENCE_S)
    job.catch_up()
    assert job.state is State.LOST
    reached = job.progress[0]
    written = (tmp_path / "run" / "checkpoints").glob("step-*.safetensors")
    newest = max(int(path.stem.removeprefix("step-")) for path in written)

    resume(job)
    until(job, lambda job: job.state is State.RUNNING and job.progress[0] > reached)
    (going_on,) = (line for line in job.lines if line.startswith("going on from mini-batch"))
    assert int(going_on.split()[4]) == newest >= reached - 10

    other = Job(started)  # a second window
    other.folder.wish(Wish.STOP)
    until(job, lambda job: not job.state.is_alive)
    other.catch_up()
    assert job.state is other.state is State.STOPPED
    assert (tmp_path / "run" / "last.safetensors").exists()
    assert other.data["steps"] >= job.progress[0] > 0
    assert not job.folder.is_held()


def test_a_job_that_fails_says_why(tmp_path, ended):
    job = start(trainings.training("nowhere.h5", tmp_path / "run"), tmp_path / "jobs")
    ended.append(job)
    end = time.monotonic() + PATIENCE_S
    while job.state is not State.FAILED and time.monotonic() < end:
        job.catch_up()
        time.sleep(0.05)
    assert job.state is State.FAILED
    assert "nowhere.h5" in job.text
    assert job.state.can_resume
