"""A live avatar over WebRTC: who speaks into a microphone sees a portrait say it, and a camera moves it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from fractions import Fraction
from functools import partial
from typing import Any

import av
import numpy as np

from facediff.agents.speech import mix_down
from facediff.avatar import Avatar
from facediff.errors import LiveError, MissingExtra
from facediff.live.session import LiveFrame, LiveSession

try:
    from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
    from aiortc.mediastreams import MediaStreamError
except ImportError as error:
    raise MissingExtra("aiortc", "webrtc", "a live avatar over WebRTC") from error

RATE = 48000  # that of Opus
PACKET = RATE // 50  # samples in 20 ms: in longer frames aiortc gives several packets one time stamp
_VIDEO_CLOCK = 90000
_LATEST_S = 0.6  # of sound that may wait: what a microphone gives is worth nothing later
_WATCHED_S = 0.08  # between two frames of a camera that are looked at
_KEPT = 5  # frames that wait for a slow line; older ones are dropped


class Call:
    """One visitor's connection to a live avatar.

    Args:
        live: A session with ``sample_rate=RATE``; it is shut down with the call.

    Attributes:
        live: That session.
        is_over: Set when the call has ended.
    """

    def __init__(self, live: LiveSession) -> None:
        self.live = live
        self._line = RTCPeerConnection()
        self._pictures, self._sounds = _Outgoing("video"), _Outgoing("audio")
        self._tasks: set[asyncio.Task] = set()
        self._line.on("track", self._take)
        self._line.on("connectionstatechange", self._look)
        self.is_over = asyncio.Event()

    @classmethod
    async def of(cls, avatar: Avatar, **options: Any) -> Call:
        """A call with an avatar; options are those of ``Avatar.live``."""
        begin = partial(avatar.live, sample_rate=RATE, **options)
        return cls(await asyncio.get_running_loop().run_in_executor(None, begin))

    async def answer(self, offer: str) -> str:
        """The description of this end, to a browser's offer; from then on frames are sent.

        Raises:
            LiveError: The offer is none.
        """
        try:
            await self._line.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        except Exception as error:  # of many kinds, by where it goes wrong
            await self.close()
            raise LiveError("the browser's offer of a call cannot be read; reload the page") from error
        for track in (self._pictures, self._sounds):
            self._line.addTrack(track)
        await self._line.setLocalDescription(await self._line.createAnswer())
        self._run(self._give())
        return str(self._line.localDescription.sdp)

    async def close(self) -> None:
        """Ends the call, its session and the process that renders."""
        if self.is_over.is_set():
            return
        self.is_over.set()
        for task in [task for task in self._tasks if task is not asyncio.current_task()]:
            task.cancel()
        await self._line.close()
        await asyncio.get_running_loop().run_in_executor(None, self.live.shutdown)

    def _run(self, work) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _take(self, track: MediaStreamTrack) -> None:
        self._run(self._hear(track) if track.kind == "audio" else self._watch(track))

    async def _look(self) -> None:
        if self._line.connectionState in ("failed", "closed", "disconnected"):
            await self.close()

    async def _give(self) -> None:
        """Pictures and sound as they are due."""
        try:
            async for frame in self.live.run():
                self._pictures.put(_picture(frame, self.live.settings.fps))
                for packet in _packets(frame, self.live.settings.fps):
                    self._sounds.put(packet)
        except LiveError:
            await self.close()

    async def _hear(self, track: MediaStreamTrack) -> None:
        """A microphone: its sound is what is said."""
        try:
            while True:
                heard = await track.recv()
                assert isinstance(heard, av.AudioFrame)
                samples = np.ascontiguousarray(heard.to_ndarray()).tobytes()  # packed: (1, n * channels) of int16
                if self.live.queued_s > _LATEST_S:
                    self.live.interrupt()
                self.live.push_audio(mix_down(samples, len(heard.layout.channels)), heard.sample_rate)
        except (MediaStreamError, LiveError):
            return

    async def _watch(self, track: MediaStreamTrack) -> None:
        """A camera: who is seen there moves the portrait."""
        last = 0.0
        try:
            while True:
                seen = await track.recv()
                assert isinstance(seen, av.VideoFrame)
                if time.monotonic() - last >= _WATCHED_S:
                    last = time.monotonic()
                    self.live.push_frame(np.asarray(seen.to_ndarray(format="rgb24"), np.uint8))
        except (MediaStreamError, LiveError):
            return


class _Outgoing(MediaStreamTrack):
    """What is sent: it is paced by the session, and drops what a slow line leaves lying."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__()
        self._unsent: deque[av.VideoFrame | av.AudioFrame] = deque(maxlen=_KEPT * (2 if kind == "audio" else 1))
        self._news = asyncio.Event()

    def put(self, frame: av.VideoFrame | av.AudioFrame) -> None:
        self._unsent.append(frame)
        self._news.set()

    async def recv(self) -> av.VideoFrame | av.AudioFrame:
        """The next frame, when there is one."""
        while not self._unsent:
            if self.readyState != "live":
                raise MediaStreamError
            self._news.clear()
            await self._news.wait()
        return self._unsent.popleft()


def _picture(frame: LiveFrame, fps: float) -> av.VideoFrame:
    picture = av.VideoFrame.from_ndarray(frame.picture, format="rgb24")
    picture.pts, picture.time_base = round(frame.index * _VIDEO_CLOCK / fps), Fraction(1, _VIDEO_CLOCK)
    return picture


def _packets(frame: LiveFrame, fps: float) -> list[av.AudioFrame]:
    """The sound of a frame in packets of 20 ms, silence where nothing is said; each begins at a multiple of that."""
    first, last = (round((frame.index + k) * RATE / fps) for k in (0, 1))
    sound = np.zeros(last - first, np.int16) if frame.sound is None else frame.sound
    packets = []
    for start in range(0, len(sound), PACKET):
        packet = av.AudioFrame.from_ndarray(sound[None, start : start + PACKET], format="s16", layout="mono")
        packet.sample_rate, packet.pts, packet.time_base = RATE, first + start, Fraction(1, RATE)
        packets.append(packet)
    return packets
