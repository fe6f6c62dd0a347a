"""The card of a model: what a network is, was trained on, and can be trusted with.

It travels inside of the model's file. This module does not import torch.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, FiniteFloat

from napari_axonem.geometry import Zyx
from napari_axonem.settings import Settings, Shape, VoxelSize

FORMAT = 1
"""Of the card (`Card.format`); raised when older programs could not make sense of a newer card."""

NEAREST: tuple[Zyx, ...] = ((-1, 0, 0), (0, -1, 0), (0, 0, -1))
"""The offsets (z, y, x) of nearest-neighbour affinities, in the order of `open_affinities`."""

Offset = tuple[int, int, int]


def _plain(values: object) -> object:
    """Return values as JSON gives them back, so that a card that was read equals the written."""
    return json.loads(json.dumps(values))


Plain = Annotated[dict[str, Any], BeforeValidator(_plain)]
"""Values that JSON can hold."""


class Normalisation(Settings):
    """How grey values become a network's input: ``(grey - mean) / std``, greys in 0..255.

    Images of other types are brought to 0..255 first.
    """

    mean: FiniteFloat = Field(128.0, description="grey value that becomes 0")
    std: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        33.0, description="difference of grey values that becomes 1"
    )


class Card(Settings):
    """What must be known of a model to use it; kept as JSON in the file that holds its weights."""

    format: Literal[1] = 1
    name: str = Field(min_length=1, description="what lists and --model call it")
    architecture: str = Field(description="which network: rsunet, ffn")
    settings: Plain = Field(description="what the network is built from")
    voxel_size: VoxelSize = Field(description="of the images it was trained on, z,y,x in nm")
    normalisation: Normalisation = Field(default_factory=lambda: Normalisation())
    offsets: tuple[Offset, ...] = Field(
        NEAREST,
        description="z,y,x in voxels: channel c says whether a voxel and the one at offset c from "
        "it belong to one object; empty where the network gives no affinities",
    )
    patch: Shape = Field(description="extent z,y,x that it was trained on, or its field of view")
    description: str = Field("", description="one sentence for a list")
    trained_on: tuple[str, ...] = Field((), description="data, one line each, with licence")
    training: Plain = Field(default_factory=dict, description="settings of the training")
    scores: dict[str, FiniteFloat] = Field(
        default_factory=dict, description="what was measured, on what; no training data in it"
    )
    limits: str = Field("", description="what it is not good for")
    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="recommended threshold of agglomeration: mean affinity from which on fragments "
        "are joined",
    )
    written_by: str = Field("", description="program and version")

    def as_markdown(self) -> str:
        """Return the card for a person to read beside the model."""
        voxel = " x ".join(f"{s:g}" for s in self.voxel_size)
        patch = " x ".join(map(str, self.patch))
        facts = {
            "architecture": self.architecture,
            "voxel size (z, y, x)": f"{voxel} nm",
            "input": f"(grey - {self.normalisation.mean:g}) / {self.normalisation.std:g}, "
            "greys 0 to 255",
            "patch (z, y, x)": f"{patch} voxels",
            "affinities (z, y, x)": ", ".join(map(str, self.offsets)) or "none",
            "agglomeration threshold": "none" if self.threshold is None else f"{self.threshold:g}",
            "written by": self.written_by or "unknown",
        }
        lines = [f"# {self.name}", ""]
        lines += [self.description, ""] if self.description else []
        lines += _table("", "", facts)
        lines += ["## Data", "", *(f"- {line}" for line in self.trained_on or ("not stated",)), ""]
        lines += ["## Scores", "", *_table("measured", "", self.scores)]
        lines += ["## Limits", "", self.limits or "Not stated.", ""]
        lines += ["## Network", "", *_table("setting", "", self.settings)]
        lines += ["## Training", "", *_table("setting", "", self.training)]
        return "\n".join(lines)


def _table(left: str, right: str, rows: dict[str, Any]) -> list[str]:
    """Return the lines of a table in markdown, and an empty one; "None." where it has no rows."""
    if not rows:
        return ["None.", ""]
    head = [f"| {left} | {right} |", "|---|---|"]
    return [*head, *(f"| {name} | {value} |" for name, value in rows.items()), ""]
