"""Where networks are fast in bf16."""

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
