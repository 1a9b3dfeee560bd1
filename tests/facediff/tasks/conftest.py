"""A video to direct, and films with sounds of others."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from facediff import Avatar
from facediff.media import VideoWriter
from tests.portraits import plain


@pytest.fixture(scope="session")
def video(tmp_path_factory) -> Avatar:
    """Five frames of a face that moves aside."""
    path = tmp_path_factory.mktemp("video") / "me.mp4"
    with VideoWriter(path, (256, 256), Fraction(25)) as writer:
        for shift in range(5):
            writer.write(np.roll(plain(), shift, axis=1))
    return Avatar.from_video(path, device="cpu")


@pytest.fixture(scope="session")
def remux():
    """What makes a film of the picture of one and all sounds of another; see ``_remux``."""
    return _remux


def _remux(picture: Path, sounds: Path, out: Path) -> Path:
    with av.open(str(picture)) as seen, av.open(str(sounds)) as heard, av.open(str(out), "w") as container:
        own = {stream: container.add_stream_from_template(stream) for stream in seen.streams.video[:1]}
        added = {stream: container.add_stream_from_template(stream) for stream in heard.streams.audio}
        for streams in (own, added):
            for packet in next(iter(streams)).container.demux(*streams):
                if packet.pts is not None:
                    packet.stream = streams[packet.stream]
                    container.mux(packet)
    return out
