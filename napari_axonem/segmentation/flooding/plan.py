"""What flooding a volume is made of, worked out before anything is written."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_axonem.errors import ModelError, SettingsError
from napari_axonem.geometry import Box, Zyx, blocks
from napari_axonem.networks.ffn import FfnSettings, can_move
from napari_axonem.networks.files import LoadedModel
from napari_axonem.segmentation.flooding.block import Task
from napari_axonem.segmentation.flooding.joining import common_box
from napari_axonem.segmentation.flooding.rules import Rules
from napari_axonem.segmentation.flooding.settings import FloodSettings
from napari_axonem.segmentation.fragments.reading import require_shape
from napari_axonem.segmentation.greys import Mapping, mapping_of
from napari_axonem.volumes import Volume

REVISION = 2
"""Raised when the same settings come to give other labels."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Blocks, and how each is flooded."""

    image: Volume
    destination: Path
    settings: FloodSettings
    rules: Rules
    greys: Mapping

    cores: tuple[Box, ...]
    """The blocks: together all voxels, each once."""

    about: dict[str, Any]
    """What must be equal for earlier work to be taken up."""

    @property
    def folder(self) -> Path:
        """A hidden neighbour of the destination, for files of unfinished work."""
        return work_folder(self.destination)

    def outer(self, index: int) -> Box:
        """Return what is flooded for a block: the block and its margin."""
        return self.cores[index].grow(self.settings.margin).intersect(self.image.box)

    def task(self, index: int) -> Task:
        """Return the work on one block."""
        outer = self.outer(index)
        text = json.dumps([self.about, outer.start, outer.stop], sort_keys=True)
        return Task(
            image=self.image,
            box=outer,
            rules=self.rules,
            settings=self.settings,
            greys=self.greys,
            folder=self.folder,
            name=f"block-{index}",
            about=hashlib.sha256(text.encode("utf-8")).hexdigest(),
        )

    def neighbours(self) -> list[tuple[int, int, Box]]:
        """Return pairs of blocks, and where their objects are compared."""
        pairs = []
        for a, b in itertools.combinations(range(len(self.cores)), 2):
            if not _are_adjacent(self.cores[a], self.cores[b]):
                continue
            box = common_box(self.outer(a), self.outer(b), self.image.box, self.rules.reach)
            if box.size:
                pairs.append((a, b, box))
        return pairs


def plan_of(
    image: Volume, model: LoadedModel, destination: str | Path, settings: FloodSettings
) -> Plan:
    """Work out what is to be done.

    Raises
    ------
    ModelError
        The model is no flood-filling network, or its field of view cannot be used.
    SettingsError
        The margin leaves nothing by which neighbouring blocks could be compared.
    MismatchError
        Affinities have another shape than the image.
    VolumeError
        The image or the affinities cannot be read.
    """
    made_of = model.settings
    if not isinstance(made_of, FfnSettings):
        raise ModelError(
            f"a model of architecture {model.card.architecture}",
            where=model.path,
            remedy="flood filling needs a model of architecture ffn",
        )
    fov, step = model.card.patch, made_of.step
    if not can_move(fov, step):
        raise ModelError(
            f"a field of view of {fov} voxels cannot move by {step}",
            where=model.path,
            remedy="its extents must be odd and more than twice the step",
        )
    rules = Rules.of(settings, fov, step)
    cores = tuple(blocks(image.box, settings.block))
    _check_margin(cores, settings.margin, rules.reach)
    if settings.affinities:
        require_shape(settings.affinities, image.shape)
    destination = Path(destination).absolute()
    about = _about(image, model, settings)
    greys = mapping_of(image, model.card.normalisation, "auto", settings.invert)
    return Plan(image, destination, settings, rules, greys, cores, about)


def work_folder(destination: Path) -> Path:
    """Return where files of unfinished work on a destination lie."""
    return destination.with_name(f".{destination.name}.flooding")


def _about(image: Volume, model: LoadedModel, settings: FloodSettings) -> dict[str, Any]:
    weights = hashlib.sha256()
    for name, tensor in sorted(model.network.state_dict().items()):
        weights.update(name.encode("utf-8"))
        weights.update(tensor.cpu().contiguous().numpy().tobytes())
    return {
        "revision": REVISION,
        "image": [image.location, list(image.shape), image.dtype.str],
        "grid": [list(image.grid.voxel_size), list(image.grid.origin)],
        "weights": weights.hexdigest(),
        "normalisation": model.card.normalisation.model_dump(mode="json"),
        "fov": list(model.card.patch),
        "settings": settings.model_dump(mode="json", exclude={"at_once", "checkpoint_every"}),
    }


def _check_margin(cores: tuple[Box, ...], margin: Zyx, reach: Zyx) -> None:
    for axis, name in enumerate("zyx"):
        is_cut = len({core.start[axis] for core in cores}) > 1
        if is_cut and margin[axis] <= reach[axis]:
            raise SettingsError(
                f"{margin[axis]} voxels along {name}, and the network sees {reach[axis]} from the "
                "centre of its field of view",
                where="setting 'margin'",
                remedy=f"give at least {2 * reach[axis]} so that neighbouring blocks can be joined",
            )


def _are_adjacent(one: Box, other: Box) -> bool:
    """Whether two blocks have a face in common."""
    touching = sum(
        a == b or c == d
        for a, b, c, d in zip(one.start, other.stop, one.stop, other.start, strict=True)
    )
    return touching == 1 and one.grow(1).intersect(other).size > 0
