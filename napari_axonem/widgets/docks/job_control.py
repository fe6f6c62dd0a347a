"""What the docks with jobs have in common: to wish something of one, to start one, to follow it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtWidgets import QWidget

from napari_axonem.errors import AxonemError, SettingsError
from napari_axonem.jobs import Job, ask, common_folder, jobs_in, resume
from napari_axonem.watching import Wish
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.parts.follower import Follower
from napari_axonem.widgets.parts.job_panel import JobPanel
from napari_axonem.widgets.parts.message import Message
from napari_axonem.widgets.parts.settings_form import SettingsForm
from napari_axonem.widgets.session.session import Session


class JobControl(ABC):
    """Does with a job what is asked for in a dock, and tells there what goes wrong.

    Parameters
    ----------
    session
        In whose window the dock is.
    view
        The dock's view.
    panel, message
        The parts of it that show the job, and what goes wrong.
    """

    def __init__(self, session: Session, view: QWidget, panel: JobPanel, message: Message) -> None:
        self._session, self._message = session, message
        panel.wished.connect(lambda wish: self._attempt(self._wish, Wish(wish)))
        panel.resumed.connect(lambda: self._attempt(self._resume))
        Connections(view).connect(session.ended, self._leave)

    @property
    @abstractmethod
    def job(self) -> Job | None:
        """The job that is shown, if there is one."""

    @property
    def result(self) -> str:
        """The project that the job has made; empty where there is none."""
        return "" if self.job is None else str(self.job.data.get("project") or "")

    @abstractmethod
    def look(self) -> None:
        """Read what is new of the job."""

    def open_result(self) -> None:
        """Open the project that the job has made, if it has."""
        if self.result:
            self._session.open_soon(self.result, self._tell)

    @abstractmethod
    def _show_job(self) -> None:
        """Show the job as it is now."""

    @abstractmethod
    def _leave(self) -> None:
        """Look no more: the window is gone, and jobs go on."""

    def _wish(self, wish: Wish) -> None:
        if self.job is not None:
            ask(self.job, wish)
            self._show_job()

    def _resume(self) -> None:
        if self.job is not None:
            resume(self.job)
            self.look()

    def _tell(self, error: AxonemError | OSError) -> None:
        self._message.tell(str(error), problem=True)

    def _attempt(self, action: Callable[..., object], *arguments: object) -> None:
        """Do something; what goes wrong is told in the dock."""
        self._message.tell("")
        try:
            action(*arguments)
        except (AxonemError, OSError) as error:
            self._tell(error)


class StartControl(JobControl):
    """Starts a job of one verb from what is filled in, follows it, and finds it again later.

    Parameters
    ----------
    session, view, panel, message
        As `JobControl` takes them.
    forms
        What is filled in, and where mistakes in it are told.
    """

    verb: str
    """The command that the jobs run."""

    def __init__(
        self,
        session: Session,
        view: QWidget,
        panel: JobPanel,
        message: Message,
        forms: Sequence[SettingsForm],
    ) -> None:
        super().__init__(session, view, panel, message)
        self._forms = tuple(forms)
        self.follower = Follower(view)
        self.follower.changed.connect(self._show_job)
        self.follower.ended.connect(self._end)

    @property
    def job(self) -> Job | None:
        """The job that is followed, if there is one."""
        return self.follower.job

    def look(self) -> None:
        """Read what is new of the job."""
        self.follower.look()

    def _find_again(self) -> None:
        """Follow the newest job that was begun before this dock was there, by whatever window."""
        for job in jobs_in(common_folder())[0]:
            if job.specification.verb == self.verb and self._is_worth_showing(job):
                self._follow(job)
                return

    @abstractmethod
    def _is_worth_showing(self, job: Job) -> bool:
        """Tell whether a job of an earlier time is shown in a dock that was just opened."""

    def _follow(self, job: Job) -> None:
        """Follow a job that was started or found."""
        self.follower.follow(job)

    def _end(self) -> None:
        """Say how the job ended."""
        if self.job is not None:
            self._session.place.say(f"{self.job.specification.title}: {self.job.state}")

    def _leave(self) -> None:
        self.follower.follow(None)

    def _given(self) -> dict[str, Any]:
        """Return what is filled in, by the names of settings; mistakes told before are gone."""
        values: dict[str, Any] = {}
        for form in self._forms:
            form.clear_problems()
            values |= form.given()
        return values

    def _tell(self, error: AxonemError | OSError) -> None:
        """Tell a mistake at the field that it names, anything else in the message."""
        if isinstance(error, SettingsError) and any(form.tell(error) for form in self._forms):
            return
        super()._tell(error)
