"""The loop: learn, tell, obey, write checkpoints, validate, keep the best.

Work goes in rounds, each up to a checkpoint; there is one at each validation too. A pipeline is
empty between rounds, and an uninterrupted run empties it at the same mini-batches as one that was
killed and resumed: both give the same bits on the CPU.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from napari_axonem.errors import NotFiniteError
from napari_axonem.networks.chain import Chain
from napari_axonem.networks.files import save_model, write_markdown
from napari_axonem.training.checkpoints import CHECKPOINTS, Checkpoint, CheckpointFolder
from napari_axonem.training.loading import Batch, batches, usual_loaders
from napari_axonem.training.rates import Schedule, steps_that_fit
from napari_axonem.training.settings import TrainSettings
from napari_axonem.training.steps import Done, Strategy
from napari_axonem.training.strategies import make_strategy, resolve_devices
from napari_axonem.training.task import Scores, Task
from napari_axonem.watching import PAUSE_SECONDS, Watcher, Wish

T = TypeVar("T")

TELL_EVERY = 10
"""Mini-batches between two points of the curve of the loss."""

MOST_ROLLBACKS = 5
BEST, LAST = "best.safetensors", "last.safetensors"


@dataclass(slots=True)
class Memory:
    """What a run remembers from checkpoint to checkpoint, besides its weights."""

    total: int
    scale: float = 1.0
    spent: float = 0.0
    """Seconds of training and validation so far."""

    best: float | None = None
    stale: int = 0
    """Validations since the best one."""

    rollbacks: int = 0
    history: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    """Figures of all validations, with their mini-batch."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a run left."""

    steps: int
    model: Path
    """The best weights if there was a validation, else the last ones."""

    scores: Scores | None
    ended: str
    """Why it ended: ``"done"``, ``"stopped"`` or ``"no better"``."""

    history: tuple[tuple[int, dict[str, float]], ...]
    seconds: float


