"""A call between two ends of aiortc on this machine."""

from __future__ import annotations

import asyncio
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("aiortc")

import av
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

from facediff.agents.webrtc import PACKET, RATE, Call
from facediff.errors import LiveError


class Microphone(MediaStreamTrack):
    """A tone, in packets of 20 ms at the rate at which it is heard."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._sent = 0

    async def recv(self) -> av.AudioFrame:
        await asyncio.sleep(PACKET / RATE)
        time = (self._sent + np.arange(PACKET)) / RATE
        tone = (8000 * np.sin(2 * np.pi * 220 * time)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._sent, Fraction(1, RATE)
        self._sent += PACKET
        return frame


class Camera(MediaStreamTrack):
    """The portrait itself, ten times a second."""

    kind = "video"

    def __init__(self, picture: np.ndarray) -> None:
        super().__init__()
        self._picture, self._index = picture, 0

    async def recv(self) -> av.VideoFrame:
        await asyncio.sleep(0.1)
        self._index += 1
        frame = av.VideoFrame.from_ndarray(self._picture, format="rgb24")
        frame.pts, frame.time_base = self._index * 9000, Fraction(1, 90000)
        return frame


async def take(track: MediaStreamTrack, into: list, count: int) -> None:
    while len(into) < count:
        into.append(await track.recv())


@pytest.mark.slow
def test_a_voice_comes_back_with_pictures_and_hanging_up_ends_the_process(small_avatar, close_up) -> None:
    async def journey() -> None:
        live = small_avatar.live(sample_rate=RATE, paint=False)
        call, own = Call(live), RTCPeerConnection()
        own.addTrack(Microphone()), own.addTrack(Camera(close_up))
        tracks: dict[str, MediaStreamTrack] = {}
        own.on("track", lambda track: tracks.setdefault(track.kind, track))
        await own.setLocalDescription(await own.createOffer())
        told = await call.answer(own.localDescription.sdp)
        await own.setRemoteDescription(RTCSessionDescription(told, "answer"))
        pictures: list[av.VideoFrame] = []
        sounds: list[av.AudioFrame] = []
        taking = asyncio.gather(take(tracks["video"], pictures, 25), take(tracks["audio"], sounds, 100))
        await asyncio.wait_for(taking, 90)
        assert {(frame.width, frame.height) for frame in pictures} == {(192, 192)}
        assert max(np.abs(frame.to_ndarray().astype(int)).max() for frame in sounds) > 2000
        first = pictures[0].to_ndarray(format="rgb24").astype(int)
        assert np.abs(first - close_up).mean() < 15
        stamps = np.diff([frame.pts * frame.time_base for frame in pictures]).astype(float)
        assert np.median(stamps) == pytest.approx(0.04, abs=0.002)
        await own.close()
        await call.close()
        assert live.is_over and call.is_over.is_set()
        with pytest.raises(LiveError):
            live.push_audio(np.zeros(10, np.int16), RATE)

    asyncio.run(journey())


def test_what_is_no_offer_is_refused_and_its_session_ends(small_avatar) -> None:
    async def journey() -> None:
        live = small_avatar.live(sample_rate=RATE, paint=False)
        with pytest.raises(LiveError, match="reload the page"):
            await Call(live).answer("v=0 nonsense")
        assert live.is_over

    asyncio.run(journey())
