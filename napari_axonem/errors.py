"""The one family of errors: each says what was seen, where, and what to do about it."""

from __future__ import annotations

from functools import partial
from typing import Any


class AxonemError(Exception):
    """Base of every error that this package raises on purpose.

    Parameters
    ----------
    seen
        What was found, as a clause without a full stop: ``"no dataset named 'raw'"``.
    where
        The file, array, chunk, section, option or operation concerned.
    remedy
        What the user can do, as an imperative clause: ``"pass --voxel-size Z,Y,X in nm"``.
    """

    exit_status = 2
    """Exit status of the command: 2 for a user's mistake, 1 for a failure that is not theirs."""

    def __init__(self, seen: str, *, where: object = "", remedy: str = "") -> None:
        self.seen = seen
        self.where = str(where)
        self.remedy = remedy
        super().__init__(str(self))

    def __reduce__(self) -> tuple[Any, ...]:
        """Let an error come back whole from another process."""
        return partial(type(self), where=self.where, remedy=self.remedy), (self.seen,)

    def __str__(self) -> str:
        """One line: ``where: seen; remedy``."""
        line = f"{self.where}: {self.seen}" if self.where else self.seen
        return f"{line}; {self.remedy}" if self.remedy else line


class SettingsError(AxonemError):
    """A setting is missing, unknown or out of its bounds."""


class VolumeError(AxonemError):
    """A volume cannot be opened, read or written as asked."""


class VolumeLostError(VolumeError):
    """What holds a volume is out of reach, or not what it was when the volume was opened."""


class VoxelSizeUnknownError(VolumeError):
    """The file does not state its voxel size and the caller did not give one."""


class MismatchError(VolumeError):
    """Two volumes that must lie on the same grid do not."""


class ModelError(AxonemError):
    """A model cannot be found, read, written or used as asked."""


class SkeletonError(AxonemError):
    """Skeletons cannot be read, written or used as asked."""


class StorageError(AxonemError):
    """The disk or a database failed: full, read-only, damaged."""

    exit_status = 1


class BlockError(AxonemError):
    """Blockwise work failed in a way that nobody foresaw; ``where`` names the block."""

    exit_status = 1


class ProjectError(AxonemError):
    """A project cannot be created, opened or written."""


class ProjectLockedError(ProjectError):
    """Another process holds the project for writing."""


class EditError(AxonemError):
    """An edit cannot be done, or would change nothing; nothing was changed."""


class PartitionError(AxonemError):
    """A network cannot be cut, or placed on devices, as asked."""


class TrainingError(AxonemError):
    """Training cannot go on."""

    exit_status = 1


class StageError(TrainingError):
    """A stage of a pipeline failed; ``where`` names the stage, its operations and its device."""


class NotFiniteError(StageError):
    """A stage computed NaN or an infinity."""


class StageMemoryError(StageError):
    """A stage has no memory left on its device."""


class JobError(AxonemError):
    """A job cannot be started, found or told what to do."""


class JobTakenError(JobError):
    """Another process is doing the job."""
