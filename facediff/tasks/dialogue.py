"""How several people of one picture speak, each for themselves, and their sounds together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from facediff.audio.wave import SAMPLE_RATE, load_wave
from facediff.clip import SOUND_RATE, Clip
from facediff.errors import ConfigError, NoFaceFound
from facediff.landmarks.detection import MIN_EYES_PX, eye_distance, find_faces
from facediff.landmarks.tracker import track_still
from facediff.options import TalkOptions
from facediff.options.speakers import choose_faces, read_speakers
from facediff.rendering.frame import add_matte
from facediff.rendering.source import Source
from facediff.rendering.warping import make_warper
from facediff.tasks.lengths import fit_wave
from facediff.tasks.model_choice import ModelChoice
from facediff.tasks.talk import make_talk
from facediff.types import FaceTrack, Frame, Wave

FEATHER = 0.25  # eye distances from the line between two heads within which one passes into the other
HEAD = 1.3  # eye distances from the middle of a face to the end of its hair


def find_people(source: Source) -> list[FaceTrack]:
    """The faces of a picture that are large enough to speak, from left to right.

    Raises:
        ConfigError: It is a video.
        NoFaceFound: There is none.
    """
    if not source.is_still:
        raise ConfigError("speakers are the people of one picture, and this is a video; give a picture")
    picture = source.frame(0)
    faces = find_faces(picture)
    tracks = [
        track_still(picture, index, where=source.name)
        for index, mesh in enumerate(faces)
        if eye_distance(mesh) >= MIN_EYES_PX
    ]
    if not tracks:
        raise NoFaceFound(f"no face in {source.name} is large enough to speak; give a larger picture")
    return tracks


def make_dialogue(source: Source, tracks: Sequence[FaceTrack], models: ModelChoice, options: TalkOptions) -> Clip:
    """A clip, without a record, in which several people of a picture speak; who is given nothing listens.

    Args:
        source: The picture.
        tracks: Its faces, from left to right.
        models: With what.
        options: How; each gets a seed of their own, one after the other.

    Raises:
        ConfigError: There is no such face, or two voices are for one.
        AudioError: A sound cannot be used.
    """
    files = choose_faces(read_speakers(options.speakers), len(tracks))
    spoken = {index: load_wave(path, track=options.track) for index, path in files.items()}
    sounds = [load_wave(path, sample_rate=SOUND_RATE, track=options.track) for path in files.values()]
    samples = max(map(len, spoken.values()))
    clips = []
    for index, track in enumerate(tracks):
        wave = fit_wave(spoken.get(index, np.zeros(1, np.float32)), samples)
        own = replace(options, speakers=None, track=None, seed=(options.seed + index) % 2**63)
        warper = make_warper(replace(source, track=track), models.load_inpainter())
        clips.append(make_talk(warper, wave, models, own))
    shares, picture = _share_out(tracks), add_matte(source.frame(0), source.matte).astype(np.float32)

    def render(part: slice) -> Iterator[Frame]:
        for frames in zip(*(clip.render(part) for clip in clips), strict=True):
            moved = sum(share * (frame - picture) for share, frame in zip(shares, frames, strict=True))
            yield np.rint(picture + moved).clip(0, 255).astype(np.uint8)

    speaking = min(files)
    return replace(clips[speaking], render=render, audio=_mix(sounds, round(samples / SAMPLE_RATE * SOUND_RATE)))


def _share_out(tracks: Sequence[FaceTrack]) -> list[NDArray[np.float32]]:
    """For each face (H, W, 1) how much of a picture is its own: what is nearer to its head and hair than to others."""
    width, height = tracks[0].size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    middles = [track.points[0, :, :2].mean(axis=0) for track in tracks]
    units = [float(eye_distance(track.points[0])) for track in tracks]
    away = np.stack([np.hypot(x - cx, y - cy) - HEAD * unit for (cx, cy), unit in zip(middles, units, strict=True)])
    nearness = np.exp((away.min(axis=0) - away) / (FEATHER * min(units)))
    return list((nearness / nearness.sum(axis=0))[..., None])


def _mix(sounds: Sequence[Wave], samples: int) -> Wave:
    """Sounds at once, no louder than a file can be."""
    mixed = np.sum([fit_wave(sound, samples) for sound in sounds], axis=0)
    return (mixed / max(1.0, float(np.abs(mixed).max(initial=0.0)))).astype(np.float32)
