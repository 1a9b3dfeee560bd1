"""A video that is to be measured, with all that is known of it; each thing is found at its first use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, TypeVar

import numpy as np

from facediff.audio.wave import load_wave
from facediff.errors import FaceDiffError, InputError, NoFaceFound
from facediff.evaluation.feature_cache import Arrays, FeatureCache, content_hash
from facediff.evaluation.screening import Screening, Shown, at_once
from facediff.landmarks.tracker import track_face, track_still
from facediff.media import VideoReader, read_image
from facediff.types import FaceTrack, Frame, Points, Wave

T = TypeVar("T")
SAME_RATE = 0.02  # frames a second by which rates that mean the same may differ


class TrackedVideo(NamedTuple):
    """A video file and the face in it."""

    reader: VideoReader
    track: FaceTrack

    @classmethod
    def read(cls, path: str | Path, cache: FeatureCache | None = None) -> TrackedVideo:
        """Finds the largest face of a video through all of its frames.

        Raises:
            MediaError, NoFaceFound: It cannot be read, or shows nobody.
        """
        reader = VideoReader(path)
        fps = float(reader.info.fps)

        def find() -> Arrays:
            track = track_face(reader, fps, max_gap_s=0.0)
            return {"points": track.points, "presence": track.presence, "size": np.array(track.size)}

        try:
            kept = (cache or FeatureCache(None)).arrays(reader.path, "track", find)
        except NoFaceFound as error:  # which of several files it was
            raise NoFaceFound(f"{reader.path}: {error}") from error
        width, height = kept["size"].tolist()
        return cls(reader, FaceTrack(kept["points"], kept["presence"], (width, height), fps))


class Model(NamedTuple):
    """A picture of the face that a video should show."""

    picture: Frame
    points: Points


@dataclass(frozen=True, kw_only=True)
class Item:
    """What is to be measured, by the names of files.

    Attributes:
        made: The video.
        truth: What it should be, frame by frame over the common length.
        speech: What is said in it; its own sound by default.
        portrait: The picture that it was made of; the truth's first frame with a face by default.
        text: What it should show, in words.
    """

    made: Path
    truth: Path | None = None
    speech: Path | None = None
    portrait: Path | None = None
    text: str | None = None

    @property
    def key(self) -> str:
        """The content of all of it, so that what was measured can be found again."""
        files = (self.made, self.truth, self.speech, self.portrait)
        return " ".join("" if path is None else content_hash(path) for path in files) + f" {self.text or ''}"


@dataclass(frozen=True)
class Kit:
    """What all cases of a run share.

    Attributes:
        cache: Of features.
        weights: Published weights by name: a path, or a name on a hub where they have one.
        model: ``base``, or a model folder whose codec, identity encoder and sync network judge.
    """

    cache: FeatureCache = field(default_factory=lambda: FeatureCache(None))
    weights: Mapping[str, str] = field(default_factory=dict)
    model: str | Path = "base"
    _truths: dict[tuple, Case] = field(default_factory=dict, compare=False, repr=False)
    _networks: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    _opening: Lock = field(default_factory=Lock, compare=False, repr=False)

    def network(self, name: str, load: Callable[[str], T]) -> T:
        """A network of published weights, opened at its first use; one that needs no path is given an empty one."""
        with self._opening:
            if name not in self._networks:
                self._networks[name] = load(self.weights.get(name, ""))
            found: T = self._networks[name]
        return found

    def truth_of(self, item: Item) -> Case | None:
        """The case of an item's truth, which says the same; that of the last is kept, since samples share theirs."""
        if item.truth is None:
            return None
        key = (item.truth, item.speech or item.made, item.text)
        if key not in self._truths:
            self._truths.clear()
            speech = item.speech or (item.made if VideoReader(item.made).info.has_audio else None)
            self._truths[key] = Case(Item(made=item.truth, speech=speech, text=item.text), self)
        return self._truths[key]


