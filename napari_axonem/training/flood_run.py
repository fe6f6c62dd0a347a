"""The verb `train` for flood filling: examples of one object, several moves, a step for each.

It has a loop of its own, because the number of steps that an example gives depends on what the
network says on the way. It trains on one device. Checkpoints, settings and results are those of all
trainings.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from napari_axonem.errors import NotFiniteError, SettingsError
from napari_axonem.geometry import Zyx
from napari_axonem.networks.card import Card, Normalisation
from napari_axonem.networks.chain import Chain
from napari_axonem.networks.ffn import FfnSettings, build, can_move
from napari_axonem.networks.files import save_model
from napari_axonem.pipeline.engine import STEP
from napari_axonem.pipeline.optimizers import Moments, Optimizer
from napari_axonem.training.checkpoints import CHECKPOINTS, CheckpointFolder
from napari_axonem.training.flooding import FloodExample, FloodRecipe, FloodSampler, moving_losses
from napari_axonem.training.opening import open_all
from napari_axonem.training.pretrained import pretrained_model, trained_on, with_those_of
from napari_axonem.training.rates import Schedule, steps_that_fit
from napari_axonem.training.settings import TrainSettings
from napari_axonem.training.strategies import resolve_devices
from napari_axonem.training.task import Scores
from napari_axonem.training.trainer import BEST, LAST, Result, averaged
from napari_axonem.watching import Watcher, Wish, wish_after_pause

VALIDATED = 16
"""Examples that a validation looks at, always the same."""

FIELD_OF_VIEW: Zyx = (33, 33, 33)
"""Of a network with fresh weights, where the user says none; as published."""

TELL_EVERY = 10
MOVES = "moves"


def train_flooding(settings: TrainSettings, watcher: Watcher) -> Result:
    """Train a flood-filling network.

    A validation is the mean loss over the moves in a fixed set of examples: to flood a whole volume
    takes longer than to learn from it.

    Raises
    ------
    SettingsError
        Something in the settings cannot work here.
    VolumeError
        A volume cannot be opened.
    NotFiniteError
        A loss or gradient is NaN or infinite.
    """
    if settings.strategy != "single":
        raise SettingsError(
            f"the strategy {settings.strategy!r} for a flood-filling network",
            where="--strategy",
            remedy="train it on one device: each of its steps follows from the one before",
        )
    return _FloodRun(settings, watcher).run()


def _check_field_of_view(fov: Zyx, step: Zyx) -> None:
    """Refuse what no volume could be flooded with, however well it was trained."""
    if not can_move(fov, step):
        raise SettingsError(
            f"a field of view of {fov} voxels cannot move by {step}",
            where="--patch",
            remedy="give odd extents of more than twice the step",
        )


class _FloodRun:
    """One run of the verb."""

    def __init__(self, settings: TrainSettings, watcher: Watcher) -> None:
        self._settings, self._watcher = settings, watcher
        self._device = resolve_devices(settings.devices)[0]
        sources, validated = open_all(settings)
        model = pretrained_model(settings)
        if model is not None:
            settings = self._settings = with_those_of(model, settings)
        self._network_settings = (
            FfnSettings() if model is None else FfnSettings.model_validate(model.card.settings)
        )
        self._trained_on = trained_on(model, settings)
        self._voxel_size = sources[0].voxel_size
        fov = settings.patch or (FIELD_OF_VIEW if model is None else model.card.patch)
        _check_field_of_view(fov, self._network_settings.step)
        self._recipe = FloodRecipe(
            fov, self._network_settings.step, settings.grey_mean, settings.grey_std,
            settings.augmentation,
        )  # fmt: skip
        self._examples = FloodSampler([s.kept() for s in sources], self._recipe, settings.seed)
        self._validated = (
            FloodSampler(validated, self._recipe, settings.seed + 1) if validated else None
        )
        torch.manual_seed(settings.seed)
        self._network = build(self._network_settings).to(self._device)
        if model is not None:
            self._network.load_state_dict(model.network.state_dict())
        self._weights = dict(self._network.named_parameters())
        self._schedule = Schedule(settings.rate, settings.warmup, settings.steps)
        optimizer = Optimizer(
            kind=settings.optimizer, rate=lambda _: self._schedule(self._step),
            momentum=settings.momentum, weight_decay=settings.weight_decay,
            average=settings.average,
        )  # fmt: skip
        self._moments = Moments(self._weights, optimizer)
        self._step = self._moves = 0
        self._spent = 0.0
        self._best: float | None = None
        self._history: list[tuple[int, dict[str, float]]] = []
        self._checkpoints = CheckpointFolder(settings.out / CHECKPOINTS, settings.keep)
        self._take_up()

    def _state(self) -> dict[str, Tensor]:
        state = {STEP: torch.tensor(self._step), MOVES: torch.tensor(self._moves)}
        state |= {f"weight/{name}": weight.data for name, weight in self._weights.items()}
        for kind, of_weights in self._moments.kept.items():
            state |= {f"{kind}/{name}": tensor for name, tensor in of_weights.items()}
        return state

    @torch.no_grad()
    def _take_up(self) -> None:
        """Go on from the last checkpoint where that is wanted."""
        found = self._checkpoints.to_go_on_from(self._watcher.say, resume=self._settings.resume)
        if found is None:
            return
        own = self._state()
        if own.keys() != found.state.keys():
            raise SettingsError("a checkpoint of another network or optimizer", where=found.path)
        for name, tensor in own.items():
            tensor.copy_(found.state[name])
        self._step, self._moves = int(found.state[STEP]), int(found.state[MOVES])
        self._spent, self._best = found.facts["spent"], found.facts["best"]
        self._history = [(step, figures) for step, figures in found.facts["history"]]

    def run(self) -> Result:
        """Train to the end, or to a wish to stop; nobody else may train there meanwhile."""
        with self._checkpoints.held():
            return self._run()

    def _run(self) -> Result:
        s, began, before, ended = self._settings, time.monotonic(), self._spent, "done"
        while self._step < self._schedule.total and ended == "done":
            loss = self._learn(self._step)
            self._step += 1
            self._spent = before + time.monotonic() - began
            self._follow_clock()
            self._watcher.progress(self._step, self._schedule.total, "training")
            if self._step % TELL_EVERY == 0:
                self._watcher.scalar("loss/train", self._step, loss)
                self._watcher.scalar("rate", self._step, self._schedule(self._step))
            wish = wish_after_pause(self._watcher)
            is_last = self._step >= self._schedule.total
            if self._validated and (self._step % s.validate_every == 0 or is_last):
                self._validate(self._validated)
            due = self._step % s.checkpoint_every == 0 or is_last
            if due or wish is not Wish.GO_ON:
                self._write_checkpoint()
            ended = "stopped" if wish is Wish.STOP else ended
        model = self._save(LAST)
        best = s.out / BEST
        figures = self._history[-1][1] if self._history else None
        scores = None if figures is None else Scores(figures["loss/validation"], figures)
        chosen = best if best.exists() else model
        return Result(self._step, chosen, scores, ended, tuple(self._history), self._spent)

    def _follow_clock(self) -> None:
        minutes = self._settings.minutes
        if minutes is not None and self._step >= min(20, self._settings.warmup):
            self._schedule.total = steps_that_fit(self._step, self._spent, minutes * 60)

    def _learn(self, number: int) -> float:
        """Learn from one batch of examples; return the mean loss of its moves."""
        size = self._settings.batch
        examples = [self._examples[number * size + n] for n in range(size)]
        rng = np.random.default_rng([self._settings.seed, 2, number])
        losses = []
        for loss in moving_losses(self._network, *self._tensors(examples), self._recipe, rng):
            found = torch.autograd.grad(loss, list(self._weights.values()))
            sums = torch.stack([g.sum() for g in found])
            if not bool(torch.isfinite(sums).all() & torch.isfinite(loss)):
                raise NotFiniteError(
                    "the loss or a gradient holds NaN or an infinity",
                    where=f"mini-batch {number}",
                    remedy="lower the learning rate, or go on from a checkpoint before",
                )
            named: Mapping[str, Tensor] = dict(zip(self._weights, found, strict=True))
            self._moments.step(named, self._moves, 0)
            self._moves += 1
            losses.append(float(loss.detach()))
        return float(np.mean(losses)) if losses else 0.0

    def _tensors(self, examples: list[FloodExample]) -> tuple[Tensor, Tensor, Tensor]:
        image, inside, known = (
            torch.from_numpy(np.stack(part)).to(self._device)
            for part in zip(*examples, strict=True)
        )
        return image, inside, known

    def _validate(self, sampler: FloodSampler) -> None:
        """Note the mean loss over fixed examples; keep the weights where it is the least."""
        network, rng = self._averaged(), np.random.default_rng(self._settings.seed)
        losses: list[float] = []
        with torch.no_grad():
            for number in range(VALIDATED):
                tensors = self._tensors([sampler[number]])
                losses += map(float, moving_losses(network, *tensors, self._recipe, rng))
        figures = {"loss/validation": float(np.mean(losses))}
        self._watcher.scalar("loss/validation", self._step, figures["loss/validation"])
        self._history.append((self._step, figures))
        if self._best is None or figures["loss/validation"] < self._best:
            self._best = figures["loss/validation"]
            self._save(BEST)

    def _averaged(self) -> Chain:
        with torch.random.fork_rng(devices=[]):
            network = build(self._network_settings)
        named = averaged(self._state())
        network.load_state_dict({name: t.to("cpu") for name, t in named.items()})
        return network.to(self._device)

    def _write_checkpoint(self) -> None:
        facts = {"spent": self._spent, "best": self._best, "history": self._history}
        self._checkpoints.write(self._step, self._state(), facts)

    def _save(self, name: str) -> Path:
        s = self._settings
        card = Card(
            name=s.name or s.out.name,
            architecture="ffn",
            settings=self._network_settings.model_dump(),
            voxel_size=self._voxel_size,
            normalisation=Normalisation(mean=s.grey_mean, std=s.grey_std),
            offsets=(),
            patch=self._recipe.fov,
            trained_on=self._trained_on,
            training={"steps": self._step, "moves": self._moves, "rate": s.rate, "seed": s.seed},
            scores=self._history[-1][1] if self._history else {},
        )
        return save_model(s.out / name, self._averaged(), card, overwrite=True)
