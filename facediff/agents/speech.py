"""What agents say, as a live session takes it."""

from __future__ import annotations

import asyncio

import numpy as np
from numpy.typing import NDArray

from facediff.live.planner import MAX_QUEUED_S
from facediff.live.session import LiveSession

_ENOUGH = 0.8  # of what a session takes, from which on it is waited for; a packet is shorter than the rest
_LOOK_S = 0.1


def mix_down(data: bytes | memoryview, channels: int) -> NDArray[np.int16]:
    """Mono (n,) of 16-bit samples whose channels are interleaved."""
    samples = np.frombuffer(data, np.int16)
    return samples if channels == 1 else samples.reshape(-1, channels).mean(axis=1).astype(np.int16)


async def wait_for_room(live: LiveSession) -> None:
    """Returns when a session takes more sound; a voice makes an answer faster than it is spoken."""
    while live.queued_s > _ENOUGH * MAX_QUEUED_S:
        await asyncio.sleep(_LOOK_S)


async def wait_for_silence(live: LiveSession) -> None:
    """Returns when all that was to be said is said, or the session is over."""
    while live.is_speaking and not live.is_over:
        await asyncio.sleep(_LOOK_S / 4)