class Case:
    """A video that is to be measured.

    Args:
        item: Its files.
        kit: What all cases share.
    """

    def __init__(self, item: Item, kit: Kit | None = None) -> None:
        self.item, self.kit = item, kit or Kit()
        self._found: dict[Callable, object] = {}
        self._shown: Shown | None = None

    def once(self, work: Callable[[Case], T]) -> T:
        """What a function finds of this case, at its first use; a refusal is raised again at the next ones."""
        if work not in self._found:
            try:
                self._found[work] = work(self)
            except FaceDiffError as error:
                self._found[work] = error
        found = self._found[work]
        if isinstance(found, FaceDiffError):
            raise found
        return found  # type: ignore[return-value]

    def see(self, works: Iterable[Callable[[Case], Any]]) -> None:
        """Asks all of it once, and its truth likewise; both are read one time for the face and one for all works.

        Raises:
            MediaError: One of them cannot be read.
        """
        cases = [self] if self.truth is None else [self, self.truth]
        readers = [case.reader for case in cases]
        at_once([partial(getattr, case, "length") for case in cases])
        screening = Screening()
        try:
            for case, reader in zip(cases, readers, strict=True):
                case._shown = screening.show(reader)
            screening.run([
                partial(_ask, case, work) for work in dict.fromkeys(works) for case in cases if work not in case._found
            ])  # fmt: skip
        finally:
            for case in cases:
                case._shown = None

    def arrays(self, name: str, find: Callable[[], Arrays]) -> Arrays:
        """What is kept of its video by that name, or found now."""
        return self.kit.cache.arrays(self.item.made, name, find)

    @property
    def name(self) -> str:
        """Of its file."""
        return self.item.made.name

    @cached_property
    def reader(self) -> VideoReader:
        """Its frames."""
        return VideoReader(self.item.made)

    @property
    def frames(self) -> VideoReader | Shown:
        """Its frames, for works that ``see`` may ask."""
        return self._shown or self.reader

    @property
    def fps(self) -> float:
        """Frames a second."""
        return float(self.reader.info.fps)

    @property
    def track(self) -> FaceTrack:
        """The face in it.

        Raises:
            NoFaceFound: It shows nobody.
        """
        return self.once(_tracked).track

    @cached_property
    def length(self) -> int:
        """How many frames it has, whether they show a face or not."""
        try:
            return len(self.track)
        except NoFaceFound:
            return sum(1 for _ in self.reader)

    @cached_property
    def sound(self) -> Wave | None:
        """Its own sound at 16 kHz; None where it has none."""
        return load_wave(self.item.made) if self.reader.info.has_audio else None

    @cached_property
    def wave(self) -> Wave | None:
        """What is said in it, at 16 kHz."""
        return self.sound if self.item.speech is None else load_wave(self.item.speech)

    @cached_property
    def truth(self) -> Case | None:
        """The video that it should be."""
        return self.kit.truth_of(self.item)

    def against(self) -> Case:
        """Its truth, with which it can be compared frame by frame.

        Raises:
            InputError: There is none, or it has another rate of frames.
        """
        if self.truth is None:
            raise InputError(f"{self.name} has no truth; give one")
        if abs(self.fps - self.truth.fps) > SAME_RATE:
            raise InputError(
                f"{self.name} has {self.fps:g} frames a second and its truth, {self.truth.item.made}, "
                f"{self.truth.fps:g}, so they cannot be compared frame by frame; give a truth of the same rate"
            )
        return self.truth

    @property
    def model(self) -> Model | None:
        """The picture that it should look like: its portrait, or the truth's first frame with a face, or its own."""
        return self.once(_model)


def _ask(case: Case, work: Callable[[Case], Any]) -> None:
    with suppress(FaceDiffError):  # which is raised again at the next use
        case.once(work)


def _tracked(case: Case) -> TrackedVideo:
    return TrackedVideo.read(case.item.made, case.kit.cache)


def _model(case: Case) -> Model | None:
    if case.item.portrait is not None:
        picture = read_image(case.item.portrait)
        points = track_still(picture, "largest", where=str(case.item.portrait)).points[0]
        return Model(picture, points)
    of = case.truth or case
    first = int(of.track.seen.argmax())
    return Model(next(islice(of.reader, first, None)), of.track.points[first])
