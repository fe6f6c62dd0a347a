"""What a training can be told: the flags of `train`, and the names in its configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from napari_axonem.networks.precision import Precision
from napari_axonem.settings import COMMAS, ZYX_NM, Lengths, Settings, Shape, VoxelSize
from napari_axonem.training.augmentation.settings import AugmentationSettings

Model = Literal["rsunet", "ffn", "lenet5", "alexnet", "vgg16", "resnet20", "resnet56", "resnet110"]
Numbers = Annotated[tuple[Annotated[int, Field(ge=0)], ...], COMMAS]
Widths = Annotated[tuple[Annotated[int, Field(ge=1)], ...], COMMAS]
Devices = Annotated[tuple[str, ...], COMMAS]
Share = Annotated[float, Field(ge=0, le=1)]


class DataSettings(Settings):
    """What is learned from, and what is only looked at."""

    volumes: tuple[str, ...] = Field(
        (),
        description="what to learn from: a file or store with image and truth, a training crop, a "
        "folder of AxonEM blocks, 'phantom:SEED', or IMAGE+LABELS; parts as in 'f.h5[:160]'",
        json_schema_extra={"metavar": "V"},
    )
    validation: tuple[str, ...] = Field(
        (),
        description="what to validate on, named as for --volumes; never learned from",
        json_schema_extra={"metavar": "V"},
    )
    voxel_size: VoxelSize | None = Field(
        None,
        description="voxel edges in nm, where the files do not say",
        json_schema_extra=dict(ZYX_NM),
    )
    zero: Literal["background", "unlabelled"] = Field(
        "background", description="what label 0 means"
    )
    seed: int = Field(1, ge=0, lt=2**31, description="equal seeds give equal patches and weights")
    loaders: Annotated[int, Field(ge=0, le=64)] | None = Field(
        None,
        description="processes that read and vary patches; 0 is the trainer itself (default: none "
        "on the processor, where they would compete; beside a GPU one a core, at most 16)",
    )


class NetworkSettings(DataSettings):
    """What the network is, and what it is asked for."""

    model: Model = Field("rsunet", description="which network")
    pretrained: str = Field(
        "",
        description="model to begin with, by name or path (fine-tuning): its network, affinities "
        "and grey values hold, whatever --widths and the like say",
    )
    widths: Widths = Field(
        (28, 36, 48, 64, 80), min_length=1, description="feature maps of each level, finest first"
    )
    normalisation: Literal["batch", "group", "instance", "none"] = Field(
        "batch", description="after each convolution"
    )
    patch: Shape | None = Field(
        None, description="extent z,y,x of a patch (default: 64 cubed, or flat for thick sections)"
    )
    long_range: Lengths = Field(
        (40.0, 90.0), description="reach in nm of affinities that are learned as well, to help"
    )
    erosion: bool = Field(
        True, description="part objects by a voxel of boundary on either side of a face"
    )
    balance: Share = Field(0.7, description="how far joined and parted voxels weigh the same")
    dice: Share = Field(0.0, description="how much of the Dice loss is added")
    auxiliary: Share = Field(0.5, description="weight of a long-range channel in the loss")
    grey_mean: float = Field(128.0, description="grey value (of 0..255) that goes in as 0")
    grey_std: float = Field(33.0, gt=0, description="difference of grey values that goes in as 1")


class ScheduleSettings(NetworkSettings):
    """How long, and how fast."""

    steps: int = Field(20000, ge=1, description="mini-batches to learn from")
    minutes: float | None = Field(
        None, gt=0, description="instead of --steps: as many as fit into so many minutes"
    )
    batch: int = Field(1, ge=1, description="patches in a mini-batch, over all devices")
    optimizer: Literal["adamw", "sgd"] = Field("adamw", description="how weights change")
    rate: float = Field(1e-3, gt=0, description="highest learning rate")
    warmup: int = Field(100, ge=0, description="mini-batches in which the rate rises to it")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum, or the first beta")
    weight_decay: float = Field(1e-2, ge=0, description="weight decay")
    average: float = Field(
        0.995, ge=0, lt=1, description="decay of the running mean of the weights; 0 keeps none"
    )
    precision: Precision = Field(
        "auto", description="of passes; auto: bfloat16 where the device computes it fast"
    )
    on_nan: Literal["stop", "rollback"] = Field(
        "stop", description="at NaN: stop, or go back to the last checkpoint at half the rate"
    )


class RunSettings(ScheduleSettings):
    """Where it runs, and what it leaves behind."""

    out: Path = Field(
        Path("training"), description="folder of the run: checkpoints, logs, the model"
    )
    name: str = Field("", description="what the model is called (default: the folder's name)")
    resume: bool = Field(False, description="go on from the last checkpoint in --out")
    checkpoint_every: int = Field(500, ge=1, description="mini-batches between checkpoints")
    keep: int = Field(3, ge=1, description="last checkpoints that are kept")
    validate_every: int = Field(2000, ge=1, description="mini-batches between validations")
    validate_voxels: int = Field(
        8_000_000, ge=4096, description="voxels of each volume validated on, in its middle"
    )
    thresholds: Annotated[tuple[Share, ...], COMMAS] = Field(
        (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
        min_length=1,
        description="of agglomeration, to try: mean affinities",
    )
    merge_threshold: int = Field(50, ge=0, description="of ERL in validation, in nodes")
    patience: int = Field(
        0, ge=0, description="validations without a better score that end the run; 0 never does"
    )
    tensorboard: bool = Field(False, description="write events for TensorBoard to --out too")


class TrainSettings(RunSettings):
    """Everything that `train` takes."""

    devices: Devices = Field(
        ("auto",), description="cpu, cuda:0, …; auto is the first GPU, or the processor"
    )
    strategy: Literal["single", "pipeline", "ddp"] = Field(
        "single", description="one device, stages on several, or copies under torchrun"
    )
    order: Literal["paper", "1f1b", "sequential", "gpipe"] = Field(
        "1f1b", description="of work in a pipeline"
    )
    cuts: Numbers = Field(
        (), description="operations before which the network is cut (default: balanced)"
    )
    ppv: Numbers = Field((), description="the same for the paper's networks, counted in layers")
    hybrid: Share = Field(1.0, description="share of the run that is pipelined; the rest is not")
    compensation: Literal["none", "spike", "predict"] = Field(
        "spike", description="how a pipeline makes up for stale gradients"
    )
    stash: bool = Field(False, description="go backward with the weights of the forward pass")
    recompute: Numbers = Field((), description="stages that compute their forward pass twice")
    augmentation: AugmentationSettings = Field(
        AugmentationSettings(), description="how patches are varied; a table in the file"
    )

    @model_validator(mode="before")
    @classmethod
    def _cuts_mean_a_pipeline(cls, values: dict[str, Any]) -> dict[str, Any]:
        is_cut = values.get("cuts") or values.get("ppv")
        return {"strategy": "pipeline", **values} if is_cut else values

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.strategy != "pipeline" and (self.cuts or self.ppv):
            raise ValueError("cuts are for the strategy 'pipeline'")
        if self.pretrained and self.model not in ("rsunet", "ffn"):
            raise ValueError(f"{self.model} begins with fresh weights")
        if self.patch is not None and min(self.patch) < 4:
            raise ValueError(f"a patch of {self.patch} voxels is too small to learn from")
        return self
