"""Verbs for jobs: work that runs in processes of its own, started here or in a window."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from napari_axonem.cli.reporting import Outcome
from napari_axonem.cli.verb import AnyVerb, Verb
from napari_axonem.jobs import Job, ask, common_folder, find_job, jobs_in, jobs_of
from napari_axonem.jobs import resume as go_on
from napari_axonem.progress import Progress
from napari_axonem.settings import Positional, Settings
from napari_axonem.watching import Wish


class JobsSettings(Settings):
    """What all verbs for jobs take."""

    project: Path | None = Field(
        None, description="project whose jobs are meant as well as those of none"
    )

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where to look for jobs."""
        own = () if self.project is None else (jobs_of(self.project),)
        return (*own, common_folder())


class JobSettings(JobsSettings):
    """What verbs for one job take."""

    job: Annotated[str, Positional()] = Field(
        description="id of the job, its beginning, or the job's folder"
    )


def list_jobs(settings: JobsSettings, progress: Progress) -> Outcome:
    """List the jobs, newest first."""
    del progress
    jobs, problems = jobs_in(*settings.folders)
    lines = [_line(job) for job in jobs] + [str(problem) for problem in problems]
    return Outcome([_row(job) for job in jobs], "\n".join(lines) or "no jobs")


def pause(settings: JobSettings, progress: Progress) -> Outcome:
    """Let a job wait, with what it holds in memory."""
    return _wish(settings, Wish.PAUSE, "will pause after its step")


def stop(settings: JobSettings, progress: Progress) -> Outcome:
    """Let a job end after a checkpoint."""
    return _wish(settings, Wish.STOP, "will stop after its step; 'jobs resume' goes on")


def checkpoint(settings: JobSettings, progress: Progress) -> Outcome:
    """Let a job write a checkpoint, and go on."""
    return _wish(settings, Wish.CHECKPOINT, "will write a checkpoint after its step")


def resume(settings: JobSettings, progress: Progress) -> Outcome:
    """Let a job go on that waits, or has ended before it was done."""
    job = find_job(settings.job, *settings.folders)
    go_on(job)
    job.catch_up()
    return Outcome(_row(job), f"{job.id}: goes on")


def _wish(settings: JobSettings, wish: Wish, text: str) -> Outcome:
    job = find_job(settings.job, *settings.folders)
    ask(job, wish)
    return Outcome(_row(job), f"{job.id}: {text}")


def _row(job: Job) -> dict[str, Any]:
    done, total, doing = job.progress
    return {
        "id": job.id,
        "title": job.specification.title,
        "state": str(job.state),
        "done": done,
        "total": total,
        "doing": doing,
        "seconds_left": job.seconds_left,
        "text": job.text,
        "folder": str(job.folder.root),
        "created": job.specification.created,
    }


def _line(job: Job) -> str:
    done, total, doing = job.progress
    when = time.strftime("%d %b %H:%M", time.localtime(job.specification.created))
    far = f"; {doing} {done}/{total}" if job.state.is_alive and doing else ""
    why = f": {job.text}" if job.text and not job.state.is_alive else ""
    return f"{job.id}  {when}  {job.specification.title}: {job.state}{far}{why}"


VERBS: tuple[AnyVerb, ...] = (
    Verb("jobs list", "list work in the background, newest first", JobsSettings, list_jobs),
    Verb("jobs pause", "let a job wait where it is", JobSettings, pause),
    Verb("jobs stop", "let a job write a checkpoint and end", JobSettings, stop),
    Verb("jobs checkpoint", "let a job write a checkpoint and go on", JobSettings, checkpoint),
    Verb("jobs resume", "let a job go on that waits or has ended", JobSettings, resume),
)
