"""Frames of two fields, of two moments, made into frames of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av

# Motion-adaptive (https://ffmpeg.org/ffmpeg-filters.html#bwdif), one frame for a frame; what is flagged progressive
# passes as it is. The order of the fields is read off each frame.
_FILTER = ("bwdif", "mode=send_frame:parity=auto:deint=interlaced")


def deinterlace(frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """The same frames, whole ones where they come as two fields; a film without fields passes untouched."""
    graph: av.filter.Graph | None = None
    kind: tuple[object, ...] = ()
    for frame in frames:
        if graph is None and not frame.interlaced_frame:
            yield frame
            continue
        is_new = (frame.width, frame.height, frame.format.name)
        if graph is None or is_new != kind:
            if graph is not None:
                yield from _drained(graph)
            kind, graph = is_new, _graph(frame)
        graph.vpush(frame)
        yield from _pulled(graph)
    if graph is not None:
        yield from _drained(graph)


def _graph(frame: av.VideoFrame) -> av.filter.Graph:
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1, 1000)
    )
    graph.link_nodes(source, graph.add(*_FILTER), graph.add("buffersink"))
    graph.configure()
    return graph


def _drained(graph: av.filter.Graph) -> Iterator[av.VideoFrame]:
    graph.vpush(None)
    yield from _pulled(graph)


def _pulled(graph: av.filter.Graph) -> Iterator[av.VideoFrame]:
    """What is ready; the filter looks one frame ahead."""
    while True:
        try:
            yield graph.vpull()
        except (BlockingIOError, EOFError):  # FFmpeg's EAGAIN and EOF
            return
