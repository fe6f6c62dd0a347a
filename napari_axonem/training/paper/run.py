"""The verb `train` for networks that name pictures: from settings to a finished run.

It has its own loop, as an experiment of the paper does not train a model that segments: no patches,
no card, and scores are accuracies. Checkpoints, settings and results are those of all trainings.
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from torch import Tensor

from napari_axonem.errors import SettingsError
from napari_axonem.networks.precision import lowered_type
from napari_axonem.pipeline.optimizers import Compensation
from napari_axonem.pipeline.plan import Plan
from napari_axonem.pipeline.schedules import Order
from napari_axonem.training.checkpoints import CHECKPOINTS, CheckpointFolder
from napari_axonem.training.paper.course import Course
from napari_axonem.training.paper.pictures import (
    CIFAR10_FILE,
    MNIST_FILES,
    Pictures,
    read_cifar10,
    read_mnist,
)
from napari_axonem.training.paper.recipes import RECIPES, Recipe, Way
from napari_axonem.training.settings import TrainSettings
from napari_axonem.training.strategies import resolve_devices
from napari_axonem.training.task import Scores
from napari_axonem.training.trainer import LAST, Result, end_of_round
from napari_axonem.volumes.disk import replacing
from napari_axonem.watching import Unwatched, Watcher, Wish, wish_after_pause

EPOCHS = 10
"""Times that all pictures are seen, where no number of mini-batches is given."""

TELL_EVERY = 10

_OF_THE_RECIPE = {"rate": "rate", "batch": "batch", "momentum": "momentum",
                  "weight_decay": "weight_decay"}  # fmt: skip


def train_pictures(settings: TrainSettings, watcher: Watcher | None = None) -> Result:
    """Train one of the paper's networks.

    Learning rate, batch, momentum, weight decay and length are those of its recipe, unless the
    settings give others. ``volumes`` names the folder of MNIST's idx files or CIFAR-10's npz file.

    Parameters
    ----------
    settings
        As for all trainings; with ``resume`` the run in ``out`` goes on.
    watcher
        Is told of progress and curves, and may wish a pause, a checkpoint or the end.

    Raises
    ------
    SettingsError
        Something in the settings cannot work here.
    VolumeError
        The pictures cannot be read.
    StageError
        A stage failed; the last checkpoint is whole.
    """
    return _Run(settings, watcher or Unwatched()).run()


class _Run:
    """One run of the verb."""

    def __init__(self, settings: TrainSettings, watcher: Watcher) -> None:
        self._settings, self._watcher = settings, watcher
        recipe = _recipe(settings)
        train, self._test = _pictures(settings, recipe)
        if recipe.batch > len(train):
            raise SettingsError(
                f"mini-batches of {recipe.batch} out of {len(train)} pictures",
                where="--batch",
                remedy=f"give {len(train)} at most",
            )
        epochs: float = EPOCHS
        if "steps" in settings.model_fields_set:
            epochs = settings.steps / (len(train) // recipe.batch)
        self._course = Course(recipe, _way(settings), train, epochs, settings.seed, _plan(settings))
        self._history: list[tuple[int, dict[str, float]]] = []
        self._spent = 0.0
        self._checkpoints = CheckpointFolder(settings.out / CHECKPOINTS, settings.keep)
        self._take_up()

    def _take_up(self) -> None:
        """Go on from the last checkpoint where that is wanted."""
        found = self._checkpoints.to_go_on_from(self._watcher.say, resume=self._settings.resume)
        if found is not None:
            self._course.engine.load_state_dict(dict(found.state))
            self._history = [(step, figures) for step, figures in found.facts["history"]]
            self._spent = found.facts["spent"]

    def run(self) -> Result:
        """Train to the end, or to a wish to stop; nobody else may train there meanwhile."""
        with self._checkpoints.held():
            return self._run()

    def _run(self) -> Result:
        began, before, ended = time.monotonic(), self._spent, "done"
        course, s = self._course, self._settings
        while course.engine.steps < course.total and ended == "done":
            ended = self._leg(end_of_round(course.engine.steps, course.total, s))
            self._spent = before + time.monotonic() - began
            if course.engine.steps % s.validate_every == 0 or course.engine.steps == course.total:
                self._validate()
            facts = {"history": self._history, "spent": self._spent}
            self._checkpoints.write(course.engine.steps, course.engine.state_dict(), facts)
        figures = self._history[-1][1] if self._history else {}
        scores = Scores(1 - figures["accuracy/validation"], figures) if figures else None
        return Result(
            course.engine.steps, self._model(), scores, ended, tuple(self._history), self._spent
        )

    def _leg(self, until: int) -> str:
        """Learn up to the next checkpoint; return how it ended."""
        ended = "done"
        for done in self._course.advance(until):
            number = done.index + 1
            self._watcher.progress(number, self._course.total, "training")
            if number % TELL_EVERY == 0:
                self._watcher.scalar("loss/train", number, done.loss)
                self._watcher.scalar("rate", number, self._course.rate_at(done.index))
                for stage, report in enumerate(done.stages if len(done.stages) > 1 else ()):
                    spent = report.forward + report.backward
                    busy = spent / max(1e-9, spent + report.waited)
                    self._watcher.scalar(f"busy/stage {stage}", number, busy)
                    self._watcher.scalar(f"stale/stage {stage}", number, report.stale)
            wish = wish_after_pause(self._watcher)
            if wish in (Wish.STOP, Wish.CHECKPOINT):
                self._course.engine.drain()
                ended = "stopped" if wish is Wish.STOP else ended
        return ended

    def _validate(self) -> None:
        score = self._course.score(self._test)
        figures = {"accuracy/validation": score.accuracy, "loss/validation": score.loss}
        step = self._course.engine.steps
        for name, value in figures.items():
            self._watcher.scalar(name, step, value)
        self._history.append((step, figures))

    def _model(self) -> Path:
        """Write the weights and buffers by name of the layer."""
        from safetensors.torch import save

        state = self._course.engine.state_dict()
        named: dict[str, Tensor] = {
            name.partition("/")[2]: tensor.detach().cpu().contiguous().clone()
            for name, tensor in state.items()
            if name.startswith(("weight/", "buffer/"))
        }
        path = self._settings.out / LAST
        with replacing(path, overwrite=True) as temporary:
            temporary.write_bytes(save(named))
        return path


def _recipe(settings: TrainSettings) -> Recipe:
    """Return the recipe of a network, with what the settings change."""
    recipe = RECIPES.get(settings.model)
    if recipe is None:
        raise SettingsError(
            f"{settings.model} does not name pictures",
            where="--model",
            remedy=f"choose one of {', '.join(RECIPES)}",
        )
    given = settings.model_fields_set
    if settings.optimizer != "sgd" and "optimizer" in given:
        raise SettingsError(
            "the paper's networks are trained by SGD", where="--optimizer", remedy="leave it out"
        )
    if settings.strategy == "ddp":
        raise SettingsError(
            "the paper's networks are not trained in copies",
            where="--strategy",
            remedy="choose single or pipeline",
        )
    changed = {
        own: getattr(settings, name) for name, own in _OF_THE_RECIPE.items() if name in given
    }
    return dataclasses.replace(recipe, **changed)


def _way(settings: TrainSettings) -> Way:
    """Return in which way the settings train."""
    if settings.strategy == "single":
        return Way("plain")
    order = Order(settings.order)
    compensation = Compensation(settings.compensation)
    return Way(str(order), settings.ppv, order, compensation, settings.hybrid)


def _plan(settings: TrainSettings) -> Plan:
    devices = resolve_devices(settings.devices)
    is_pipeline = settings.strategy == "pipeline"
    return Plan(
        cuts=settings.cuts if is_pipeline else (),
        devices=devices if is_pipeline else devices[:1],
        executor="threads" if is_pipeline else "serial",
        stash=settings.stash,
        recompute=settings.recompute if is_pipeline else (),
        dtype=lowered_type(settings.precision, devices[0]),
    )


def _pictures(settings: TrainSettings, recipe: Recipe) -> tuple[Pictures, Pictures]:
    """Return pictures to learn from and to validate on."""
    asked = MNIST_FILES["train"][0] if recipe.data == "mnist" else CIFAR10_FILE
    if len(settings.volumes) != 1:
        raise SettingsError(
            "nothing to learn from" if not settings.volumes else "more than one folder of pictures",
            where="--volumes",
            remedy=f"name the folder that holds {asked}",
        )
    folder = Path(settings.volumes[0])
    if not (folder / asked).is_file():
        raise SettingsError(
            f"no {asked} in {folder}",
            where="--volumes",
            remedy=f"name the folder that holds {asked}",
        )
    if recipe.data == "mnist":
        return read_mnist(folder, "train"), read_mnist(folder, "test")
    return read_cifar10(folder / asked, "train"), read_cifar10(folder / asked, "test")
