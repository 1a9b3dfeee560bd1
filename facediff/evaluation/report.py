"""What is measured of a finished video, as one record: from its pixels and its sound, not from what made it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from facediff.audio.wave import SAMPLE_RATE, load_wave
from facediff.errors import InputError, NoFaceFound
from facediff.evaluation import faces, fidelity, lips, temporal
from facediff.landmarks.tracker import track_face, track_still
from facediff.media import VideoReader, read_image
from facediff.types import FaceTrack, Frame, Points, Wave

SAME_RATE = 0.02  # frames a second by which rates that mean the same may differ


def _of(says: str) -> float | None:
    figure: float | None = field(default=None, metadata={"says": says})
    return figure


@dataclass(frozen=True, kw_only=True)
class Report:
    """The figures of a video; None where there was nothing to measure one by.

    Attributes:
        frames: How many there are.
        fps: Of them in a second.
        seconds: Its length.
        size: Width and height in pixels.
        pose_std_deg: See ``facediff.evaluation.faces.pose_spread``.
        truth: The truth's own figures, which say what is good for this person and this sound.
    """

    frames: int
    fps: float
    seconds: float
    size: tuple[int, int]
    face_rate: float | None = _of("share of frames with a face")
    av_gap_ms: float | None = _of("difference of the lengths of picture and sound, 0 is best")
    sync_corr: float | None = _of("lips' opening against loudness, correlation at the best lag")
    sync_lag_ms: float | None = _of("that lag; positive is lips late, 0 is best")
    silence_ratio: float | None = _of("motion of the lips in silence over that in speech, 0 is best")
    blink_per_min: float | None = _of("blinks a minute; people blink 10 to 20 times")
    pose_std_deg: tuple[float, float, float] | None = field(
        default=None, metadata={"says": "spread of the head's yaw, pitch and roll"}
    )
    flicker: float | None = _of("second difference over time outside the face, of 255 levels; low is good")
    identity_ssim: float | None = _of("SSIM of the upper face with the portrait's, or the truth's first frame's")
    sharp_ratio: float | None = _of("detail of the mouth over the truth's, or the portrait's; 1 is as sharp")
    compared: int | None = field(default=None, metadata={"says": "frames that were compared with the truth's"})
    lmd_mouth: float | None = _of("distance of the mouth's landmarks from the truth's, % of the eye distance")
    lmd_face: float | None = _of("likewise, of all landmarks")
    aperture_corr: float | None = _of("lips' opening against the truth's, correlation")
    psnr: float | None = _of("dB, of the aligned face")
    psnr_mouth: float | None = _of("dB, of its mouth")
    ssim: float | None = _of("of the aligned face")
    truth: Report | None = None

    def to_dict(self) -> dict:
        """The figures by name, as JSON takes them, without those that are None."""
        found = {name: value for name, value in asdict(self).items() if value is not None and name != "truth"}
        return found if self.truth is None else {**found, "truth": self.truth.to_dict()}

    def to_json(self) -> str:
        """For programs."""
        return json.dumps(self.to_dict(), indent=2)

    def rows(self) -> Iterator[tuple[str, float | int | tuple, float | int | tuple | None, str]]:
        """Name, figure, the truth's own and what it means, of all that was measured."""
        for one in fields(self):
            value = getattr(self, one.name)
            if "says" in one.metadata and value is not None:
                yield one.name, value, getattr(self.truth, one.name, None), one.metadata["says"]


class TrackedVideo(NamedTuple):
    """A video file and the face in it."""

    reader: VideoReader
    track: FaceTrack

    @classmethod
    def read(cls, path: str | Path) -> TrackedVideo:
        """Finds the largest face of a video through all of its frames.

        Raises:
            MediaError, NoFaceFound: It cannot be read, or shows nobody.
        """
        reader = VideoReader(path)
        try:
            return cls(reader, track_face(reader, float(reader.info.fps), max_gap_s=0.0))
        except NoFaceFound as error:  # which of several files it was
            raise NoFaceFound(f"{reader.path}: {error}") from error


