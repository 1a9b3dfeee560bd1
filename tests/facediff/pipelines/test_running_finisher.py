"""The last step of motion, without a look at what comes."""

from __future__ import annotations

import numpy as np

from facediff.motion import coefficients
from facediff.pipelines.running_finisher import RunningFinisher

NOISE = np.random.default_rng(0).normal(size=(400, 31)).astype(np.float32)
ON = np.ones(400, np.float32)


def test_rows_come_at_once_and_are_the_same_in_whatever_pieces():
    whole = RunningFinisher().push(NOISE, ON)
    parted = RunningFinisher()
    pieces = [parted.push(NOISE[a:b], ON[a:b]) for a, b in ((0, 1), (1, 7), (7, 7), (7, 400))]
    assert [len(piece) for piece in pieces] == [1, 6, 0, 393]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert not len(parted.finish())


def test_lips_do_what_they_may_and_rest_in_silence():
    share = np.linspace(0, 1, 400, dtype=np.float32)
    out = RunningFinisher(lips=0.5).push(NOISE, share)
    np.testing.assert_allclose(out[:, coefficients.LIPS], 0.5 * share[:, None] * NOISE[:, coefficients.LIPS], atol=1e-6)
    assert not out[:, coefficients.LIDS].any()


def test_a_head_does_not_drift_and_starts_where_it_is():
    turned = NOISE + 5.0
    out = RunningFinisher().push(np.tile(turned, (10, 1)), np.ones(4000, np.float32))
    angles = out[:, coefficients.ANGLES]
    assert np.abs(angles[0]).max() == 0
    assert np.abs(angles[2000:].mean(axis=0)).max() < 0.2
    assert np.abs(np.diff(angles, axis=0)).max() < np.abs(np.diff(turned[:, coefficients.ANGLES], axis=0)).max() / 3


def test_a_head_goes_back_to_idling_after_speech_without_a_jump():
    out = RunningFinisher().push(np.tile(NOISE, (2, 1)), np.concatenate([ON, 0 * ON]))
    angles = np.abs(out[:, coefficients.ANGLES]).max(axis=1)
    assert angles[380:400].max() > 0.05 and angles[-1] == 0
    assert np.abs(np.diff(out[395:430, coefficients.ANGLES], axis=0)).max() < 0.5


def test_a_still_head_is_still():
    out = RunningFinisher(head=0.0).push(NOISE, ON)
    assert not out[:, coefficients.ANGLES].any() and not out[:, coefficients.SHIFT].any()


class _Turned:
    """Heads that are always turned, and say how often they were put back."""

    rests = 0

    def take(self):
        return np.ones(31, np.float32)

    def rest(self):
        self.rests += 1


def test_heads_made_apart_take_part_as_far_as_somebody_speaks():
    heads = _Turned()
    finisher = RunningFinisher(head=0.5, heads=heads)
    finisher.push(NOISE[:10], 0 * ON[:10])
    assert heads.rests == 0
    out = finisher.push(NOISE, ON)
    assert out[0, coefficients.ANGLES].max() < 0.1 and np.diff(out[:, coefficients.ANGLES.start]).min() >= 0
    np.testing.assert_allclose(out[-1, coefficients.ANGLES], 0.5, atol=1e-3)
    np.testing.assert_allclose(out[-1, coefficients.GAZE], 1.0, atol=1e-3)
    np.testing.assert_allclose(finisher.shares, out[:, coefficients.GAZE.start], atol=1e-6)
    assert not finisher.push(NOISE, 0 * ON)[-1].any()
    assert heads.rests == 1
