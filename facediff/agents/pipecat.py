"""An avatar in Pipecat: a service that stands between the voice and the output."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from facediff.agents.speech import mix_down, wait_for_room, wait_for_silence
from facediff.avatar import Avatar
from facediff.errors import MissingExtra
from facediff.live.session import LiveFrame

try:
    from pipecat.frames.frames import (
        CancelFrame,
        EndFrame,
        Frame,
        InterruptionFrame,
        OutputImageRawFrame,
        StartFrame,
        TTSAudioRawFrame,
        TTSStoppedFrame,
    )
    from pipecat.processors.frame_processor import FrameDirection
    from pipecat.services.ai_service import AIService
    from pipecat.services.settings import ServiceSettings
except ImportError as error:
    raise MissingExtra("pipecat-ai", "pipecat", "an avatar in Pipecat") from error


class PipecatAvatar(AIService):
    """Frames of a portrait that says what a pipeline's voice says; it stands right after the voice.

    The sound of the voice is held until its pictures are there, and comes out with them; what tells that the voice has
    stopped comes after its last sound, so that the bot counts as silent when it is. All else passes.

    The transport shows pictures of ``size`` and of no other without scaling them: ``video_out_width`` and
    ``video_out_height`` are these, ``video_out_framerate`` the session's ``fps``, and ``video_out_is_live`` is true; or
    false, with ``sync_with_audio`` here.

    Args:
        avatar: Of a portrait.
        sample_rate: Samples a second of the sound that is given out; best the transport's own.
        sync_with_audio: Mark pictures as belonging to the sound before them, for an output that is not live.
        keywords: Those of ``Avatar.live``.

    Raises:
        ConfigError: The avatar is a video, or an option is out of range.
    """

    def __init__(
        self, avatar: Avatar, *, sample_rate: int = 24000, sync_with_audio: bool = False, **keywords: Any
    ) -> None:
        super().__init__(settings=ServiceSettings(model=None))
        self._live = avatar.live(sample_rate=sample_rate, **keywords)
        self._is_synced = sync_with_audio
        self._show: asyncio.Task | None = None
        self._has_sound = False  # whether sound came since the voice stopped last
        self._stops: deque[TTSStoppedFrame] = deque()  # one for each speech that is still to end
        self._answer = 0  # how many were interrupted
        self._is_given = asyncio.Event()  # whether no frame is on its way
        self._is_given.set()
        self._context: str | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures."""
        return self._live.settings.size

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Takes what the voice says, and passes on what is not its own."""
        await super().process_frame(frame, direction)
        if direction is FrameDirection.DOWNSTREAM and isinstance(frame, TTSAudioRawFrame):
            await self._hear(frame)
            return
        if direction is FrameDirection.DOWNSTREAM and isinstance(frame, TTSStoppedFrame) and self._has_sound:
            self._has_sound = False
            self._stops.append(frame)
            self._live.flush()
            return
        if isinstance(frame, InterruptionFrame):
            self._forget()
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame) and self._show is None:
            self._show = self.create_task(self._give())

    async def stop(self, frame: EndFrame) -> None:
        """Ends when all is said."""
        await super().stop(frame)
        self._live.flush()
        await wait_for_silence(self._live)
        await self._is_given.wait()
        await self._close()

    async def cancel(self, frame: CancelFrame) -> None:
        """Ends at once."""
        await super().cancel(frame)
        await self._close()

    async def cleanup(self) -> None:
        """Ends the rendering process, however the pipeline ended."""
        await self._close()
        await super().cleanup()

    async def _hear(self, frame: TTSAudioRawFrame) -> None:
        answer = self._answer
        await wait_for_room(self._live)
        if answer == self._answer and not self._live.is_over:
            self._has_sound, self._context = True, frame.context_id
            self._live.push_audio(mix_down(frame.audio, frame.num_channels), frame.sample_rate)

    def _forget(self) -> None:
        """Forgets what is still to be said, and that it was to end."""
        self._answer += 1
        self._has_sound = False
        self._stops.clear()
        if not self._live.is_over:
            self._live.interrupt()

    async def _give(self) -> None:
        """Pictures as they are due, with their sound."""
        async for frame in self._live.run():
            self._is_given.clear()
            try:
                await self._give_one(frame)
            finally:
                self._is_given.set()

    async def _give_one(self, frame: LiveFrame) -> None:
        answer = self._answer
        await self.push_frame(self._picture(frame))
        if frame.sound is not None and answer == self._answer:  # else its picture came before an interruption
            said = TTSAudioRawFrame(frame.sound.tobytes(), frame.sample_rate, 1, context_id=self._context)
            await self.push_frame(said)
        if frame.end_of_speech and self._stops and answer == self._answer:
            await self.push_frame(self._stops.popleft())

    def _picture(self, frame: LiveFrame) -> OutputImageRawFrame:
        height, width = frame.picture.shape[:2]
        picture = OutputImageRawFrame(frame.picture.tobytes(), (width, height), "RGB")
        picture.sync_with_audio = self._is_synced and frame.sound is not None
        return picture

    async def _close(self) -> None:
        show, self._show = self._show, None
        if show is not None:
            await self.cancel_task(show)
        if not self._live.is_over:
            await asyncio.get_running_loop().run_in_executor(None, self._live.shutdown)