class Model(NamedTuple):
    """A picture of the face that a video should show."""

    picture: Frame
    points: Points


def evaluate(
    made: str | Path,
    *,
    truth: str | Path | None = None,
    speech: str | Path | None = None,
    portrait: str | Path | None = None,
) -> Report:
    """Measures a finished video.

    Args:
        made: The video.
        truth: What it should be, frame by frame over the common length.
        speech: What is said in it; its own sound by default.
        portrait: The picture that it was made of; the truth's first frame with a face by default.

    Raises:
        MediaError, AudioError: A file cannot be read.
        NoFaceFound: A file shows no face.
        InputError: Video and truth differ in their rates of frames.
    """
    video = TrackedVideo.read(made)
    sound = load_wave(made) if video.reader.info.has_audio else None
    wave = sound if speech is None else load_wave(speech)
    true = None if truth is None else TrackedVideo.read(truth)
    model = _model(portrait, true)
    figures = measure(video, wave, model)
    if sound is not None:
        figures["av_gap_ms"] = 1000 * abs(len(sound) / SAMPLE_RATE - figures["seconds"])
    if true is not None:
        figures.update(compare(video, true))
        figures["truth"] = Report(**measure(true, wave, _model(None, true)))
    return Report(**figures)


def measure(video: TrackedVideo, wave: Wave | None = None, model: Model | None = None) -> dict:
    """The figures that need no truth, by name: lips against sound, signs of life, flicker, likeness to a picture.

    Args:
        video: What is measured.
        wave: What is heard with it, at 16 kHz.
        model: What its face should look like.
    """
    reader, track = video
    sync = None if wave is None else lips.loudness_sync(track, wave)
    like = None if model is None else fidelity.likeness(reader, track, *model)
    return {
        "frames": len(track),
        "fps": float(reader.info.fps),
        "seconds": len(track) / float(reader.info.fps),
        "size": (reader.info.width, reader.info.height),
        "face_rate": faces.face_rate(track),
        "sync_corr": sync and sync.correlation,
        "sync_lag_ms": sync and sync.lag_ms,
        "silence_ratio": None if wave is None else lips.silence_ratio(track, wave),
        "blink_per_min": faces.blinks_per_minute(track),
        "pose_std_deg": faces.pose_spread(track),
        "flicker": temporal.flicker(reader, track),
        "identity_ssim": like and like.upper_face,
        "sharp_ratio": like and like.sharpness,
    }


def compare(video: TrackedVideo, truth: TrackedVideo) -> dict:
    """The figures against a truth, by name.

    Raises:
        InputError: They differ in their rates of frames.
    """
    rates = [float(one.reader.info.fps) for one in (video, truth)]
    if abs(rates[0] - rates[1]) > SAME_RATE:
        raise InputError(
            f"{video.reader.path.name} has {rates[0]:g} frames a second and {truth.reader.path.name} {rates[1]:g}, so "
            "they cannot be compared frame by frame; give a truth of the same rate"
        )
    apart = faces.landmark_distance(video.track, truth.track)
    near = fidelity.fidelity(video.reader, video.track, truth.reader, truth.track)
    return {
        "compared": min(len(video.track), len(truth.track)),
        "lmd_mouth": apart and apart.mouth,
        "lmd_face": apart and apart.face,
        "aperture_corr": lips.aperture_correlation(video.track, truth.track),
        "psnr": near and near.psnr,
        "psnr_mouth": near and near.psnr_mouth,
        "ssim": near and near.ssim,
        "sharp_ratio": near and near.sharpness,
    }


def _model(portrait: str | Path | None, truth: TrackedVideo | None) -> Model | None:
    if portrait is not None:
        picture = read_image(portrait)
        return Model(picture, track_still(picture, "largest", where=str(portrait)).points[0])
    if truth is None:
        return None
    first = int(faces.seen(truth.track).argmax())
    return Model(next(islice(truth.reader, first, None)), truth.track.points[first])
