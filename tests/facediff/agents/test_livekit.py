"""Within LiveKit Agents' own runner, up to a room that is a stub."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("livekit.agents")

from livekit import agents, rtc
from livekit.agents.voice.avatar import AudioSegmentEnd, AvatarRunner, QueueAudioOutput
from PIL import Image

from facediff.agents.livekit import LiveKitAvatar
from facediff.agents.speech import mix_down
from facediff.errors import LiveError

ROOT = Path(__file__).parents[3]
RATE = 24000
SECOND = (np.random.default_rng(0).normal(0, 0.1, RATE) * 32767).astype(np.int16)


def frames_of(sound: np.ndarray, rate: int = RATE, each: float = 0.02) -> list[rtc.AudioFrame]:
    step = round(rate * each)
    parts = [sound[k : k + step] for k in range(0, len(sound), step)]
    return [rtc.AudioFrame(part.tobytes(), rate, 1, len(part)) for part in parts]


async def read(face: LiveKitAvatar, until) -> list:
    """What comes, until something is true of all of it."""
    found: list = []
    async for frame in face:
        found.append(frame)
        if until(found):
            return found
    return found


def sounds(frames: list) -> np.ndarray:
    parts = [np.frombuffer(f.data, np.int16) for f in frames if isinstance(f, rtc.AudioFrame)]
    return np.concatenate([np.zeros(0, np.int16), *parts])


def run(small_avatar, journey, **options) -> None:
    async def main() -> None:
        face = LiveKitAvatar(small_avatar, sample_rate=RATE, paint=False, **options)
        try:
            await journey(face)
        finally:
            await face.aclose()

    asyncio.run(main())


def test_pictures_come_before_their_sound_and_one_end_after_all_of_it(small_avatar) -> None:
    async def journey(face: LiveKitAvatar) -> None:
        told = face.options
        assert (told.video_width, told.video_height, told.video_fps) == (192, 192, 25)
        assert (told.audio_sample_rate, told.audio_channels) == (RATE, 1)
        for frame in [*frames_of(SECOND[: RATE // 2]), AudioSegmentEnd()]:
            await face.push_audio(frame)
        found = await read(face, lambda found: isinstance(found[-1], AudioSegmentEnd))
        kinds = [type(frame) for frame in found]
        assert kinds[0] is rtc.VideoFrame and kinds.count(AudioSegmentEnd) == 1
        np.testing.assert_array_equal(sounds(found)[: RATE // 2], SECOND[: RATE // 2])
        first = kinds.index(rtc.AudioFrame)
        assert all(kind is rtc.VideoFrame for kind in kinds[first - 1 : -1 : 2])
        assert all(f.duration <= 0.0401 for f in found if isinstance(f, rtc.AudioFrame))
        picture = found[0]
        assert (picture.width, picture.height, picture.type) == (192, 192, rtc.VideoBufferType.RGB24)
        assert picture.convert(rtc.VideoBufferType.I420).width == 192
        again = await read(face, lambda found: len(found) == 5)  # and then it idles
        assert all(isinstance(frame, rtc.VideoFrame) for frame in again)

    run(small_avatar, journey)


def test_few_frames_a_second_have_their_sound_in_pieces_and_other_rates_and_channels_are_brought_to_one(small_avatar):
    async def journey(face: LiveKitAvatar) -> None:
        stereo = np.stack([SECOND[:16000], SECOND[:16000]], 1)
        await face.push_audio(rtc.AudioFrame(stereo.tobytes(), 16000, 2, 16000))
        await face.push_audio(AudioSegmentEnd())
        found = await read(face, lambda found: isinstance(found[-1], AudioSegmentEnd))
        assert len(sounds(found)) == pytest.approx(RATE, abs=RATE // 5)
        assert all(f.duration <= 0.0401 and f.sample_rate == RATE for f in found if isinstance(f, rtc.AudioFrame))

    run(small_avatar, journey, fps=10)


def test_an_interruption_waits_for_the_sound_that_is_on_its_way_and_nothing_of_it_comes_after(small_avatar) -> None:
    async def journey(face: LiveKitAvatar) -> None:
        for frame in [*frames_of(SECOND), AudioSegmentEnd()]:
            await face.push_audio(frame)
        came = face.__aiter__()
        while not isinstance(await came.__anext__(), rtc.AudioFrame):
            pass
        clearing = asyncio.create_task(face.clear_buffer())
        await asyncio.sleep(0.05)
        assert not clearing.done()  # who plays the sound has not come back for more
        later = asyncio.create_task(came.__anext__())
        await asyncio.wait_for(clearing, 1)
        rest = [await later] + [await came.__anext__() for _ in range(6)]
        assert all(isinstance(frame, rtc.VideoFrame) for frame in rest)
        for frame in [*frames_of(SECOND[:4800]), AudioSegmentEnd()]:
            await face.push_audio(frame)
        second = await read(face, lambda found: isinstance(found[-1], AudioSegmentEnd))
        np.testing.assert_array_equal(sounds(second)[:4800], SECOND[:4800])

    run(small_avatar, journey)


def test_a_closed_avatar_ends_its_frames_and_takes_no_more(small_avatar) -> None:
    async def journey(face: LiveKitAvatar) -> None:
        await read(face, lambda found: len(found) == 1)
        await face.aclose()
        assert await read(face, lambda found: False) == []
        with pytest.raises(LiveError):
            await face.push_audio(frames_of(SECOND)[0])

    run(small_avatar, journey)


class Room:
    """A room that is connected and publishes what it is given, to nobody."""

    def __init__(self) -> None:
        self.published: list = []
        self.local_participant = SimpleNamespace(publish_track=self._publish)

    def isconnected(self) -> bool:
        return True

    def on(self, *_) -> None: ...

    def off(self, *_) -> None: ...

    async def _publish(self, track, options):
        self.published.append(track)

        async def subscribed() -> None: ...

        return SimpleNamespace(wait_for_subscription=subscribed)


def test_the_frameworks_runner_plays_an_answer_to_its_end_and_hears_of_an_interruption(small_avatar) -> None:
    async def journey(face: LiveKitAvatar) -> None:
        said = QueueAudioOutput(sample_rate=RATE, wait_playback_start=True)
        told: list = []
        said.on("playback_started", lambda event: told.append("started"))
        said.on("playback_finished", lambda event: told.append((round(event.playback_position, 2), event.interrupted)))
        runner = AvatarRunner(Room(), audio_recv=said, video_gen=face, options=face.options)
        await runner.start()
        for frame in frames_of(SECOND[: RATE // 2]):
            await said.capture_frame(frame)
        said.flush()
        await asyncio.wait_for(said.wait_for_playout(), 60)
        assert told[0] == "started" and told[1] == (pytest.approx(0.5, abs=0.05), False)
        for frame in frames_of(np.tile(SECOND, 3)):
            await said.capture_frame(frame)
        said.flush()
        while len(told) < 3:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        said.clear_buffer()
        await asyncio.wait_for(said.wait_for_playout(), 20)
        assert told[2] == "started" and told[3][1] and told[3][0] < 1.5
        await runner.aclose()
        assert len(told) == 4

    run(small_avatar, journey)


def test_the_example_gives_a_session_a_face(small_avatar, close_up, tiny_model, tmp_path, monkeypatch) -> None:
    spec = importlib.util.spec_from_file_location("livekit_agent", ROOT / "docs" / "livekit_agent.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    Image.fromarray(close_up).save(tmp_path / "portrait.png")
    monkeypatch.setattr(example.Avatar, "from_image", lambda _: small_avatar)

    async def main() -> None:
        room, session = Room(), agents.AgentSession()
        face = await example.give_face(session, room, "portrait.png", paint=False)
        for frame in frames_of(SECOND[:4800]):
            await session.output.audio.capture_frame(frame)
        session.output.audio.flush()
        await asyncio.wait_for(session.output.audio.wait_for_playout(), 60)
        assert len(room.published) == 2
        await face.aclose()

    asyncio.run(main())


def test_channels_are_mixed() -> None:
    assert mix_down(np.array([1, 3, -4, 4], np.int16).tobytes(), 2).tolist() == [2, 0]
    assert mix_down(memoryview(np.array([1, 3], np.int16)), 1).tolist() == [1, 3]
