"""Numbers that networks compute in: where bf16 is fast, and float32 that is float32."""

from __future__ import annotations

import torch


def is_bf16_fast(device: torch.device) -> bool:
    """Whether a device has instructions for bf16; elsewhere it is slower than full precision."""
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
    torch.backends.cudnn.allow_tf32 = False
