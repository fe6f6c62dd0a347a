"""What a segmentation is to do, worked out from its settings before anything is written."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_axonem.errors import SettingsError
from napari_axonem.networks.registry import Fit, choose_model, find_model, fit_of
from napari_axonem.segmentation.fragments.reading import require_shape
from napari_axonem.segmentation.settings import SegmentSettings
from napari_axonem.volumes import Volume, open_volume
from napari_axonem.volumes.conversion.reading import absolute, stamp_of

REVISION = 1
"""Raised when the same settings come to give other files."""

USUAL_THRESHOLD = 0.45
"""Where neither the user nor the model's card says another."""

ARCHITECTURES = {"agglomeration": "rsunet", "flooding": "ffn"}
"""Which network each method needs."""


OF_AGGLOMERATION = ("threshold", "inside", "smoothing", "smallest_fragment", "dust", "augment")
"""Settings that flood filling has no use for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done."""

    settings: SegmentSettings
    image: Volume
    destination: Path

    affinities: str
    """Where given ones are, not depending on the current folder; empty where there are none."""

    fit: Fit | None
    """The model; None where agglomeration starts from given affinities."""

    threshold: float
    about: dict[str, Any]
    """What must be equal for an earlier run to be taken up."""

    @property
    def words(self) -> list[str]:
        """What a person should know before it begins."""
        return [] if self.fit is None else [self.fit.words]


def plan_of(settings: SegmentSettings, destination: Path) -> Plan:
    """Look at what is given, and write nothing.

    Raises
    ------
    VolumeError
        The image or the affinities cannot be opened.
    MismatchError
        The affinities are not those of the image.
    ModelError
        There is no such model.
    SettingsError
        No image or no destination is named, or flood filling is given what is of agglomeration.
    """
    if not settings.volume or not settings.destination:
        raise SettingsError(
            "an image and a destination are needed",
            where="segment",
            remedy="write: segment VOLUME OUT",
        )
    if settings.method == "flooding":
        _refuse_agglomeration(settings)
    image = open_volume(settings.volume, voxel_size=settings.voxel_size)
    affinities = absolute(settings.affinities) if settings.affinities else ""
    fit = None
    if affinities:
        require_shape(affinities, image.shape)
    if settings.method == "flooding" or not affinities:
        wanted = ARCHITECTURES[settings.method]
        size = image.grid.voxel_size
        fit = (
            fit_of(find_model(settings.model), size)
            if settings.model
            else choose_model(size, wanted)
        )
    card = None if fit is None else fit.entry.card
    recommended = None if card is None else card.threshold
    given = settings.threshold if settings.threshold is not None else recommended
    threshold = USUAL_THRESHOLD if given is None else given
    about = _about(settings, image, affinities, fit, threshold)
    return Plan(settings, image, destination.absolute(), affinities, fit, threshold, about)


def _refuse_agglomeration(settings: SegmentSettings) -> None:
    usual = SegmentSettings.model_fields
    for name in OF_AGGLOMERATION:
        if getattr(settings, name) != usual[name].default:
            raise SettingsError(
                "flood filling makes no fragments of affinities and has no use for it",
                where=f"--{name.replace('_', '-')}",
                remedy="leave it out, or segment by --method agglomeration",
            )


def _about(
    settings: SegmentSettings, image: Volume, affinities: str, fit: Fit | None, threshold: float
) -> dict[str, Any]:
    model = None
    if fit is not None:
        weights = hashlib.sha256(fit.entry.path.read_bytes()).hexdigest()
        model = [weights, settings.precision, settings.augment, settings.invert]
    location = absolute(image.location)
    about = {
        "revision": REVISION,
        "method": settings.method,
        "image": [location, stamp_of(location), list(image.shape), list(image.grid.voxel_size)],
        "affinities": [affinities, stamp_of(affinities)] if affinities else None,
        "model": model,
    }
    if settings.method == "flooding":
        return about
    return about | {
        "rule": dataclasses.asdict(settings.rule),
        "smallest_fragment": settings.smallest_fragment,
        "dust": settings.dust,
        "threshold": threshold,
    }
