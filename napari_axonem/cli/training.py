"""The verb that trains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from napari_axonem.cli.reporting import Outcome
from napari_axonem.cli.verb import AnyVerb, LongVerb
from napari_axonem.jobs import Specification, training
from napari_axonem.settings import Positional
from napari_axonem.training.configuration import preset_file, read_configuration, read_settings
from napari_axonem.training.settings import TrainSettings
from napari_axonem.watching import Watcher
from napari_axonem.wording import count_words

if TYPE_CHECKING:  # cli loads torch only when something is trained
    from napari_axonem.training.trainer import Result


class TrainVerbSettings(TrainSettings):
    """What `train` takes: a file, flags that take precedence over it, or flags alone."""

    config: Annotated[Path | None, Positional("CONFIG")] = Field(
        None, description="YAML, TOML or JSON file with settings, named like the flags"
    )
    preset: Literal["", "phantom"] = Field(
        "", description="settings that come with the program, in the place of a file"
    )


def train(settings: TrainVerbSettings, watcher: Watcher) -> Outcome:
    """Train a model."""
    from napari_axonem.training.start import train as run

    result = run(merged(settings), watcher)
    return Outcome(*_about(result), stopped=result.ended == "stopped")


def as_job(settings: TrainVerbSettings, arguments: Sequence[str]) -> Specification:
    """Return a training as a job; copies on several devices are started with it."""
    told = merged(settings)
    copies = max(1, len(told.devices)) if told.strategy == "ddp" else 1
    return training(told.out.absolute(), arguments, copies)


def merged(settings: TrainVerbSettings) -> TrainSettings:
    """Return the settings of the file or preset, with flags that were given in their place.

    Raises
    ------
    SettingsError
        Naming key and line of what is wrong in the file.
    """
    own = {"config", "preset"}
    given = settings.model_dump(include=settings.model_fields_set - own)
    path = settings.config
    if path is None and settings.preset:
        path = preset_file(settings.preset)
    if path is None:
        return TrainSettings.parse(given)
    return read_settings(TrainSettings, read_configuration(path), given)


def _about(result: Result) -> tuple[dict[str, Any], str]:
    figures = {} if result.scores is None else dict(result.scores.figures)
    data = {
        "model": str(result.model),
        "steps": result.steps,
        "ended": result.ended,
        "seconds": round(result.seconds, 1),
        "scores": figures,
        "history": [{"step": step, **found} for step, found in result.history],
    }
    scored = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
    done = count_words(result.steps, "mini-batch", "mini-batches")
    text = (
        f"{result.model}: {done} in {result.seconds / 60:.3g} minutes"
        f"{f' ({result.ended})' if result.ended != 'done' else ''}"
        f"{f'; {scored}' if scored else ''}"
    )
    return data, text


VERBS: tuple[AnyVerb, ...] = (
    LongVerb("train", "train a network on volumes with truth", TrainVerbSettings, train, as_job),
)
