"""Where jobs are kept, and which there are."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from napari_axonem.errors import JobError
from napari_axonem.jobs.folder import JobFolder
from napari_axonem.jobs.following import Job

VARIABLE = "NAPARI_AXONEM_JOBS"
"""Environment variable that names another folder for jobs that belong to no project."""

NAME = "jobs"


def common_folder() -> Path:
    """Return the folder of the jobs that belong to no project; it may not exist."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else platformdirs.user_data_path("napari-axonem") / NAME


def jobs_of(project: Path) -> Path:
    """Return the folder of a project's jobs; it may not exist."""
    return project / NAME


def jobs_in(*folders: Path) -> tuple[list[Job], list[JobError]]:
    """Return the jobs in folders, newest first, and why others cannot be read.

    Raises
    ------
    StorageError
        A folder is there and cannot be read.
    """
    jobs: list[Job] = []
    problems: list[JobError] = []
    for root in folders_in(*folders):
        try:
            job = Job(root)
        except JobError as error:
            problems.append(error)
            continue
        job.catch_up()
        jobs.append(job)
    return sorted(jobs, key=lambda job: -job.specification.created), problems


def find_job(name: str, *folders: Path) -> Job:
    """Return a job by its folder, its id, or the beginning of the id of only one.

    Raises
    ------
    JobError
        There is none, or there are several.
    """
    if JobFolder(Path(name)).specification.is_file():
        return Job(Path(name))
    roots = [root for root in folders_in(*folders) if root.name.startswith(name)]
    exact = [root for root in roots if root.name == name]
    if len(exact or roots) == 1:
        return Job((exact or roots)[0])
    seen = f"{len(roots)} jobs are called {name}…" if roots else f"no job called {name!r}"
    raise JobError(seen, where="JOB", remedy="see 'napari-axonem jobs list'")


def folders_in(*folders: Path) -> list[Path]:
    """Return the folders of all jobs in folders."""
    return [path.parent for folder in folders for path in sorted(folder.glob("[!.]*/job.json"))]
