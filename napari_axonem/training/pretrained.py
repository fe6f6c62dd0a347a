"""Fine-tuning: a training that begins with the weights of a model there is."""

from __future__ import annotations

from napari_axonem.errors import SettingsError
from napari_axonem.networks.files import LoadedModel, load_model
from napari_axonem.networks.registry import find_model
from napari_axonem.training.settings import TrainSettings


def pretrained_model(settings: TrainSettings) -> LoadedModel | None:
    """Return the model that the settings begin with; None where they begin with fresh weights.

    Raises
    ------
    SettingsError
        The model has another architecture than the one to be trained.
    ModelError
        There is no such model, or its file is damaged.
    """
    if not settings.pretrained:
        return None
    entry = find_model(settings.pretrained)
    if entry.card.architecture != settings.model:
        raise SettingsError(
            f"{entry.card.name} is a {entry.card.architecture}, and {settings.model} is trained",
            where="--pretrained",
            remedy=f"name another model, or train with --model {entry.card.architecture}",
        )
    return load_model(entry.path)


def with_those_of(model: LoadedModel, settings: TrainSettings) -> TrainSettings:
    """Return settings whose network and grey values are those that a model was trained with."""
    card = model.card
    return settings.model_copy(
        update={"grey_mean": card.normalisation.mean, "grey_std": card.normalisation.std}
    )


def trained_on(model: LoadedModel | None, settings: TrainSettings) -> tuple[str, ...]:
    """Return what a model that began with another has learned from in all."""
    before = () if model is None else model.card.trained_on
    return tuple(dict.fromkeys((*before, *settings.volumes)))
