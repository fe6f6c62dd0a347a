"""Learning affinities: the residual U-Net, patches, loss, validation and card put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from torch import Tensor

from napari_axonem.errors import SettingsError
from napari_axonem.geometry import Nm, Zyx, zyx
from napari_axonem.networks.card import NEAREST, Card, Normalisation
from napari_axonem.networks.chain import Chain
from napari_axonem.networks.files import LoadedModel
from napari_axonem.networks.precision import lowered_type
from napari_axonem.networks.rsunet import RsunetSettings, build
from napari_axonem.training.losses import AffinityLoss
from napari_axonem.training.opening import open_all
from napari_axonem.training.prediction import predict
from napari_axonem.training.pretrained import pretrained_model, trained_on, with_those_of
from napari_axonem.training.sampling import PatchSampler, Recipe
from napari_axonem.training.settings import TrainSettings
from napari_axonem.training.targets import is_planar, long_range
from napari_axonem.training.task import Scores
from napari_axonem.training.validation import Field, FieldScore, open_field, score

Floats = npt.NDArray[np.float32]

CUBE: Zyx = (64, 64, 64)
FLAT: Zyx = (16, 128, 128)
"""Patches where the user says none, for isotropic voxels and for thick sections."""

MARGIN = 16
"""Voxels at a tile's face that validation does not believe, in the plane of sections."""


