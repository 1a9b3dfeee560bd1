"""An avatar in LiveKit Agents: what its ``AvatarRunner`` asks for frames."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np

from facediff.agents.speech import mix_down, wait_for_room
from facediff.avatar import Avatar
from facediff.errors import MissingExtra
from facediff.live.session import LiveFrame

try:
    from livekit import rtc
    from livekit.agents.voice.avatar import AudioSegmentEnd, AvatarOptions, VideoGenerator
except ImportError as error:
    raise MissingExtra("livekit-agents", "livekit", "an avatar in LiveKit Agents") from error

_PIECE_S = 0.04  # of sound in a frame at most: what is longer goes on after an interruption


class LiveKitAvatar(VideoGenerator):
    """Frames of a portrait that says what an agent says.

    Give it to an ``AvatarRunner`` with its ``options``. ``QueueAudioOutput(sample_rate=options.audio_sample_rate)``
    lets other rates through unchanged; they are resampled here.

    Args:
        avatar: Of a portrait.
        sample_rate: Samples a second of the sound that is given out.
        keywords: Those of ``Avatar.live``.

    Raises:
        ConfigError: The avatar is a video, or an option is out of range.
    """

    def __init__(self, avatar: Avatar, *, sample_rate: int = 24000, **keywords: Any) -> None:
        self._live = avatar.live(sample_rate=sample_rate, **keywords)
        self._sample_rate = sample_rate
        self._answer = 0  # how many were interrupted
        self._is_taken = asyncio.Event()  # whether no sound is on its way to who plays it
        self._is_taken.set()

    @property
    def options(self) -> AvatarOptions:
        """What the runner is told: size, rates, one channel."""
        width, height = self._live.settings.size
        return AvatarOptions(width, height, self._live.settings.fps, self._sample_rate, 1)

    async def push_audio(self, frame: rtc.AudioFrame | AudioSegmentEnd) -> None:
        """Takes what is to be said; waits while minutes of it wait already.

        Raises:
            LiveError: The session is over.
        """
        if isinstance(frame, AudioSegmentEnd):
            self._live.flush()
            return
        answer = self._answer
        await wait_for_room(self._live)
        if answer == self._answer:  # what was interrupted meanwhile is not said
            self._live.push_audio(mix_down(frame.data, frame.num_channels), frame.sample_rate)

    async def clear_buffer(self) -> None:
        """Forgets what is still to be said, and returns when no sound of it can come any more."""
        self._answer += 1
        self._live.interrupt()
        await self._is_taken.wait()

    def __aiter__(self) -> AsyncIterator[rtc.VideoFrame | rtc.AudioFrame | AudioSegmentEnd]:
        """Pictures as they are due, each before its sound, and one end a segment, after its last sound."""
        return self._frames()

    async def aclose(self) -> None:
        """Ends the session and its process; iterations end."""
        await asyncio.get_running_loop().run_in_executor(None, self._live.shutdown)

    async def _frames(self) -> AsyncIterator[rtc.VideoFrame | rtc.AudioFrame | AudioSegmentEnd]:
        async for frame in self._live.run():
            answer = self._answer
            height, width = frame.picture.shape[:2]
            yield rtc.VideoFrame(width, height, rtc.VideoBufferType.RGB24, frame.picture.tobytes())
            for piece in self._pieces(frame):
                if answer != self._answer:
                    break  # its picture came before an interruption, and the runner counts what it is given
                self._is_taken.clear()
                try:
                    yield rtc.AudioFrame(piece.tobytes(), self._sample_rate, 1, len(piece))
                finally:
                    self._is_taken.set()
            if frame.end_of_speech and answer == self._answer:
                yield AudioSegmentEnd()

    def _pieces(self, frame: LiveFrame) -> list[np.ndarray]:
        """The sound of a frame, int16, in parts that are short enough."""
        if frame.sound is None:
            return []
        return np.array_split(frame.sound, -(-len(frame.sound) // int(_PIECE_S * self._sample_rate)))
