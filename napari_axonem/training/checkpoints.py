"""Checkpoints: all that a run needs to go on, written whole or not at all, the last few kept.

A checkpoint is one safetensors file: weights, buffers and the optimizer's memory by name of the
layer, whatever strategy or cuts wrote them; facts and a checksum in its header. Reading one runs
nobody's code.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from napari_axonem.errors import SettingsError, TrainingError
from napari_axonem.volumes.disk import exclusive, guarded, remove, replacing

CHECKPOINTS = "checkpoints"
"""Folder of the checkpoints in that of a run."""

NAME = re.compile(r"^step-(\d+)\.safetensors$")
_FACTS = "napari_axonem.checkpoint"
_SUM = "sha256"
_RANDOM = "random/torch"
_REMEDY = "remove it; the one before is taken"


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """What was read."""

    path: Path
    state: Mapping[str, Tensor]
    """By names of layers: the state of a strategy."""

    facts: Mapping[str, Any]
    """What the trainer remembers besides, plain values."""


class CheckpointFolder:
    """The checkpoints of one run.

    Parameters
    ----------
    folder
        Comes into being with the first one.
    keep
        So many of the last ones are kept.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder = folder
        self._keep = keep

    def paths(self) -> list[Path]:
        """Return the checkpoints that there are, the last first."""
        found = self.folder.glob("step-*.safetensors") if self.folder.is_dir() else ()
        return sorted((p for p in found if NAME.match(p.name)), reverse=True)

    def write(self, step: int, state: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Path:
        """Write a checkpoint, then remove those that are too many.

        The state of torch's random numbers goes with it.

        Raises
        ------
        StorageError
            The disk is full or cannot be written; those before are still there.
        """
        from safetensors.torch import save

        path = self.folder / f"step-{step:09d}.safetensors"
        tensors = {name: _plain(tensor) for name, tensor in state.items()}
        tensors[_RANDOM] = torch.get_rng_state().clone()
        header = {_FACTS: json.dumps(dict(facts)), _SUM: _checksum(tensors)}
        with guarded(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(path, overwrite=True) as temporary:
            # by way of bytes: a full disk is no OSError where save_file writes
            temporary.write_bytes(save(tensors, metadata=header))
        for old in self.paths()[self._keep :]:
            remove(old)
        return path

    def last(self) -> tuple[Checkpoint | None, list[str]]:
        """Return the last checkpoint that is whole, and what was wrong with later ones.

        The state of torch's random numbers is put back.

        Raises
        ------
        TrainingError
            There are checkpoints, and none is whole.
        """
        problems: list[str] = []
        paths = self.paths()
        for path in paths:
            try:
                return read_checkpoint(path), problems
            except TrainingError as error:
                problems.append(str(error))
        if paths:
            raise TrainingError(
                f"none of {len(paths)} checkpoints can be read ({problems[0]})",
                where=self.folder,
                remedy="begin anew with another --out",
            )
        return None, problems

    def refuse_another(self, *, resume: bool) -> None:
        """See to it that a run which shall begin has the folder for itself.

        Raises
        ------
        SettingsError
            There are checkpoints of a run already, and it shall not go on.
        """
        if not resume and self.paths():
            raise SettingsError(
                "there is a run in it already",
                where=self.folder.parent,
                remedy="pass --resume to go on with it, or another --out",
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no other process train into the folder meanwhile.

        Raises
        ------
        VolumeError
            Another one does.
        StorageError
            The disk cannot be written.
        """
        with guarded(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        with exclusive(self.folder / "lock", "another process trains into this folder"):
            yield

    def to_go_on_from(self, say: Callable[[str], None], *, resume: bool) -> Checkpoint | None:
        """Return the checkpoint that a run goes on from, or None where it begins.

        Parameters
        ----------
        say
            Is told of later checkpoints that are passed over, a line each.
        resume
            Whether the run shall go on.

        Raises
        ------
        SettingsError
            It shall begin, and there are checkpoints of a run already.
        TrainingError
            There are checkpoints, and none is whole.
        """
        self.refuse_another(resume=resume)
        if not resume:
            return None
        found, problems = self.last()
        for problem in problems:
            say(f"passed over: {problem}")
        if found is None:
            say(f"no checkpoint in {self.folder}: the run begins anew")
        return found


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, and take up its random numbers.

    Raises
    ------
    TrainingError
        It is damaged, or none.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            header: dict[str, str] = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        whole = header[_SUM] == _checksum(tensors)
        facts = json.loads(header[_FACTS])
        random = tensors.pop(_RANDOM)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise TrainingError(
            f"damaged or no checkpoint ({error})",
            where=path,
            remedy=_REMEDY,
        ) from error
    if not whole:
        raise TrainingError("its checksum is wrong", where=path, remedy=_REMEDY)
    torch.set_rng_state(random)
    return Checkpoint(path, tensors, facts)


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous().clone(memory_format=torch.contiguous_format)


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(name.encode())
        total.update(tensors[name].contiguous().numpy().tobytes())
    return total.hexdigest()
