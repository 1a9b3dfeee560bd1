"""Parts of a video, rendered apart, put one after the other without being coded anew. Knows no face."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av

from facediff.errors import MediaError
from facediff.media.sound import WAVE_RATE, SoundWriter, add_sound
from facediff.media.writing import check_target, container_options, output_errors
from facediff.system.containers import open_container
from facediff.system.files import follow_links, hidden_name
from facediff.types import SoundTrack, Wave

DELAY = 2  # frames by which x264's decoding runs ahead of showing; a part of one frame has none of its own


def join_videos(
    parts: Sequence[Path],
    path: str | Path,
    fps: Fraction,
    *,
    audio: Wave | None = None,
    audio_rate: int = WAVE_RATE,
    sound: SoundTrack | None = None,
    metadata: Mapping[str, str] | None = None,
    seal: Callable[[Path], object] | None = None,
) -> int:
    """Writes the video that parts make up, whole or not at all, and returns how many frames it has.

    Args:
        parts: Files that ``VideoWriter`` wrote with ``is_part``, all of one size and rate, in order.
        path: Where to; see ``VideoWriter``, as for the others.
        fps: Frames per second.
        audio: See ``path``.
        audio_rate: See ``path``.
        sound: See ``path``.
        metadata: See ``path``.
        seal: See ``path``.

    Raises:
        MediaError: A part is missing, damaged, or unlike the first.
        InputError, OutputError: As ``VideoWriter``.
    """
    path = Path(path)
    check_target(path)
    target = follow_links(path)
    partial = hidden_name(target, path.suffix)
    try:
        options = container_options(path, metadata)
        with output_errors(path), av.open(f"file:{partial}", "w", options=options) as container:
            container.metadata.update(metadata or {})
            count = _copy(parts, container, fps, lambda: add_sound(container, audio, audio_rate, sound))
        if seal is not None:
            seal(partial)
        with output_errors(path):
            os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return count


def _copy(
    parts: Sequence[Path],
    container: av.container.OutputContainer,
    fps: Fraction,
    make_sound: Callable[[], SoundWriter | None],
) -> int:
    stream: av.VideoStream | None = None
    sound: SoundWriter | None = None
    headers: bytes | None = None
    count = 0
    for part in parts:
        with _opened(part) as source:
            theirs = source.streams.video[0]
            if stream is None:
                headers = theirs.codec_context.extradata
                stream = container.add_stream_from_template(theirs)
                sound = make_sound()
            elif theirs.codec_context.extradata != headers:
                raise MediaError(f"{part} was coded otherwise than the parts before it")
            first = count
            for packet in source.demux(theirs):
                if packet.pts is None:  # the end
                    continue
                packet.pts, packet.dts = first + round(packet.pts * packet.time_base * fps), count - DELAY
                packet.duration, packet.time_base, packet.stream = 1, 1 / fps, stream
                container.mux(packet)
                count += 1
                if sound is not None:
                    sound.write_until(count / fps)
    if sound is not None:
        sound.finish()
    return count


def _opened(part: Path) -> av.container.InputContainer:
    try:
        source = open_container(part)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(f"the part {part} cannot be read") from error
    if not source.streams.video:
        source.close()
        raise MediaError(f"the part {part} holds no picture")
    return source
