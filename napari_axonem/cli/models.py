"""The verbs about models: files of weights with a card."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from napari_axonem.cli.reporting import Outcome
from napari_axonem.cli.verb import AnyVerb, Verb
from napari_axonem.errors import ModelError, SettingsError
from napari_axonem.progress import Progress
from napari_axonem.settings import ZYX_NM, Positional, Settings, Shape, VoxelSize


class ImportSettings(Settings):
    """What `models import` takes."""

    weights: Annotated[str, Positional()] = Field(
        description="published weights as NAME.npz; arrays are called as in their checkpoint"
    )
    destination: Annotated[str, Positional("OUT")] = Field(
        description="NAME.safetensors, a model file of this program"
    )
    architecture: Literal["ffn"] = Field(
        "ffn", description="ffn: convstack_3d of the published flood-filling code"
    )
    name: str = Field("", description="what lists and --model call it; OUT's name where empty")
    voxel_size: VoxelSize = Field(
        (10, 10, 10),
        description="of the images it was trained on, in nm",
        json_schema_extra=dict(ZYX_NM),
    )
    field_of_view: Shape = Field((33, 33, 33), description="z,y,x in voxels, odd")
    step: Shape = Field((8, 8, 8), description="voxels z,y,x by which the field of view moves")
    mean: float = Field(128.0, description="grey that the network takes for 0")
    std: float = Field(33.0, gt=0, description="difference of greys that it takes for 1")
    trained_on: str = Field("", description="data it was trained on, with licence, for the card")
    overwrite: bool = Field(False, description="replace what is at OUT")


def import_model(settings: ImportSettings, progress: Progress) -> Outcome:
    """Make a model file of published weights."""
    from napari_axonem.networks.card import Card, Normalisation
    from napari_axonem.networks.chain import count_parameters
    from napari_axonem.networks.ffn import can_move, import_published
    from napari_axonem.networks.files import save_model

    if not can_move(settings.field_of_view, settings.step):
        raise SettingsError(
            f"a field of view of {settings.field_of_view} voxels cannot move by {settings.step}",
            where="--field-of-view",
            remedy="give odd extents of more than twice the step",
        )
    made_of, network = import_published(_arrays(Path(settings.weights)), settings.weights)
    made_of = made_of.model_copy(update={"step": settings.step})
    path = Path(settings.destination)
    card = Card(
        name=settings.name or path.stem,
        architecture=settings.architecture,
        settings=made_of.model_dump(mode="json"),
        voxel_size=settings.voxel_size,
        normalisation=Normalisation(mean=settings.mean, std=settings.std),
        offsets=(),
        patch=settings.field_of_view,
        description="published flood-filling network, imported",
        trained_on=(settings.trained_on,) if settings.trained_on else (),
    )
    path = save_model(path, network, card, overwrite=settings.overwrite)
    count = count_parameters(network)
    data = {"destination": str(path), "card": card.model_dump(mode="json"), "parameters": count}
    text = (
        f"wrote {path}: a flood-filling network of depth {made_of.depth} with {made_of.features} "
        f"features, {count} parameters"
    )
    return Outcome(data, text)


def _arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read all arrays of an npz file; nothing in it is run."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except FileNotFoundError as error:
        raise ModelError("there is no such file", where=path, remedy="check the path") from error
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror or error})", where=path) from error
    except (zipfile.BadZipFile, ValueError, AttributeError) as error:
        raise ModelError("no archive of arrays", where=path, remedy="give an .npz file") from error


VERBS: tuple[AnyVerb, ...] = (
    Verb("models import", "make a model file of published weights", ImportSettings, import_model),
)