class Trainer:
    """Trains one task; made, then run once.

    Parameters
    ----------
    task
        What is learned.
    settings
        How.
    watcher
        Who is told, and whose wishes are obeyed.

    Raises
    ------
    SettingsError
        Devices, cuts or the folder are not as needed; nothing has been written.
    TrainingError
        It was to be resumed, and no checkpoint can be read.
    """

    def __init__(self, task: Task, settings: TrainSettings, watcher: Watcher) -> None:
        self._task, self._settings, self._watcher = task, settings, watcher
        self._checkpoints = CheckpointFolder(settings.out / CHECKPOINTS, settings.keep)
        self._devices = resolve_devices(settings.devices)
        self._device = self._devices[0]
        asked = settings.loaders
        self._loaders = usual_loaders(self._device) if asked is None else asked
        found = self._last_checkpoint()
        torch.manual_seed(settings.seed)
        self._chain = self._laid_out(task.build())
        self._schedule = Schedule(settings.rate, settings.warmup, settings.steps)
        self._strategy: Strategy = make_strategy(
            settings, self._chain, task.loss, self._schedule, self._probe, watcher.say
        )
        self._loader: tuple[int, Iterator[Batch]] = (-1, iter(()))
        """The mini-batch that the loaders give next, and they."""

        self._memory = Memory(settings.steps)
        self._scores: Scores | None = None
        """Of the best weights so far."""

        self._newest: tuple[int, Scores] | None = None
        """The last validation, and after which mini-batch it was."""

        if found is not None:
            self._take_up(found)

    def _probe(self) -> Batch:
        """Return a mini-batch to measure operations with."""
        inputs, targets = next(batches(self._task.samples, 0, self._settings.batch))
        if self._task.channels_last:
            inputs = inputs.to(memory_format=torch.channels_last_3d)
        return inputs, targets

    def _last_checkpoint(self) -> Checkpoint | None:
        return self._checkpoints.to_go_on_from(self._watcher.say, resume=self._settings.resume)

    def _laid_out(self, chain: Chain) -> Chain:
        if self._task.channels_last:
            return chain.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload,no-any-return]
        return chain

    def _take_up(self, checkpoint: Checkpoint) -> None:
        self._strategy.load_state_dict(dict(checkpoint.state))
        facts = dict(checkpoint.facts)
        self._memory = Memory(**{**facts, "history": [(n, f) for n, f in facts["history"]]})
        if self._settings.minutes is None:
            self._memory.total = self._settings.steps  # may have been given more, or less
        self._follow_memory()
        where = f"{self._strategy.steps} ({checkpoint.path.name})"
        self._watcher.say(f"going on from mini-batch {where}")

    def _follow_memory(self) -> None:
        self._schedule.total, self._schedule.scale = self._memory.total, self._memory.scale

    def run(self) -> Result:
        """Train to the end, to a wish to stop, or until nothing gets better.

        Raises
        ------
        NotFiniteError
            NaN or an infinity, naming stage and mini-batch, where `on_nan` is ``"stop"``.
        StageError
            A stage failed; the last checkpoint is whole.
        VolumeError
            Another process trains into the folder.
        StorageError
            The disk is full.
        """
        with self._checkpoints.held() if self._strategy.leads else nullcontext():
            return self._run()

    def _run(self) -> Result:
        ended = "done"
        self._say_what_begins()
        if self._strategy.steps == 0:
            self._write_checkpoint()
        while self._strategy.steps < self._memory.total and ended == "done":
            try:
                ended = self._round()
            except NotFiniteError as error:
                self._roll_back(error)
                continue
            ended = self._between(ended)
        model = self._finish()
        m = self._memory
        return Result(self._strategy.steps, model, self._scores, ended, tuple(m.history), m.spent)

    def _say_what_begins(self) -> None:
        if self._strategy.leads:
            count = sum(p.numel() for p in self._chain.parameters())
            self._watcher.say(
                f"learning {count:,} weights on {', '.join(dict.fromkeys(self._devices))}; "
                f"checkpoints in {self._checkpoints.folder}"
            )

    def _round(self) -> str:
        """Learn up to the next checkpoint or validation; return how the round ended."""
        s, done = self._settings, self._strategy.steps
        stop = end_of_round(done, self._memory.total, s)
        loaded = itertools.islice(self._batches(), stop - done)
        began, ended, spent = time.monotonic(), "done", self._memory.spent
        for step in self._strategy.train(loaded):
            self._memory.spent = spent + time.monotonic() - began
            self._tell(step)
            wish = self._wish()
            if wish in (Wish.STOP, Wish.CHECKPOINT):
                self._strategy.drain()
                ended = "stopped" if wish is Wish.STOP else ended
            if self._out_of_time():
                self._strategy.drain()
        return ended

    def _batches(self) -> Iterator[Batch]:
        """Return the mini-batches from the next one on; the same loaders serve all rounds."""
        at, loader = self._loader
        if at != self._strategy.steps:
            loader = batches(
                self._task.samples,
                self._strategy.steps,
                self._settings.batch,
                loaders=self._loaders,
                pinned=self._device.startswith("cuda"),
                share=self._strategy.share,
            )
        self._loader = (self._strategy.steps, loader)
        for count, (inputs, targets) in enumerate(loader, start=self._strategy.steps + 1):
            self._loader = (count, loader)
            if self._task.channels_last:
                inputs = inputs.to(memory_format=torch.channels_last_3d)
            yield inputs, targets

    def _tell(self, step: Done) -> None:
        number = step.index + 1
        self._watcher.progress(number, self._expected(number), "training")
        if number % TELL_EVERY and number != 1:
            return
        self._watcher.scalar("loss/train", number, step.loss)
        self._watcher.scalar("rate", number, self._schedule(step.index))
        for name, values in (("busy", step.busy), ("stale", step.stale)):
            for stage, value in enumerate(values if len(step.busy) > 1 else ()):
                self._watcher.scalar(f"{name}/stage {stage}", number, float(value))

    def _expected(self, number: int) -> int:
        """Return how many mini-batches there will be, as far as is known after `number`."""
        s, m = self._settings, self._memory
        if s.minutes is None or number > min(20, s.warmup):
            return m.total
        return steps_that_fit(number, m.spent, s.minutes * 60)

    def _wish(self) -> Wish:
        """Return what is wanted, having waited as long as a pause is."""
        wish = self._agreed(self._watcher.wish())
        if wish is Wish.PAUSE:
            self._watcher.say("paused")
        while wish is Wish.PAUSE:
            time.sleep(PAUSE_SECONDS)
            wish = self._agreed(self._watcher.wish())
        return wish

    def _agreed(self, own: T) -> T:
        """Return what the first process has, to all."""
        if self._strategy.share[1] == 1:
            return own
        shared = [own]
        torch.distributed.broadcast_object_list(shared)
        return shared[0]

    def _out_of_time(self) -> bool:
        """Follow the clock, where the run's length is given in minutes."""
        s, m = self._settings, self._memory
        if s.minutes is None:
            return False
        done = self._strategy.steps
        if done >= min(20, s.warmup):
            m.total = self._agreed(max(done, steps_that_fit(done, m.spent, s.minutes * 60)))
            self._follow_memory()
        return self._agreed(m.spent >= s.minutes * 60)

    def _between(self, ended: str) -> str:
        """Validate when it is due, write a checkpoint, and say whether to go on."""
        s, done, m = self._settings, self._strategy.steps, self._memory
        out_of_time = s.minutes is not None and m.spent >= s.minutes * 60
        if out_of_time:
            m.total = done
        is_due = done % s.validate_every == 0 or done >= m.total
        if is_due and ended == "done":
            self._validate()
            if s.patience and m.stale >= s.patience:
                ended = "no better"
        self._write_checkpoint()
        return ended

    def _validate(self) -> None:
        """Score the averaged weights; keep them where they are the best so far."""
        began, m, done = time.monotonic(), self._memory, self._strategy.steps
        network = self._network()
        scores = self._task.validate(network, self._device) if self._strategy.leads else None
        m.spent += time.monotonic() - began
        if scores is not None:
            self._newest = done, scores
            m.history.append((done, dict(scores.figures)))
            for name, value in scores.figures.items():
                self._watcher.scalar(name, done, value)
            for name, pixels in scores.pictures.items():
                self._watcher.picture(name, done, pixels)
            is_better = math.isfinite(scores.worth) and (m.best is None or scores.worth < m.best)
            m.stale = 0 if is_better else m.stale + 1
            if is_better:
                m.best, self._scores = scores.worth, scores
                self._save(BEST, network, scores)
        m.stale = self._agreed(m.stale)

    def _network(self) -> Chain:
        """Return a copy of the network with averaged weights, on the first device."""
        state = self._strategy.state_dict()
        with torch.random.fork_rng(devices=[]):
            network = self._laid_out(self._task.build())
        network.load_state_dict(averaged(state))
        return network.to(self._device)

    def _save(self, name: str, network: Chain, scores: Scores | None) -> Path:
        """Save weights with their card, and the card for people beside them."""
        card = self._task.card(scores)
        path = save_model(self._settings.out / name, network, card, overwrite=True)
        write_markdown(path, card)
        return path

    def _write_checkpoint(self) -> None:
        if self._strategy.leads:
            state = self._strategy.state_dict()
            self._checkpoints.write(self._strategy.steps, state, asdict(self._memory))

    def _roll_back(self, error: NotFiniteError) -> None:
        """Go back to the last checkpoint at half the learning rate; raise where not asked to."""
        m = self._memory
        if self._settings.on_nan != "rollback" or m.rollbacks >= MOST_ROLLBACKS:
            raise error
        found, _ = self._checkpoints.last()
        if found is None:
            raise error
        scale, rollbacks = m.scale / 2, m.rollbacks + 1
        self._take_up(found)
        self._memory.scale, self._memory.rollbacks = scale, rollbacks
        self._follow_memory()
        self._watcher.say(f"{error}: gone back, learning rate {scale:g} times as high")

    def _finish(self) -> Path:
        """Write the last weights as a model; return the model to use."""
        out = self._settings.out
        if self._strategy.leads:
            at, scores = self._newest or (-1, None)
            self._save(LAST, self._network(), scores if at == self._strategy.steps else None)
        best = out / BEST
        return best if best.exists() else out / LAST


def end_of_round(done: int, total: int, settings: TrainSettings) -> int:
    """Return the mini-batch of the next checkpoint, validation, or the end, whichever is first."""
    every = (settings.checkpoint_every, settings.validate_every)
    return min(total, *((done // n + 1) * n for n in every))


def averaged(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights to use, and the buffers, from the state of a strategy."""
    kind = "average/" if any(name.startswith("average/") for name in state) else "weight/"
    plain = {n.removeprefix("weight/"): t for n, t in state.items() if n.startswith("weight/")}
    plain |= {n.removeprefix(kind): t for n, t in state.items() if n.startswith(kind)}
    plain |= {n.removeprefix("buffer/"): t for n, t in state.items() if n.startswith("buffer/")}
    return plain
