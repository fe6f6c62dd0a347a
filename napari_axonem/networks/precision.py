"""Numbers that networks compute in: where bf16 is fast, and float32 that is float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "float32", "bfloat16"]
"""What is asked for; ``"auto"``: bfloat16 where a device computes it fast."""


def number_type(asked: Precision, device: torch.device | str) -> torch.dtype:
    """Return in which numbers a network computes on a device."""
    import torch

    if asked == "bfloat16" or (asked == "auto" and is_bf16_fast(torch.device(device))):
        return torch.bfloat16
    keep_float32()
    return torch.float32


def lowered_type(asked: Precision, device: torch.device | str) -> torch.dtype | None:
    """Return the type that passes compute in; None where it is that of the weights, float32."""
    chosen = number_type(asked, device)
    return chosen if chosen.itemsize < 4 else None


def is_bf16_fast(device: torch.device) -> bool:
    """Whether a device has instructions for bf16; elsewhere it is slower than full precision."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    has = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(has.get("avx512_bf16") or has.get("amx_bf16"))


def keep_float32() -> None:
    """Let GPUs compute in float32 where that is asked for, in this process.

    torch lets convolutions of float32 round their inputs to 10 bits on cards that are faster so
    (TF32). Who wants speed there takes bf16, which is what such cards get unless told otherwise.
    """
    import torch

    torch.backends.cudnn.allow_tf32 = False
