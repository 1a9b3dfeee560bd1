"""Which back end runs the networks: the environment says, else what is installed and the processor."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import torch

from facediff.errors import ConfigError, MissingExtra, take_first_line
from facediff.system.device import choose_dtype

log = logging.getLogger(__name__)

VARIABLE = "FACEDIFF_BACKEND"
TORCH, OPENVINO, OPENVINO_INT8 = "none", "openvino", "openvino-int8"
CHOICES = (TORCH, OPENVINO, OPENVINO_INT8)


def choose_backend(device: torch.device) -> str:
    """The back end of networks on a device: torch alone on a card; else ``FACEDIFF_BACKEND``, or what is faster.

    That is OpenVINO in whole numbers, if it is installed, where torch multiplies no bfloat16: in floating point torch
    is as fast as OpenVINO there, and where it has bfloat16, faster than both (see ``docs/speed.md``).

    Raises:
        ConfigError: The variable has another value.
        MissingExtra: It asks for what is not installed.
    """
    asked = os.environ.get(VARIABLE, "").strip().lower()
    if asked and asked not in CHOICES:
        raise ConfigError(f"{VARIABLE} is one of {', '.join(CHOICES)}, not {asked!r}; or leave it away")
    if device.type != "cpu":
        return TORCH
    if asked not in ("", TORCH) and not openvino_version():
        raise MissingExtra("OpenVINO", "openvino", f"{VARIABLE}={asked}")
    return asked or (OPENVINO_INT8 if openvino_version() and choose_dtype(device) == torch.float32 else TORCH)


@lru_cache(maxsize=1)
def openvino_version() -> str | None:
    """The version of OpenVINO that is installed; None where there is none."""
    try:
        return version("openvino") if find_spec("openvino") else None
    except PackageNotFoundError:
        return None


def describe_openvino() -> str:
    """OpenVINO, with its version."""
    return f"OpenVINO {openvino_version()}"


@lru_cache(maxsize=1)
def is_ready(open_core: Callable[[], object]) -> bool:
    """Whether a back end can be opened; where it cannot, one sentence says so, and torch runs all.

    Args:
        open_core: Opens it.
    """
    try:
        open_core()
    except Exception as error:  # a wheel of another system, a library that is missing, a damaged file
        reason = take_first_line(error)
        log.warning("%s cannot be used here (%s); torch runs all, more slowly", describe_openvino(), reason)
        return False
    return True
