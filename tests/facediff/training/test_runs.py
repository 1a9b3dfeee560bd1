"""Runs of a clip whose face speaks and of one that shows it without a sound."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from facediff.audio.encoder import LogMelEncoder
from facediff.audio.wave import load_wave
from facediff.datasets.footage import read_footage
from facediff.datasets.recordings import Recording
from facediff.landmarks.alignment import MOUTH, align
from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.tracker import track_face
from facediff.media import VideoReader
from facediff.models.codec import FaceCodec
from facediff.training import runs as module
from facediff.training.faces import WIDE, Moment
from facediff.training.pairs import Pair, pair_moments
from facediff.training.runs import FRAMES, ClipRuns, build_runs

pytestmark = pytest.mark.usefixtures("one_thread")
TALK, QUIET, COFFEE = "talk.mp4", "more/quiet.mp4", "coffee.mp4"


@pytest.fixture(scope="module")
def codec() -> FaceCodec:
    torch.manual_seed(0)
    return FaceCodec(4, 8, 8, (1, 1), (1, 1)).eval()


@pytest.fixture(scope="module")
def clips(footage) -> list[Recording]:
    return read_footage(footage)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@dataclass(frozen=True)
class Made:
    """A pair with the moments that it was made of."""

    shown: Moment
    known: Moment
    pair: Pair


@pytest.fixture(scope="module")
def made() -> list[list[Made]]:
    """What the runs were made of, run by run, in order: three of the quiet clip, nine of the one that talks."""
    return []


@pytest.fixture(scope="module")
def runs(clips, cache, codec, made) -> dict[str, ClipRuns]:
    flat: list[Made] = []

    def watched(shown: Moment, known: Moment, rng: np.random.Generator) -> Pair:
        flat.append(Made(shown, known, pair_moments(shown, known, rng)))
        return flat[-1].pair

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "pair_moments", watched)
        known = build_runs(clips, cache, codec, LogMelEncoder())
    made += [flat[k : k + FRAMES] for k in range(0, len(flat), FRAMES)]
    return known


def test_runs_follow_one_another_and_clips_without_a_face_are_left_out(runs) -> None:
    assert set(runs) == {TALK, QUIET}
    assert runs[TALK].start.tolist() == list(range(0, 72, FRAMES))
    assert runs[QUIET].start.tolist() == [0, 8, 16]


def test_shapes_are_those_of_the_docstring(runs) -> None:
    width, height = MOUTH.size
    got = {name: (getattr(runs[QUIET], name).shape, getattr(runs[QUIET], name).dtype) for name in
           ClipRuns.__annotations__}  # fmt: skip
    latents = ((3, FRAMES, 4, height // 8, width // 8), np.float16)
    assert got == {
        "target": latents,
        "masked": latents,
        "reference": latents,
        "mask": ((3, FRAMES, 1, height // 8, width // 8), np.uint8),
        "lips": ((3, FRAMES, 2, height // 2, width // 2), np.uint8),
        "points": ((3, FRAMES, 478, 3), np.float16),
        "rotation": ((3, FRAMES, 3, 3), np.float32),
        "window": ((3, FRAMES, 32, 80), np.float16),
        "start": ((3,), np.int64),
    }


def test_latents_are_the_codecs_of_the_pairs(runs, made, codec) -> None:
    for number in (0, 2):
        pairs = [one.pair for one in made[number]]
        for name, pictures in (
            ("target", [pair.target for pair in pairs]),
            ("reference", [pair.reference for pair in pairs]),
            ("masked", [np.where(pair.mask[..., None] > 0, 127.5, pair.target) for pair in pairs]),
        ):
            images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
            with torch.no_grad():
                wanted = codec.encode(images)
            np.testing.assert_allclose(getattr(runs[QUIET], name)[number], wanted, atol=3e-3)


def place_of(one: Made) -> tuple[float, float, float]:
    """Zoom and shift from the crop to the window."""
    own, there = one.shown.points, one.pair.points
    zoom = np.linalg.norm(there[33] - there[263]) / np.linalg.norm(own[33] - own[263])
    return (zoom, *(there[1, :2] - zoom * own[1, :2]))


def test_a_run_is_of_frames_in_a_row(runs, made, clips) -> None:
    assert [len(one) for one in made] == [FRAMES] * 12
    quiet = next(clip for clip in clips if clip.name == QUIET)
    track = track_face(VideoReader(quiet.path), 25.0)
    _, pose = canonicalise(track.points)
    alignment = align(pose, WIDE)
    for start, moments in zip((0, 8, 16), made, strict=False):
        for row, one in enumerate(moments, start=start):
            np.testing.assert_allclose(one.shown.points[:, :2], alignment.to_crop(track.points[row], row), atol=0.2)
    rotation = np.array([[one.shown.rotation for one in moments] for moments in made[:3]])
    np.testing.assert_allclose(runs[QUIET].rotation, rotation, atol=1e-5)


def test_a_run_keeps_its_reference_its_place_and_its_reach(runs, made) -> None:
    places = np.array([[place_of(one) for one in moments] for moments in made])
    assert np.ptp(places, axis=1).max() < 0.01
    assert (np.ptp(places[:, 0], axis=0) > [0.05, 2, 2]).all()
    assert all(len({id(one.known) for one in moments}) == 1 for moments in made)
    assert len({id(moments[0].known) for moments in made}) > 6
    covered = np.array([[(one.pair.mask > 0).mean() for one in moments] for moments in made])
    assert np.ptp(covered, axis=1).max() < 0.5 * np.ptp(covered)  # a mouth that opens moves it too, but by less


def test_the_reference_is_of_another_time(made) -> None:
    for moments in made:
        apart = [np.abs(one.shown.points - one.known.points).max() for one in moments]
        assert min(apart) > 0


def test_each_frame_has_the_sound_of_its_time_and_silence_where_there_is_none(runs, footage) -> None:
    heard = LogMelEncoder().encode(load_wave(footage / TALK), 25.0, 72)
    for number in (0, 5):
        np.testing.assert_allclose(runs[TALK].window[number], heard[8 * number : 8 * number + 8], atol=0.01)
    assert not runs[QUIET].window.any()


def test_rotations_are_rotations_and_points_are_in_eye_distances(runs) -> None:
    rotation = runs[TALK].rotation.reshape(-1, 3, 3)
    np.testing.assert_allclose(rotation @ rotation.transpose(0, 2, 1), np.broadcast_to(np.eye(3), rotation.shape),
                               atol=1e-4)  # fmt: skip
    points = runs[TALK].points.astype(np.float32)
    eyes = np.linalg.norm(points[:, :, 33] - points[:, :, 263], axis=-1)
    assert eyes.min() > 0.8 and eyes.max() < 1.2
    assert np.abs(points[:, :, [13, 14], :2]).max() < 0.3  # lips are at the window's anchor


def test_what_is_masked_is_the_mouth(runs) -> None:
    for row in range(len(runs[QUIET])):
        lips = runs[QUIET].lips[row, :, 0].reshape(FRAMES, 16, 4, 20, 4).max(axis=(2, 4)) > 128
        assert (runs[QUIET].mask[row, :, 0][lips] == 255).all()
        assert (runs[QUIET].mask[row] == 0).any(axis=(1, 2, 3)).all()  # something is left to see


def test_a_batch_is_frames_first_and_in_floating_point(runs) -> None:
    batch = runs[TALK].batch([4, 1])
    assert set(batch) == set(ClipRuns.__annotations__) - {"start"}
    assert {part.dtype for part in batch.values()} == {torch.float32} and {len(p) for p in batch.values()} == {16}
    np.testing.assert_array_equal(batch["target"][:8].half(), runs[TALK].target[4])
    np.testing.assert_array_equal(batch["window"][8:].half(), runs[TALK].window[1])
    assert batch["mask"].max() == 1 and batch["lips"].max() == 1
    some = runs[TALK].rows(slice(2, 5))
    assert len(some) == 3 and some.start.tolist() == [16, 24, 32]
    np.testing.assert_array_equal(some.batch([1])["points"].half(), runs[TALK].points[3])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_is_made_is_not_made_again(runs, clips, cache, codec, monkeypatch) -> None:
    def never(*_) -> None:
        raise AssertionError("it was made before")

    before = {path: os.stat(path).st_mtime_ns for path in cache.rglob("*.npy")}
    monkeypatch.setattr(module, "_make", never)
    told = []
    again = build_runs(clips, cache, codec, LogMelEncoder(), progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert {path: os.stat(path).st_mtime_ns for path in cache.rglob("*.npy")} == before
    np.testing.assert_array_equal(again[TALK].target, runs[TALK].target)


def test_what_was_cut_off_is_made_anew_and_the_same(runs, clips, cache, codec, tmp_path) -> None:
    """A clip's folder has its name only once it is whole."""

    class Killed(Exception):
        pass

    def killed(done: int, total: int) -> None:
        if done == 2:
            raise Killed

    assert clips[1].name == QUIET
    with pytest.raises(Killed):
        build_runs(clips[:2], tmp_path, codec, LogMelEncoder(), progress=killed)
    (made,) = (tmp_path / "runs").glob("more__quiet*")
    partial = made.with_name(made.name + ".partial")
    made.rename(partial)
    (partial / "target.npy").write_bytes(b"half of it")
    again = build_runs(clips[:2], tmp_path, codec, LogMelEncoder())
    assert set(again) == {QUIET} and not partial.exists()
    assert contents(made) == contents(cache / "runs" / made.name)


