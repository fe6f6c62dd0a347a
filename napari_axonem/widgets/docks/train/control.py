"""Knows the session and the dock Train: starts and follows a training."""

from __future__ import annotations

from pathlib import Path

from napari_axonem.errors import SettingsError
from napari_axonem.jobs import Job, State, common_folder, start, training
from napari_axonem.networks.registry import list_models
from napari_axonem.settings import arguments_of
from napari_axonem.training.configuration import preset_file, read_configuration
from napari_axonem.training.settings import TrainSettings
from napari_axonem.watching import Wish
from napari_axonem.widgets.docks.job_control import StartControl
from napari_axonem.widgets.docks.train.view import TrainView
from napari_axonem.widgets.session.session import Session

PHANTOM = "phantom"
"""The preset that a newcomer begins with."""


class TrainControl(StartControl):
    """Keeps the view like the job.

    Parameters
    ----------
    session, view
        What is brought together.
    """

    verb = "train"

    def __init__(self, session: Session, view: TrainView) -> None:
        self._view = view
        super().__init__(session, view, view.panel, view.message, view.forms)
        view.wanted.connect(lambda: self._attempt(self.begin))
        view.preset_wanted.connect(self.fill_in)
        view.modelled.connect(lambda _: self._offer_models())
        view.checkpointed.connect(lambda: self._attempt(self._wish, Wish.CHECKPOINT))
        self._offer_models()
        self._attempt(self._find_again)

    def fill_in(self, wanted: bool) -> None:
        """Fill the preset for the phantom in, or take what it says out again."""
        values = dict(read_configuration(preset_file(PHANTOM)).values)
        if wanted and not self._view.out.text().strip():
            self._view.out.setText(str(Path.cwd() / str(values["name"])))
        self._view.set_values(values if wanted else dict.fromkeys(values))

    def begin(self) -> None:
        """Start a training in a process of its own.

        Raises
        ------
        SettingsError
            Something is missing or out of its bounds.
        """
        values = self._given()
        if not values.get("volumes"):
            raise SettingsError("nothing is named", where="setting 'volumes'")
        out = self._view.out.text().strip()
        if not out:
            raise SettingsError("no folder is named", where="Folder", remedy="name one to make")
        values["out"] = str(Path(out).absolute())
        told = TrainSettings.parse(values)
        copies = max(1, len(told.devices)) if told.strategy == "ddp" else 1
        words = [*arguments_of(TrainSettings, values), *self._preset()]
        self._follow(start(training(Path(out), words, copies), common_folder()))

    def _preset(self) -> list[str]:
        """Return the arguments for what a preset says beyond the fields of the form."""
        return [f"--preset={PHANTOM}"] if self._view.preset.isChecked() else []

    def _offer_models(self) -> None:
        """Offer the models that a network of the chosen kind can begin with."""
        kind = str(self._view.usual.given().get("model", TrainSettings().model))
        found = [e.card for e in list_models()[0] if e.card.architecture == kind]
        words = [(card.name, f"trained on {', '.join(card.trained_on)}") for card in found]
        self._view.usual.offer("pretrained", words)

    def _show_job(self) -> None:
        self._view.show_job(self.job)
        self._view.outcome.tell(_outcome(self.job))

    def _is_worth_showing(self, job: Job) -> bool:
        return job.state is not State.DONE  # one that was stopped can be resumed


def _outcome(job: Job | None) -> str:
    """Return what came of a training."""
    model = None if job is None else job.data.get("model")
    return f"model: {model}" if model else ""
