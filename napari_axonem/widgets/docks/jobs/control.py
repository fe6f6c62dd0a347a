"""Knows the session and the dock Jobs: finds jobs, follows them, tells when one ends."""

from __future__ import annotations

from pathlib import Path

from napari.utils.notifications import show_info
from qtpy.QtCore import QTimer

from napari_axonem.errors import JobError
from napari_axonem.jobs import Job, common_folder, jobs_of
from napari_axonem.jobs.listing import folders_in
from napari_axonem.widgets.docks.job_control import JobControl
from napari_axonem.widgets.docks.jobs.view import JobsView
from napari_axonem.widgets.session.session import Session

LOOK_MS = 700


class JobsControl(JobControl):
    """Keeps the view like the folders of jobs.

    Parameters
    ----------
    session, view
        What is brought together.
    """

    def __init__(self, session: Session, view: JobsView) -> None:
        self._view = view
        super().__init__(session, view, view.panel, view.message)
        self._jobs: dict[Path, Job] = {}
        self._timer = QTimer(view)
        self._timer.timeout.connect(self.look)
        view.chosen.connect(lambda _: self._show_job())
        view.opened.connect(lambda: self._attempt(self.open_result))
        view.empty.asked.connect(lambda: session.wanted.emit("Segment"))
        self.look()
        self._timer.start(LOOK_MS)

    @property
    def jobs(self) -> list[Job]:
        """All jobs, newest first."""
        return sorted(self._jobs.values(), key=lambda job: -job.specification.created)

    def look(self) -> None:
        """Look for jobs, and for what is new of them."""
        roots = set(folders_in(*self._folders()))
        for root in roots:
            if root not in self._jobs:
                try:
                    self._jobs[root] = Job(root)
                except JobError:  # being written, or damaged: there is nothing to follow
                    continue
        self._jobs = {root: job for root, job in self._jobs.items() if root in roots}
        for job in self._jobs.values():
            was_alive = job.state.is_alive
            job.update()
            if was_alive and not job.state.is_alive:
                show_info(f"{job.specification.title}: {job.state}")
        self._show_job()

    def _leave(self) -> None:
        self._timer.stop()

    def _show_job(self) -> None:
        self._view.show_jobs(self.jobs)
        self._view.show_job(self.job)

    @property
    def job(self) -> Job | None:
        """The job chosen in the list, if one is."""
        chosen = self._view.chosen_id()
        return next((job for job in self._jobs.values() if job.id == chosen), None)

    def _folders(self) -> list[Path]:
        project = self._session.project
        own = [] if project is None else [jobs_of(project.folder.root)]
        return [*own, common_folder()]
