"""Events for TensorBoard, beside those for whoever watches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy.typing as npt

from napari_axonem.errors import SettingsError
from napari_axonem.watching import Watcher, Wish


class TensorBoardLog:
    """Passes everything on to a watcher, and writes curves and pictures for TensorBoard.

    Parameters
    ----------
    folder
        Where event files go; ``tensorboard --logdir`` reads it.
    watcher
        Who watches besides.

    Raises
    ------
    SettingsError
        tensorboardX is not installed.
    """

    def __init__(self, folder: Path, watcher: Watcher) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise SettingsError(
                "events for TensorBoard are written by tensorboardX, which is not installed",
                where="--tensorboard",
                remedy="pip install tensorboardX",
            ) from error
        self._writer = SummaryWriter(str(folder))
        self._watcher = watcher

    def progress(self, done: int, total: int, doing: str) -> None:
        """Pass it on."""
        self._watcher.progress(done, total, doing)

    def scalar(self, name: str, step: int, value: float) -> None:
        """Write a point of a curve, and pass it on."""
        self._writer.add_scalar(name, value, step)
        self._watcher.scalar(name, step, value)

    def picture(self, name: str, step: int, pixels: npt.NDArray[Any]) -> None:
        """Write a picture, and pass it on."""
        self._writer.add_image(name, pixels, step, dataformats="HW" if pixels.ndim == 2 else "HWC")
        self._watcher.picture(name, step, pixels)

    def say(self, text: str) -> None:
        """Pass it on."""
        self._watcher.say(text)

    def wish(self) -> Wish:
        """Ask the watcher."""
        return self._watcher.wish()

    def close(self) -> None:
        """Bring everything to disk."""
        self._writer.close()
