"""What can be exported, in which formats, and what has to be asked for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec

SCALE, REGION, OBJECTS, VOLUME = "scale", "region", "objects", "volume"
"""Questions besides those that are settings by themselves."""


@dataclass(frozen=True, slots=True)
class Format:
    """A form in which something is written."""

    title: str
    suffix: str
    """The end of the destination; a folder has none, or ``/`` where its end says the format."""

    settings: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What says the format where the suffix does not."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that can be exported."""

    title: str
    about: str
    word: str
    """What a destination is called after the project."""

    setting: str
    """The setting of `export` that takes the destination; empty for a submission."""

    formats: tuple[Format, ...]
    asks: frozenset[str] = frozenset()
    """`SCALE`, `REGION`, `OBJECTS` or `VOLUME`."""

    fields: tuple[str, ...] = ()
    """Settings of `export` that concern it alone."""


FOLDER = (Format("Folder", ""),)

PRECOMPUTED = (Format("Neuroglancer", ".precomputed"),)

LABELS = Kind(
    "Labels",
    "The corrected objects as voxels, for training or analysis.",
    "corrected",
    "destination",
    (
        Format("HDF5", ".h5"),
        Format("OME-Zarr 0.5", ".zarr"),
        Format("OME-Zarr 0.4", ".zarr", {"format": "ome-zarr-0.4"}),
        Format("TIFF", ".tif"),
        *(PRECOMPUTED if find_spec("tensorstore") else ()),
    ),
    frozenset({SCALE, REGION, OBJECTS}),
)

KINDS = (
    LABELS,
    Kind(
        "Fragment table",
        "The object of each fragment: small, and enough where the fragments are known.",
        "fragments",
        "table",
        (Format("CSV", ".csv"), Format("NumPy", ".npz")),
    ),
    Kind(
        "Edits as points",
        "Where the edits in force were made, with kind, time and user.",
        "edits",
        "points",
        (Format("CSV", ".csv"), Format("JSON", ".json")),
    ),
    Kind(
        "Meshes",
        "The surface of each object, in nm.",
        "meshes",
        "meshes",
        (
            Format("Neuroglancer", "", {"mesh_format": "precomputed"}),
            Format("PLY", "", {"mesh_format": "ply"}),
            Format("OBJ", "", {"mesh_format": "obj"}),
        ),
        frozenset({SCALE, REGION, OBJECTS}),
        ("mesh_error",),
    ),
    Kind(
        "Skeletons",
        "The centre lines of each object, in nm.",
        "skeletons",
        "skeletons",
        (
            Format("SWC, a file an object", "/"),
            Format("SWC, one file", ".swc"),
            *PRECOMPUTED,
            Format("em_erl graph", ".npz"),
            Format("HDF5", ".h5"),
        ),
        frozenset({SCALE, REGION, OBJECTS}),
        ("preset",),
    ),
    Kind(
        "Training crops",
        "Image, labels and a mask of what was checked: around each edit, and objects that are "
        "done. The dock Train learns from them.",
        "crops",
        "crops",
        FOLDER,
        frozenset({REGION}),
        ("around",),
    ),
    Kind(
        "AxonEM submission",
        "The files that the challenge takes, on its grid, checked. It ranks both volumes together.",
        "submission",
        "",
        (*FOLDER, Format("Zip of both volumes", ".zip")),
        frozenset({VOLUME}),
    ),
)
"""In the order in which they are offered."""
