"""Video with sound, H.264 or with transparency, written whole or not at all. Knows no face."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av

from facediff.errors import InputError, OutputError
from facediff.media.codings import OUTPUT_SUFFIXES as OUTPUT_SUFFIXES
from facediff.media.codings import Coding, check_suffix, h264, transparent_coding
from facediff.media.colour import Converter, from_rgb
from facediff.media.sound import WAVE_RATE, SoundWriter, add_sound
from facediff.system.files import follow_links, hidden_name
from facediff.types import Frame, SoundTrack, Wave

_BT709 = 1  # ITU-T H.273
_MATRICES = {"bt601": 6, "bt709": _BT709}
_VIDEO_RANGE = 1
XMP_TEXT = "xmp"  # by which FFmpeg puts a packet among the user data of a mov
CARRIED_TEXTS = ("title", "artist", "album", "composer", "date", "genre", "copyright", "description")  # mp4 knows them
_KNOWN_TEXTS = {"comment", XMP_TEXT, *CARRIED_TEXTS}


def check_target(path: str | Path, *, is_transparent: bool = False) -> None:
    """Refuses a name that no video can be written to, before work is put into it; makes its folder.

    Args:
        path: The name; of a transparent video it may be that of a folder to be.
        is_transparent: Whether its frames are.

    Raises:
        InputError: The name's ending says nothing that is written, or that holds no transparency.
        OutputError: The place cannot be written to.
    """
    path = Path(path)
    check_suffix(path, is_transparent=is_transparent)
    if is_transparent and not path.suffix and path.exists():
        raise OutputError(f"{path} is there already; choose another name for the folder of frames")
    if path.is_dir():
        raise OutputError(f"{path} is a folder; give the name of a file")
    with output_errors(path):
        trial = hidden_name(follow_links(path), path.suffix)
        trial.parent.mkdir(parents=True, exist_ok=True)
        trial.touch(exist_ok=False)
        trial.unlink()


def container_options(path: Path, metadata: Mapping[str, str] | None = None) -> dict[str, str]:
    """FFmpeg's options of a container: the index goes to the front, so that playing can start early.

    Texts under names that mp4 and mov do not know are kept in their table of keys, and then all are.
    """
    if path.suffix.lower() in (".mkv", ".webm"):
        return {}
    has_keys = not set(metadata or ()) <= _KNOWN_TEXTS
    return {"movflags": "+faststart+use_metadata_tags" if has_keys else "+faststart"}


class VideoWriter:
    """Writes video, H.264 unless it is transparent, with sound, in one go: the file appears when it is whole.

    It is written under a temporary name in the same folder, or in that of the file that a link points to; the link
    stays. If anything goes wrong, Ctrl-C included, nothing is left. Odd sizes lose their last row or column, since
    H.264 with 4:2:0 colour wants even ones. A wave is cut or filled with silence to the length of the picture, and a
    sound that is copied is cut.

    Colours are coded with the matrix of BT.601 and say so: programs that read the tags and those that assume that
    matrix whatever the file says (OpenCV, swscale's defaults) then see the same. ProRes is of BT.709 and always says
    so, for editors assume that.

    Args:
        path: Where to; mp4, mov, m4v or mkv. Its folder is made.
        size: Width and height in pixels.
        fps: Frames per second.
        audio: Mono sound, float32 in [-1, 1], or None.
        audio_rate: Its samples per second.
        sound: Where it comes from: it is copied as it is there, with all its channels, and ``audio`` is not
            written. It is coded anew only where the container does not hold its codec.
        crf: Quality, 0 (lossless) to 51; 12 keeps even grain.
        preset: x264's trade of time for size.
        is_tagged: Say how colours are coded. A dub of a file that does not say had better not either: players then
            make the same guess for both.
        metadata: Texts for the container, by their FFmpeg names.
        seal: Called with the finished file before it appears under its name, to change it in place.
        is_part: Code it so that ``join_videos`` can put it beside other parts.
        is_transparent: Frames are RGBA, not multiplied by their opacity: VP9 in a webm, ProRes 4444 in a mov.

    Raises:
        InputError: The name ends in something else, or the size is below 2 by 2.
        OutputError: The place cannot be written to.
    """

    def __init__(
        self,
        path: str | Path,
        size: tuple[int, int],
        fps: Fraction,
        *,
        audio: Wave | None = None,
        audio_rate: int = WAVE_RATE,
        sound: SoundTrack | None = None,
        crf: int = 12,
        preset: str = "veryfast",
        is_tagged: bool = True,
        metadata: Mapping[str, str] | None = None,
        seal: Callable[[Path], object] | None = None,
        is_part: bool = False,
        is_transparent: bool = False,
    ) -> None:
        self.path = Path(path)
        check_target(self.path, is_transparent=is_transparent)
        if min(size) < 2:
            raise InputError(f"a video of {size[0]}x{size[1]} pixels cannot be written; it takes 2x2 at least")
        self._size = (size[0] // 2 * 2, size[1] // 2 * 2)
        self._fps, self._count, self._seal = Fraction(fps), 0, seal
        coding = transparent_coding(self.path) if is_transparent else h264(crf, preset, is_part=is_part)
        self._converter = Converter(self._size, coding.pixel_format, coding.matrix)
        self._channels = 4 if coding.has_alpha else 3
        self._tags = (_MATRICES[coding.matrix], _BT709, _BT709) if is_tagged or coding.matrix == "bt709" else None
        self._target = follow_links(self.path)
        self._partial = hidden_name(self._target, self.path.suffix)
        self._sound: SoundWriter | None = None
        with output_errors(self.path):
            self._container = av.open(f"file:{self._partial}", "w", options=container_options(self.path, metadata))
        try:
            self._container.metadata.update(metadata or {})
            self._video = self._add_video(coding)
            self._sound = add_sound(self._container, audio, audio_rate, sound)
        except BaseException:
            self._discard()
            raise

    def _add_video(self, coding: Coding) -> av.VideoStream:
        stream = self._container.add_stream(coding.codec, rate=self._fps)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = self._size
        stream.pix_fmt = coding.pixel_format
        stream.options = dict(coding.options)
        if coding.has_alpha:
            stream.metadata["alpha_mode"] = "1"
        context = stream.codec_context
        context.thread_count = 2
        context.time_base = 1 / self._fps
        context.color_range = _VIDEO_RANGE
        if self._tags is not None:
            context.colorspace, context.color_primaries, context.color_trc = self._tags
        return stream

    def write(self, frame: Frame) -> None:
        """Append one frame (H, W, 3) uint8, RGB, of the size promised; (H, W, 4) where it is transparent."""
        width, height = self._size
        if frame.shape[0] // 2 * 2 != height or frame.shape[1] // 2 * 2 != width:
            raise InputError(f"a frame of {frame.shape[1]}x{frame.shape[0]} pixels came to a video of {width}x{height}")
        if frame.shape[2] != self._channels:
            raise InputError(f"a frame of {frame.shape[2]} channels came to a video of {self._channels}")
        with output_errors(self.path):
            picture = from_rgb(self._converter, frame[:height, :width])
            picture.pts, picture.time_base = self._count, 1 / self._fps
            if self._tags is not None:  # ProRes has tags in each frame, and takes them from it
                picture.colorspace, picture.color_primaries, picture.color_trc = self._tags
            self._container.mux(self._video.encode(picture))
            self._count += 1
            if self._sound is not None:
                self._sound.write_until(self._count / self._fps)

    def _finish(self) -> None:
        if not self._count:
            raise OutputError(f"no frame was made, so {self.path} was not written")
        with output_errors(self.path):
            self._container.mux(self._video.encode(None))
            if self._sound is not None:
                self._sound.finish()
            self._container.close()
            if self._seal is not None:
                self._seal(self._partial)
            os.replace(self._partial, self._target)

    def _discard(self) -> None:
        with contextlib.suppress(Exception):
            self._container.close()
        if self._sound is not None:
            self._sound.close()
        self._partial.unlink(missing_ok=True)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._discard()


@contextlib.contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """What the system or the encoder complains of, as one sentence."""
    try:
        yield
    except OutputError:
        raise
    except (av.FFmpegError, OSError) as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise OutputError(f"{path} cannot be written: {reason}") from error
