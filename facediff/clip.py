"""A video that is rendered as it is read."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from facediff.errors import ConfigError, InputError
from facediff.media import VideoWriter, check_target
from facediff.media.captions import write_captions
from facediff.media.joining import join_videos
from facediff.media.sequences import SequenceWriter, frame_name
from facediff.options.keywords import takes_more
from facediff.options.marks import CAPTIONS, MarkOptions
from facediff.provenance import Record
from facediff.provenance.marker import file_marks, frame_marker, write_marked
from facediff.types import Frame, SoundTrack, Wave, Word

SHOWN_S = 20.0  # clips up to here are rendered where a notebook shows them
SOUND_RATE = 48000  # of the sound track of a clip; models listen at 16 kHz


@dataclass(frozen=True)
class Clip:
    """A video that is rendered as it is read.

    Attributes:
        fps: Frames per second.
        size: Width and height in pixels.
        frame_total: How many frames there will be.
        audio: Sound, mono, 48 kHz, float32 in [-1, 1]; None for a silent clip.
        preview_index: The frame that shows best what the clip will look like.
        is_tagged: Whether its file says how colours are coded; the dub of a file that does not does not either, so
            that players guess the same for both.
        record: How it was made, which goes into its file with a C2PA manifest; None for neither.
        sound: Where ``audio`` was heard, if in a video whose sound is kept: the file then gets it as it is there, with
            all its channels. It counts only as long as ``audio`` is what was heard there, or the beginning of it.
        words: When which word is heard, where a text was said.
        is_captioned: Whether captions of them are written beside the file.
        is_transparent: Whether frames are RGBA, with nothing behind the person.
        texts: What its file says beside how it was made, by FFmpeg's names: ``title``, ``artist``.
    """

    fps: Fraction
    size: tuple[int, int]
    frame_total: int
    audio: Wave | None
    render: Callable[[slice], Iterator[Frame]]
    preview_index: int = 0
    is_tagged: bool = True
    record: Record | None = None
    sound: SoundTrack | None = None
    words: tuple[Word, ...] = ()
    is_captioned: bool = False
    is_transparent: bool = False
    texts: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Frame]:
        """RGB frames (H, W, 3) uint8, RGBA where it is transparent, one chunk after the other; without any mark."""
        return self.render(slice(0, self.frame_total))

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Frames ``start`` to ``stop``, rendered without the others, as far as there are any; without any mark."""
        first, last, _ = slice(start, stop).indices(self.frame_total)
        return self.render(slice(first, last)) if first < last else iter(())

    def __len__(self) -> int:
        return self.frame_total

    def opening(self, seconds: float) -> Clip:
        """The first seconds of it, or all where it is shorter."""
        count = min(self.frame_total, max(1, round(seconds * self.fps)))
        audio = None if self.audio is None else self.audio[: round(count / self.fps * SOUND_RATE)]
        words = tuple(word for word in self.words if word.start < count / self.fps)
        return replace(
            self, frame_total=count, audio=audio, preview_index=min(self.preview_index, count - 1), words=words
        )

    def preview(self) -> Frame:
        """One frame, without rendering the others; as it is, without any mark: ``save_frame`` writes one with all."""
        return next(self.render(slice(self.preview_index, self.preview_index + 1)))

    def _repr_html_(self) -> str:
        """What a notebook shows: the clip as a video, or, of one that takes long to render, its best frame."""
        seconds = float(self.frame_total / self.fps)
        if seconds > SHOWN_S:
            with TemporaryDirectory() as folder:
                image = base64.b64encode(self.save_frame(Path(folder) / "frame.jpg").read_bytes()).decode()
            return (
                f'<img src="data:image/jpeg;base64,{image}" style="max-width: 100%"><p>A frame of a clip of '
                f"{seconds:.0f} s, which is not rendered yet: <code>clip.save('clip.mp4')</code></p>"
            )
        with TemporaryDirectory() as folder:
            kind = "webm" if self.is_transparent else "mp4"
            data = base64.b64encode(self.save(Path(folder) / f"clip.{kind}").read_bytes()).decode()
        return f'<video controls style="max-width: 100%" src="data:video/{kind};base64,{data}"></video>'

    @takes_more(MarkOptions)
    def save(
        self, path: str | Path, *, progress: Callable[[int, int], None] | None = None, options: MarkOptions
    ) -> Path:
        """Renders into a file; it appears when it is whole, and never in part.

        Args:
            path: mp4, mov, m4v or mkv; the last takes no C2PA manifest. A transparent clip is a webm, which takes none
                either, a mov, or, without an ending, a folder of PNG frames, with the sound beside them.
            progress: Called after each frame with the number done and the total.
            options: How it is marked; the record says so.

        Raises:
            InputError, OutputError: The path is of another kind, or cannot be written.
            ConfigError: The certificate of the user's own does not fit, the record is too long, a label cannot be
                drawn, or an authority gives no time stamp.
        """
        path = Path(path)
        check_target(path, is_transparent=self.is_transparent)
        marker = frame_marker(options, self.size)
        with self._open(path, options) as writer:
            for done, frame in enumerate(self, 1):
                writer.write(marker.mark(frame))
                if progress is not None:
                    progress(done, self.frame_total)
        if self.is_captioned:
            self.save_captions(path.with_suffix(CAPTIONS))
        return path

    def _open(self, path: Path, options: MarkOptions) -> VideoWriter | SequenceWriter:
        """What writes its frames to a path."""
        if self.is_transparent and not path.suffix:
            marks = file_marks(self.record, options, path / frame_name(0))
            return SequenceWriter(
                path, self.size, self.fps, audio=self.audio, audio_rate=SOUND_RATE,
                xmp=None if marks is None else marks.packet, seal=None if marks is None else marks.seal,
            )  # fmt: skip
        marks = file_marks(self.record, options, path)
        return VideoWriter(
            path, self.size, self.fps, audio=self.audio, audio_rate=SOUND_RATE, sound=self._kept_sound(),
            is_tagged=self.is_tagged, is_transparent=self.is_transparent,
            metadata={**self.texts, **({} if marks is None else marks.metadata)},
            seal=None if marks is None else marks.finish_video,
        )  # fmt: skip

    @takes_more(MarkOptions)
    def save_frame(self, path: str | Path, index: int | None = None, *, options: MarkOptions) -> Path:
        """Renders one frame into a picture that is marked as the video would be, and has its record.

        Args:
            path: png, jpg or webp.
            index: Which; from the end where it is below 0. By default the one that ``preview`` shows.
            options: How it is marked.

        Raises:
            InputError, OutputError, ConfigError: As in ``save``; or there is no such frame.
        """
        path = Path(path)
        if self.is_transparent and path.suffix.lower() in (".jpg", ".jpeg"):
            raise InputError(f"{path} holds no transparency; give a .png or a .webp")
        if index is None:
            frame = self.preview()
        elif -self.frame_total <= index < self.frame_total:
            first = index % self.frame_total
            frame = next(self.render(slice(first, first + 1)))
        else:
            raise InputError(f"there is no frame {index}; the clip has {self.frame_total}")
        write_marked(path, frame, self.record, options)
        return path

    @takes_more(MarkOptions)
    def save_part(self, path: str | Path, start: int, stop: int, *, options: MarkOptions) -> int:
        """Renders frames ``start`` to ``stop`` into a file of pictures alone, which ``join`` takes.

        Args:
            path: Where to.
            start: The first.
            stop: The one behind the last.
            options: How they are marked.

        Returns:
            How many there are; a file of no frames is empty.
        """
        path, count = Path(path), 0
        if not len(range(self.frame_total)[start:stop]):
            path.touch()
            return 0
        marker = frame_marker(options, self.size)
        with VideoWriter(path, self.size, self.fps, is_tagged=self.is_tagged, is_part=True) as writer:
            for frame in self.frames(start, stop):
                writer.write(marker.mark(frame))
                count += 1
        return count

    @takes_more(MarkOptions)
    def join(self, parts: Sequence[Path], path: str | Path, *, options: MarkOptions) -> int:
        """Writes the file that ``save`` would have written from what ``save_part`` made of all frames.

        Each part is coded on its own, so the frames differ from those of ``save`` as two codings do.

        Args:
            parts: In order.
            path: As in ``save``.
            options: As they were in ``save_part``.

        Returns:
            How many frames there are.

        Raises:
            MediaError: A part is missing, damaged, or unlike the first.
            InputError, OutputError, ConfigError: As in ``save``.
        """
        path = Path(path)
        marks = file_marks(self.record, options, path)
        filled = [part for part in parts if part.stat().st_size]
        count = join_videos(
            filled, path, self.fps, audio=self.audio, audio_rate=SOUND_RATE, sound=self._kept_sound(),
            metadata={**self.texts, **({} if marks is None else marks.metadata)},
            seal=None if marks is None else marks.finish_video,
        )  # fmt: skip
        if self.is_captioned:
            self.save_captions(path.with_suffix(CAPTIONS))
        return count

    def save_captions(self, path: str | Path) -> Path:
        """Writes when which word is heard as captions, WebVTT.

        Raises:
            ConfigError: The words are not known: only a text that was said has some.
            OutputError: The place cannot be written to.
        """
        if not self.words:
            raise ConfigError("captions are of a text that is said, and none is: give say")
        return write_captions(self.words, Path(path))

    def _kept_sound(self) -> SoundTrack | None:
        """Where its sound comes from, unless that has been replaced by another."""
        if self.sound is None or self.audio is None or not np.may_share_memory(self.audio, self.sound.wave):
            return None
        return self.sound
