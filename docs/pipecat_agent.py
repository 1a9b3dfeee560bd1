"""An agent in Pipecat with a face; its transport, ears, wits and voice are any of that framework.

pip install 'facediff[pipecat]', then call ``run`` with them.
"""

from __future__ import annotations

from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner

from facediff import Avatar
from facediff.agents.pipecat import PipecatAvatar

RATE, FPS = 24000, 25
FACE = {"size": 512, "fps": FPS}


def show_at(size: tuple[int, int]) -> TransportParams:
    """What a transport must know to show the face as it is."""
    width, height = size
    return TransportParams(
        audio_in_enabled=True, audio_out_enabled=True, audio_out_sample_rate=RATE, video_out_enabled=True,
        video_out_is_live=True, video_out_width=width, video_out_height=height, video_out_framerate=FPS,
    )  # fmt: skip


async def run(portrait: str, before: list[FrameProcessor], voice: FrameProcessor, out: FrameProcessor) -> None:
    """Speech recognition, a language model and whatever else lie before the voice; then the face, then the output."""
    face = PipecatAvatar(Avatar.from_image(portrait), sample_rate=RATE, **FACE)
    worker = PipelineWorker(Pipeline([*before, voice, face, out]), params=PipelineParams(audio_out_sample_rate=RATE))
    runner = WorkerRunner()
    await runner.add_workers(worker)
    await runner.run()
