"""Knows the session and the dock Jobs: finds jobs, follows them, tells when one ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari.utils.notifications import show_info
from qtpy.QtCore import QTimer

from napari_axonem.errors import AxonemError, JobError
from napari_axonem.jobs import Job, common_folder, jobs_of, resume
from napari_axonem.jobs.listing import folders_in
from napari_axonem.watching import Wish
from napari_axonem.widgets.docks.jobs.view import JobsView
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.session.session import Session

LOOK_MS = 700


class JobsControl:
    """Keeps the view like the folders of jobs.

    Parameters
    ----------
    session, view
        What is brought together.
    """

    def __init__(self, session: Session, view: JobsView) -> None:
        self._session, self._view = session, view
        self._jobs: dict[Path, Job] = {}
        self._timer = QTimer(view)
        self._timer.timeout.connect(self.look)
        view.chosen.connect(lambda _: self._show())
        view.opened.connect(lambda: self._attempt(self._open))
        view.empty.asked.connect(lambda: session.wanted.emit("Segment"))
        view.panel.wished.connect(lambda wish: self._attempt(self._wish, Wish(wish)))
        view.panel.resumed.connect(lambda: self._attempt(self._resume))
        Connections(view).connect(session.ended, self._leave)
        self.look()
        self._timer.start(LOOK_MS)

    @property
    def jobs(self) -> list[Job]:
        """All jobs, newest first."""
        return sorted(self._jobs.values(), key=lambda job: -job.specification.created)

    def look(self) -> None:
        """Look for jobs, and for what is new of them."""
        roots = folders_in(*self._folders())
        for root in roots:
            if root not in self._jobs:
                try:
                    self._jobs[root] = Job(root)
                except JobError:  # being written, or damaged: there is nothing to follow
                    continue
        self._jobs = {root: job for root, job in self._jobs.items() if root in set(roots)}
        for job in self._jobs.values():
            was_alive = job.state.is_alive
            job.update()
            if was_alive and not job.state.is_alive:
                show_info(f"{job.specification.title}: {job.state}")
        self._show()

    def _leave(self) -> None:
        """Look no more: the window is gone, and the jobs go on."""
        self._timer.stop()

    def _show(self) -> None:
        self._view.show_jobs(self.jobs)
        self._view.show_job(self._chosen())

    def _chosen(self) -> Job | None:
        chosen = self._view.chosen_id()
        return next((job for job in self._jobs.values() if job.id == chosen), None)

    def _folders(self) -> list[Path]:
        project = self._session.project
        own = [] if project is None else [jobs_of(project.folder.root)]
        return [*own, common_folder()]

    def _open(self) -> None:
        job = self._chosen()
        if job is not None:
            self._session.open_soon(str(job.data["project"]), self._tell)

    def _wish(self, wish: Wish) -> None:
        job = self._chosen()
        if job is not None:
            job.folder.wish(wish)
            self._show()

    def _resume(self) -> None:
        job = self._chosen()
        if job is not None:
            resume(job)
            self.look()

    def _tell(self, error: AxonemError | OSError) -> None:
        self._view.message.tell(str(error), problem=True)

    def _attempt(self, action: Callable[..., object], *arguments: object) -> None:
        self._view.message.tell("")
        try:
            action(*arguments)
        except (AxonemError, OSError) as error:
            self._tell(error)
