"""Within a pipeline of Pipecat that ends in a sink."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pipecat.services.ai_service")

from pipecat.frames.frames import (
    EndFrame,
    EndWorkerFrame,
    InterruptionFrame,
    OutputImageRawFrame,
    StartFrame,
    TextFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from facediff.agents.pipecat import PipecatAvatar

ROOT = Path(__file__).parents[3]
RATE = 24000
SECOND = (np.random.default_rng(0).normal(0, 0.1, RATE) * 32767).astype(np.int16)


class Sink(FrameProcessor):
    """Keeps what comes, and tells when something has."""

    def __init__(self) -> None:
        super().__init__()
        self.came: list = []

    async def process_frame(self, frame, direction) -> None:
        await super().process_frame(frame, direction)
        if direction is FrameDirection.DOWNSTREAM:
            self.came.append(frame)
        await self.push_frame(frame, direction)

    async def wait(self, done, seconds: float = 10.0) -> None:
        async def look() -> None:
            while not done(self.came):
                await asyncio.sleep(0.01)

        await asyncio.wait_for(look(), seconds)

    def of(self, *kinds: type) -> list:
        return [frame for frame in self.came if isinstance(frame, kinds)]


def said(sound: np.ndarray, each: float = 0.02) -> list[TTSAudioRawFrame]:
    step = round(RATE * each)
    return [TTSAudioRawFrame(sound[k : k + step].tobytes(), RATE, 1) for k in range(0, len(sound), step)]


def sound_of(frames: list) -> np.ndarray:
    return np.concatenate([np.frombuffer(f.audio, np.int16) for f in frames if isinstance(f, TTSAudioRawFrame)])


def run(small_avatar, journey, **options) -> Sink:
    async def main() -> Sink:
        face, sink = PipecatAvatar(small_avatar, sample_rate=RATE, paint=False, **options), Sink()
        worker = PipelineWorker(
            Pipeline([face, sink]), params=PipelineParams(audio_out_sample_rate=RATE), cancel_on_idle_timeout=False
        )
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)

        async def act() -> None:
            await sink.wait(lambda came: any(isinstance(f, OutputImageRawFrame) for f in came), 60)
            await journey(worker, sink)
            await worker.queue_frame(EndFrame())

        await asyncio.wait_for(asyncio.gather(runner.run(), act()), 120)
        assert face._live.is_over
        return sink

    return asyncio.run(main())


def test_sound_comes_with_its_pictures_and_the_stop_after_its_last_sample(small_avatar) -> None:
    async def journey(worker, sink) -> None:
        for frame in [TTSStartedFrame(), *said(SECOND[: RATE // 2]), TTSStoppedFrame(), TextFrame("passes")]:
            await worker.queue_frame(frame)
        await sink.wait(lambda came: any(isinstance(f, TTSStoppedFrame) for f in came))

    sink = run(small_avatar, journey)
    kinds = [type(frame) for frame in sink.came]
    assert StartFrame in kinds and EndFrame in kinds and TextFrame in kinds and TTSStartedFrame in kinds
    sounds = sink.of(TTSAudioRawFrame)
    np.testing.assert_array_equal(sound_of(sounds)[: RATE // 2], SECOND[: RATE // 2])
    assert sink.came.index(sounds[-1]) < kinds.index(TTSStoppedFrame)
    assert all(f.num_frames == RATE // 25 for f in sounds)
    spoken = [f for f in sink.came if isinstance(f, (TTSAudioRawFrame, OutputImageRawFrame))]
    for frame, before in zip(spoken[1:], spoken, strict=False):
        assert not (isinstance(frame, TTSAudioRawFrame) and isinstance(before, TTSAudioRawFrame))
    pictures = sink.of(OutputImageRawFrame)
    assert {(f.size, f.format, f.sync_with_audio) for f in pictures} == {((192, 192), "RGB", False)}


def test_an_interruption_silences_it_and_the_next_answer_is_whole(small_avatar) -> None:
    at: list[int] = []

    async def journey(worker, sink) -> None:
        for frame in [*said(np.tile(SECOND, 2)), TTSStoppedFrame()]:
            await worker.queue_frame(frame)
        await sink.wait(lambda came: len(sink.of(TTSAudioRawFrame)) > 3)
        await worker.queue_frame(InterruptionFrame())
        await sink.wait(lambda came: any(isinstance(f, InterruptionFrame) for f in came))
        at.append(len(sink.came))
        await asyncio.sleep(0.4)
        assert not [f for f in sink.came[at[0] :] if isinstance(f, (TTSAudioRawFrame, TTSStoppedFrame))]
        for frame in [*said(SECOND[:4800]), TTSStoppedFrame()]:
            await worker.queue_frame(frame)
        await sink.wait(lambda came: any(isinstance(f, TTSStoppedFrame) for f in came))

    sink = run(small_avatar, journey)
    np.testing.assert_array_equal(sound_of(sink.came[at[0] :])[:4800], SECOND[:4800])


def test_what_waits_is_said_before_the_end(small_avatar) -> None:
    async def journey(worker, sink) -> None:
        for frame in [*said(SECOND[: RATE // 2]), TTSStoppedFrame()]:
            await worker.queue_frame(frame)

    sink = run(small_avatar, journey, sync_with_audio=True)
    np.testing.assert_array_equal(sound_of(sink.came)[: RATE // 2], SECOND[: RATE // 2])
    assert [f for f in sink.of(OutputImageRawFrame) if f.sync_with_audio]
    assert isinstance(sink.came[-1], EndFrame)


def test_a_stop_without_a_sound_passes(small_avatar) -> None:
    async def journey(worker, sink) -> None:
        await worker.queue_frame(TTSStoppedFrame())
        await sink.wait(lambda came: any(isinstance(f, TTSStoppedFrame) for f in came), 5)

    run(small_avatar, journey)


def test_the_example_runs_up_to_its_output(small_avatar, monkeypatch) -> None:
    spec = importlib.util.spec_from_file_location("pipecat_agent", ROOT / "docs" / "pipecat_agent.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    monkeypatch.setattr(example.Avatar, "from_image", lambda _: small_avatar)
    monkeypatch.setattr(example, "FACE", {"paint": False})
    told = example.show_at((512, 384))
    assert (told.video_out_width, told.video_out_height, told.video_out_framerate) == (512, 384, 25)

    class Voice(FrameProcessor):
        async def process_frame(self, frame, direction) -> None:
            await super().process_frame(frame, direction)
            await self.push_frame(frame, direction)
            if isinstance(frame, StartFrame):
                for one in [*said(SECOND[:4800]), TTSStoppedFrame()]:
                    await self.push_frame(one)
                await self.push_frame(EndWorkerFrame(), FrameDirection.UPSTREAM)

    sink = Sink()
    asyncio.run(asyncio.wait_for(example.run("portrait.png", [], Voice(), sink), 60))
    np.testing.assert_array_equal(sound_of(sink.came)[:4800], SECOND[:4800])