def test_runs_of_a_person_can_be_limited_and_seeds_give_others(runs, clips, codec, tmp_path) -> None:
    quiet = [clip for clip in clips if clip.name == QUIET]
    few = build_runs(quiet, tmp_path / "few", codec, LogMelEncoder(), per_identity=2)[QUIET]
    assert len(few) == 2 and len(set(few.start.tolist())) == 2 and few.start.max() <= 24 - FRAMES
    twice = [*quiet, replace(quiet[0], name="again.mp4")]
    shared = build_runs(twice, tmp_path / "shared", codec, LogMelEncoder(), per_identity=2)
    assert [len(made) for made in shared.values()] == [1, 1]
    other = build_runs(quiet, tmp_path / "seed", codec, LogMelEncoder(), seed=1)[QUIET]
    assert other.start.tolist() == [0, 8, 16]
    assert not np.array_equal(other.points, runs[QUIET].points)


def test_where_no_face_is_seen_there_is_no_run(clips, codec, tmp_path, monkeypatch) -> None:
    """Frames 6 to 9 show none: the second run begins after them."""
    read = module.read_tracks

    def hidden(clip: Recording, folder: Path, tick):
        track = read(clip, folder, tick)
        track.points[6:10] = np.nan
        track.presence[6:10] = 0
        return track

    monkeypatch.setattr(module, "read_tracks", hidden)
    quiet = [clip for clip in clips if clip.name == QUIET]
    assert build_runs(quiet, tmp_path, codec, LogMelEncoder())[QUIET].start.tolist() == [10]
