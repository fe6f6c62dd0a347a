"""From settings to a finished run: every mistake is found before work starts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from napari_axonem.training.affinity_task import open_affinity_task
from napari_axonem.training.checkpoints import CHECKPOINTS, CheckpointFolder
from napari_axonem.training.settings import TrainSettings
from napari_axonem.training.trainer import Result, Trainer
from napari_axonem.volumes.disk import guarded
from napari_axonem.watching import Unwatched, Watcher

RECORD = "settings.json"
"""Beside the checkpoints: what the run was told."""


def train(settings: TrainSettings, watcher: Watcher | None = None) -> Result:
    """Train as the settings say, and leave a model that `segment --model` takes.

    Parameters
    ----------
    settings
        Everything; with ``resume`` the run in ``out`` goes on.
    watcher
        Is told of progress, curves and pictures, and may wish a pause, a checkpoint or the end.

    Raises
    ------
    SettingsError
        Something in the settings cannot work here.
    VolumeError
        A volume cannot be opened.
    TrainingError
        Training went wrong; the message names the stage and what to do.
    """
    # at once, as opening volumes may take a minute
    CheckpointFolder(settings.out / CHECKPOINTS, settings.keep).refuse_another(
        resume=settings.resume
    )
    with _logged(settings, watcher or Unwatched()) as told:
        if settings.model == "ffn":
            from napari_axonem.training.flood_run import train_flooding

            return train_flooding(settings, told)
        if settings.model != "rsunet":
            from napari_axonem.training.paper.run import train_pictures

            return train_pictures(settings, told)
        trainer = Trainer(open_affinity_task(settings), settings, told)
        with guarded(settings.out):
            settings.out.mkdir(parents=True, exist_ok=True)
            record = settings.model_dump(mode="json")
            (settings.out / RECORD).write_text(json.dumps(record, indent=2), encoding="utf-8")
        return trainer.run()


@contextlib.contextmanager
def _logged(settings: TrainSettings, watcher: Watcher) -> Iterator[Watcher]:
    """Give a watcher that writes for TensorBoard too, where that is wanted."""
    if not settings.tensorboard:
        yield watcher
        return
    from napari_axonem.training.logs import TensorBoardLog

    log = TensorBoardLog(settings.out / "events", watcher)
    try:
        yield log
    finally:
        log.close()
