"""On what networks are run: which devices there are, in which precision, and with what memory."""

from __future__ import annotations

import psutil
import torch

from napari_axonem.errors import SettingsError

PART_OF_FREE = 0.6
"""Of the memory that is free, so much is counted on."""


def find_devices(names: str = "auto") -> list[torch.device]:
    """Return the devices to work on.

    Parameters
    ----------
    names
        Such as ``"cuda:0,cuda:1"`` or ``"cpu"``; ``"auto"``: all CUDA devices, else Apple's
        GPU, else the processor.

    Raises
    ------
    SettingsError
        One of them is not there.
    """
    if names == "auto":
        if torch.cuda.is_available():
            return [torch.device("cuda", i) for i in range(torch.cuda.device_count())]
        return [torch.device("mps" if torch.backends.mps.is_available() else "cpu")]
    return [find_device(name.strip()) for name in names.split(",")]


def find_device(name: str) -> torch.device:
    """Return a device by torch's name, such as ``"cuda:0"``.

    Raises
    ------
    SettingsError
        It is not there.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SettingsError(
            f"no device {name!r} ({str(error).splitlines()[0]})",
            where="--device",
            remedy="use auto or cpu, or check the driver of the GPU",
        ) from error
    return device


def free_memory(device: torch.device) -> int:
    """Return how many bytes of a device's memory can be counted on."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0] * PART_OF_FREE)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() * PART_OF_FREE)
    return int(min(psutil.virtual_memory().available, _allowed()) * PART_OF_FREE)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device's memory did not suffice."""
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "can't allocate memory" in text
    )


def release(device: torch.device) -> None:
    """Give back what the allocator of a device keeps for later."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def _allowed() -> int:
    """Return the memory that a container grants to this process."""
    from distributed.system import MEMORY_LIMIT

    return int(MEMORY_LIMIT)