@dataclass(slots=True)
class AffinityTask:
    """Affinities from volumes; made by `open_affinity_task`."""

    settings: TrainSettings
    network: RsunetSettings
    samples: PatchSampler
    fields: tuple[Field, ...]
    voxel_size: Nm
    trained_on: tuple[str, ...]
    pretrained: LoadedModel | None = None
    """Where weights come from that are not fresh."""

    channels_last: bool = True
    loss: Callable[[Tensor, Sequence[Tensor]], Tensor] = field(init=False)

    def __post_init__(self) -> None:
        s = self.settings
        of = AffinityLoss(s.balance, s.dice, s.auxiliary)
        self.loss = lambda logits, targets: of(logits, targets[0], targets[1])

    @property
    def patch(self) -> Zyx:
        """Extent of a patch."""
        return self.samples.recipe.patch

    def build(self) -> Chain:
        """Return the network with fresh weights, or those of the pretrained model."""
        network = build(self.network)
        if self.pretrained is not None:
            network.load_state_dict(self.pretrained.network.state_dict())
        return network

    def validate(self, network: Chain, device: str) -> Scores | None:
        """Predict, agglomerate and score each field; the figures are means over fields."""
        if not self.fields:
            return None
        scored = [self._score(network, place, device) for place in self.fields]
        results = [result for result, _ in scored]
        runs = [r.erl for r in results if r.erl is not None]
        figures = {
            "voi/validation": _mean([r.voi.total for r in results]),
            "voi/split": _mean([r.voi.split for r in results]),
            "voi/merge": _mean([r.voi.merge for r in results]),
            "threshold": _mean([r.threshold for r in results]),
        }
        if runs:
            figures["erl/validation"] = _mean(runs)
        return Scores(
            figures["voi/validation"],
            figures,
            {"prediction": scored[0][1]},
            round(figures["threshold"], 3),
        )

    def _score(
        self, network: Chain, place: Field, device: str
    ) -> tuple[FieldScore, npt.NDArray[np.uint8]]:
        s = self.settings
        normal = (place.image * 255 - np.float32(s.grey_mean)) / np.float32(s.grey_std)
        tile, margin = self._tile(place.image.shape)
        found = predict(
            network, normal, tile, margin, len(NEAREST), device=device,
            dtype=lowered_type(s.precision, device), channels_last=self.channels_last,
        )  # fmt: skip
        result, segments = score(found, place, s.thresholds, s.merge_threshold)
        return result, picture(place.image, found, segments)

    def _tile(self, shape: Sequence[int]) -> tuple[Zyx, Zyx]:
        """Return a tile that holds all sections, if these are few, and its margin."""
        multiple = self.network.multiple
        planar = is_planar(self.voxel_size)
        tile, margin = [], []
        for axis, (n, m) in enumerate(zip(shape, multiple, strict=True)):
            edge = MARGIN // 4 if planar and axis == 0 else MARGIN
            whole = -(-n // m) * m
            fits = whole <= 8 * edge
            tile.append(whole if fits else -(-8 * edge // m) * m)
            margin.append(0 if fits else edge)
        return zyx(tile), zyx(margin)

    def card(self, scores: Scores | None) -> Card:
        """Return the card of the model as trained so far."""
        s = self.settings
        figures = {} if scores is None else {k: round(v, 4) for k, v in scores.figures.items()}
        return Card(
            name=s.name or s.out.name,
            architecture="rsunet",
            settings=self.network.model_dump(),
            voxel_size=self.voxel_size,
            normalisation=Normalisation(mean=s.grey_mean, std=s.grey_std),
            offsets=self.samples.recipe.offsets,
            patch=self.patch,
            trained_on=self.trained_on,
            training=s.model_dump(mode="json", include=_TOLD),
            scores=figures,
            threshold=None if scores is None else scores.threshold,
        )


_TOLD = {
    "seed", "steps", "batch", "optimizer", "rate", "weight_decay", "average", "balance", "dice",
    "auxiliary", "erosion", "precision", "pretrained", "strategy", "zero",
}  # fmt: skip
"""Settings that a card repeats."""


def open_affinity_task(settings: TrainSettings) -> AffinityTask:
    """Open the volumes and put a task together.

    Raises
    ------
    SettingsError
        Nothing to learn from, volumes differ in voxel size, or the patch does not suit the network.
    VolumeError
        A volume cannot be opened.
    ModelError
        The pretrained model cannot be read.
    """
    sources, validated = open_all(settings)
    voxel_size = sources[0].voxel_size
    model = pretrained_model(settings)
    if model is None:
        offsets = (*NEAREST, *long_range(voxel_size, settings.long_range))
        network = RsunetSettings.for_voxel_size(
            voxel_size,
            widths=settings.widths,
            out_channels=len(offsets),
            normalisation=settings.normalisation,
        )
    else:
        settings = with_those_of(model, settings)
        offsets = model.card.offsets
        network = RsunetSettings.model_validate(model.card.settings)
    patch = settings.patch or (FLAT if is_planar(voxel_size) else CUBE)
    _check_patch(patch, network)
    recipe = Recipe(
        patch, offsets, settings.grey_mean, settings.grey_std, settings.augmentation,
        settings.erosion,
    )  # fmt: skip
    samples = PatchSampler([s.kept() for s in sources], recipe, settings.seed)
    fields = tuple(open_field(s, settings.validate_voxels) for s in validated)
    learned = trained_on(model, settings)
    return AffinityTask(settings, network, samples, fields, voxel_size, learned, model)


def picture(
    image: Floats, affinities: Floats, segments: npt.NDArray[np.uint64]
) -> npt.NDArray[np.uint8]:
    """Return the middle section: image, weakest affinity, segments in colours, side by side."""
    z = image.shape[0] // 2
    grey = np.clip(image[z] * 255, 0, 255)
    weakest = affinities[:, z].min(axis=0) * 255
    mixed = segments[z] * np.uint64(0x9E3779B97F4A7C15)
    colours = np.stack([(mixed >> np.uint64(s)) & np.uint64(255) for s in (16, 32, 48)], axis=-1)
    panels = [np.repeat(p[..., None], 3, axis=-1) for p in (grey, weakest)]
    return np.concatenate([*panels, colours], axis=1).astype(np.uint8)


def _check_patch(patch: Zyx, network: RsunetSettings) -> None:
    if any(n % m for n, m in zip(patch, network.multiple, strict=True)):
        nearest = tuple(
            max(m, round(n / m) * m) for n, m in zip(patch, network.multiple, strict=True)
        )
        raise SettingsError(
            f"a patch of {patch} voxels is no multiple of {network.multiple}, as pooling needs",
            where="--patch",
            remedy=f"take {','.join(map(str, nearest))}",
        )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
