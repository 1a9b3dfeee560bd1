"""Where and in what precision networks run."""

from __future__ import annotations

import torch

from facediff.errors import ConfigError


def choose_device(name: str | None = None) -> torch.device:
    """A device by name, or the best there is: cuda, then mps, then cpu.

    Raises:
        ConfigError: The device asked for is not there.
    """
    if name is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"there is no device {name!r} here; try 'cpu'") from error
    return device


def choose_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware multiplies it fast, else float32.

    A CPU without bfloat16 instructions emulates them, at half the speed of float32.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device.type == "cpu" and torch.cpu._is_avx512_bf16_supported():
        return torch.bfloat16
    return torch.float32
