"""Films with sounds of others."""

from __future__ import annotations

from pathlib import Path

import av
import pytest


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
