from pathlib import Path

import numpy as np
import pytest
import torch

import facediff
from facediff.audio.wave import load_wave
from facediff.errors import InputError, WeightsError
from facediff.evaluation.sync import REACH, SyncScorer, offset_curve, offset_distances, peak_offset
from facediff.pipelines.loading import load_talk
from facediff.types import FaceTrack

HELLO = Path(facediff.__file__).parent / "samples" / "hello.flac"


@pytest.fixture(scope="module")
def spoken() -> tuple[np.ndarray, np.ndarray]:
    """A sentence and the motion that the embedded model makes of it."""
    wave = load_wave(HELLO)
    return load_talk("base", "cpu")[0](wave, seed=0), wave


@pytest.mark.parametrize("late", [-6, 0, 3])
def test_the_curve_peaks_where_lips_lag(late: int) -> None:
    vectors = np.random.default_rng(0).normal(size=(8, 90))
    vectors /= np.linalg.norm(vectors, axis=0)
    curve = offset_curve(np.roll(vectors, late, axis=1)[:, 20:70], vectors[:, 20:70])
    assert curve.argmax() - REACH == late
    assert curve.max() == pytest.approx(1.0)


def test_short_clips_have_a_curve_too() -> None:
    one = np.ones((4, 3)) / 2
    curve = offset_curve(one, one)
    assert (curve[: REACH - 2] == -1).all() and curve[REACH] == pytest.approx(1.0)


@pytest.mark.parametrize("late", [-4, 0, 5])
def test_lips_that_come_late_are_found_out(spoken, late: int) -> None:
    """A quality gate for scorer and motion model together: half of what they reach would do."""
    motion, wave = spoken
    score = SyncScorer().motion(np.roll(motion, late, axis=0), wave)
    assert abs(score.offset - late) <= 1
    assert score.confidence > 0.15


def test_lips_of_another_sentence_do_not_fit(spoken) -> None:
    motion, wave = spoken
    scorer = SyncScorer()
    assert scorer.motion(motion[::-1], wave).confidence < 0.6 * scorer.motion(motion, wave).confidence


def test_what_cannot_be_scored_is_refused(tmp_path) -> None:
    track = FaceTrack(np.full((30, 478, 3), np.nan, np.float32), np.zeros(30, np.uint8), (64, 64), 25.0)
    with pytest.raises(InputError, match="seen in 0 frames"):
        SyncScorer().track(track, np.zeros(16000, np.float32))
    with pytest.raises(WeightsError, match="has no sync"):
        SyncScorer(tmp_path)
    assert torch.is_inference_mode_enabled() is False


def test_of_unit_vectors_distances_are_least_where_cosines_are_largest() -> None:
    vectors = np.random.default_rng(0).normal(size=(8, 90))
    vectors /= np.linalg.norm(vectors, axis=0)
    lips, speech = np.roll(vectors, 4, axis=1)[:, 20:70], vectors[:, 20:70]
    distances = offset_distances(lips, speech)
    assert distances.argmin() == offset_curve(lips, speech).argmax() == REACH + 4
    # At an offset of one the sound's first frame has no partner, and is compared with the zero vector.
    by_hand = [np.linalg.norm(lips[:, k] - (speech[:, k - 1] if k else 0)) for k in range(50)]
    assert distances[REACH + 1] == pytest.approx(np.mean(by_hand))


def test_lips_late_by_five_frames_are_found_so_and_fit_less(figure) -> None:
    assert figure("sync_offset", "late") - figure("sync_offset", "plain") == pytest.approx(5, abs=1)
    assert figure("sync_timing_facediff", "plain") > 0.8 > 0.5 > figure("sync_timing_facediff", "late")
    assert figure("sync_facediff", "late") < 0.5 * figure("sync_facediff", "plain")
    assert figure("lse_c_facediff", "late") < figure("lse_c_facediff", "plain")
    assert figure("lse_d_facediff", "late") > figure("lse_d_facediff", "plain")


def test_a_top_is_found_between_the_points() -> None:
    offsets = np.arange(-REACH, REACH + 1)
    assert peak_offset(-np.square(offsets - 2.3)) == pytest.approx(2.3)
    assert peak_offset(offsets.astype(float)) == REACH
    assert peak_offset(np.zeros(2 * REACH + 1)) == -REACH
