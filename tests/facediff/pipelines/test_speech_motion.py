import itertools
import weakref
from importlib.resources import files

import numpy as np
import pytest

from facediff.audio import whisper
from facediff.audio.wave import load_wave
from facediff.diffusion.score_guider import ScoreCompositionGuidance
from facediff.errors import ConfigError
from facediff.motion import coefficients
from facediff.motion.keyframes import parse_keyframes
from facediff.pipelines.loading import load_talk
from facediff.pipelines.motion_filling import MotionFiller
from facediff.pipelines.motion_finishing import WholeClipFinisher
from facediff.pipelines.speech_motion import FILMED, LipStyle, MotionSampler


@pytest.fixture(scope="module")
def motion_model():
    return load_talk(device="cpu")[0]


def speech(seconds: float, seed: int = 0) -> np.ndarray:
    """Something with the rhythm of speech: noise in syllables."""
    rng = np.random.default_rng(seed)
    count = int(seconds * 16000)
    syllables = np.clip(np.sin(np.arange(count) / 16000 * 2 * np.pi * 4), 0, 1)
    return (0.2 * syllables * rng.normal(size=count)).astype(np.float32)


def test_length_and_seed(motion_model) -> None:
    wave = speech(2.01)
    one = motion_model(wave, seed=3)
    assert one.shape == (51, coefficients.DIMENSIONS)
    np.testing.assert_array_equal(one, motion_model(wave, seed=3))
    assert not np.array_equal(one, motion_model(wave, seed=4))


class ForgottenEar:
    """Hears what another does, and refuses to go on where more than one piece before is held on to."""

    def __init__(self, ear):
        self._ear, self.name, self.dim, self.tokens = ear, ear.name, ear.dim, ear.tokens

    def stream(self, wave, fps, frames, *, first=0):
        given = []
        for features in self._ear.stream(wave, fps, frames, first=first):
            assert sum(piece() is not None for piece in given) <= 1, "an hour of features is a gigabyte"
            given.append(weakref.ref(features))
            yield features
            del features


def test_features_of_a_long_speech_are_not_kept(motion_model) -> None:
    wave = speech(90)
    ear = ForgottenEar(motion_model.encoder)
    filler = MotionFiller(motion_model.filler.denoiser, motion_model.filler.scheduler, ear)
    made = MotionSampler(motion_model.denoiser, motion_model.scheduler, ear, filler)(wave, num_inference_steps=1)
    np.testing.assert_array_equal(made, motion_model(wave, num_inference_steps=1))


def test_heads_are_as_lively_as_those_of_people_who_speak_and_not_alike_in_two_speeches(motion_model) -> None:
    """Geometric means of 19 people: 2.5, 2.7 and 2.2 degrees, 0.46, 0.54 and 0.31 a frame."""
    made = [motion_model(speech(12 + k), seed=3)[:, coefficients.ANGLES] for k in range(4)]
    spread = np.exp(np.mean([np.log(angles.std(axis=0)) for angles in made], axis=0))
    pace = np.exp(np.mean([np.log(np.diff(angles, axis=0).std(axis=0)) for angles in made], axis=0))
    np.testing.assert_array_less(0.6 * np.array([2.5, 2.7, 2.2]), spread)
    np.testing.assert_array_less(spread, 2 * np.array([2.5, 2.7, 2.2]))
    np.testing.assert_array_less(0.6 * np.array([0.46, 0.54, 0.31]), pace)
    np.testing.assert_array_less(pace, 2 * np.array([0.46, 0.54, 0.31]))
    alike = [abs(np.corrcoef(a[:300, 0], b[:300, 0])[0, 1]) for a, b in itertools.combinations(made, 2)]
    assert np.mean(alike) < 0.5, "one seed makes another head of another speech"


def test_a_mouth_rests_in_silence(motion_model) -> None:
    motion = motion_model(np.zeros(3 * 16000, np.float32))
    assert np.abs(motion[:, coefficients.LIPS]).max() < 1e-3
    pause = np.concatenate([speech(2), np.zeros(2 * 16000, np.float32), speech(2)])
    motion = motion_model(pause)
    assert np.abs(motion[60:90, coefficients.LIPS]).max() < 0.05 * np.abs(motion[:50, coefficients.LIPS]).max()


def test_strengths(motion_model) -> None:
    wave = speech(3)
    plain, mute = motion_model(wave), motion_model(wave, lips=0.0)
    assert np.abs(mute[:, coefficients.LIPS]).max() == 0
    np.testing.assert_array_equal(plain[:, coefficients.ANGLES], mute[:, coefficients.ANGLES])
    double = motion_model(wave, lips=2.0)
    np.testing.assert_allclose(double[:, coefficients.LIPS], 2 * plain[:, coefficients.LIPS], rtol=1e-5)
    still = motion_model(wave, still=True)
    assert np.abs(still[:, coefficients.ANGLES]).max() == 0
    np.testing.assert_array_equal(still[:, coefficients.LIDS], plain[:, coefficients.LIDS])


def test_a_manner_is_spoken_with_and_rests_in_silence(motion_model) -> None:
    speaking_style = np.zeros(coefficients.DIMENSIONS, np.float32)
    speaking_style[coefficients.LIPS] = 0.5
    wave = np.concatenate([speech(2), np.zeros(2 * 16000, np.float32)])
    plain, own = motion_model(wave), motion_model(wave, speaking_style=speaking_style)
    change = own - plain
    assert change[:45, coefficients.LIPS].mean() > 0.3  # less where an m, b or p may be heard
    assert np.abs(change[-20:]).max() < 1e-3
    assert not np.delete(change, np.r_[coefficients.LIPS, coefficients.OPENING], axis=1).any()


def test_what_each_end_of_a_lip_style_does(motion_model) -> None:
    wave, lips = speech(3), coefficients.LIPS

    def say(seed: int = 0, **style: float) -> np.ndarray:
        return motion_model(wave, seed=seed, lip_style=LipStyle(**style))[:, lips]

    np.testing.assert_array_equal(say(), motion_model(wave)[:, lips])
    np.testing.assert_allclose(say(certainty=1.0), say(seed=1, certainty=1.0), atol=1e-6)  # the mean alone, no sample
    apart = [np.abs(say(variety=v, certainty=0.0) - say(seed=1, variety=v, certainty=0.0)).mean() for v in (0, 0.3, 1)]
    assert apart[0] < apart[1] < apart[2]  # at 0 what is left comes of heads and brows, which vary
    never, ever = say(closing_from=2.0, closed_at=3.0), say(closing_from=-2.0, closed_at=-1.0)
    assert not ever.any() and np.abs(never).sum() >= np.abs(say()).sum()
    pause = np.concatenate([speech(1), np.zeros(16000, np.float32)])
    opening = [np.abs(motion_model(pause, lip_style=LipStyle(lead_s=s))[30:, lips]).sum() for s in (0.0, 0.04, 0.4)]
    assert opening[0] <= opening[1] < opening[2]


def test_in_a_short_pause_a_portrait_rests_and_somebody_who_is_filmed_does_what_is_expected(motion_model) -> None:
    wave, lips = speech(4), coefficients.LIPS
    wave[32000:40000] = 0  # half a second
    wave[56000:] *= 10 ** (-34 / 20)
    moves = [
        [np.abs(motion_model(wave, lip_style=style)[part, lips]).max() for part in (slice(54, 59), slice(92, 98))]
        for style in (LipStyle(), FILMED)
    ]
    assert max(moves[0]) < 0.05 * min(moves[1]), "neither a pause nor what is faint moves a portrait's lips"
    longer = np.concatenate([wave[:40000], np.zeros(3 * 16000, np.float32), wave[40000:]])
    assert np.abs(motion_model(longer, lip_style=FILMED)[70:105, lips]).max() < 1e-3


def test_a_file_is_the_finisher_over_all_that_is_sampled(motion_model) -> None:
    wave = speech(2)
    motion, speaking = motion_model.sample(wave, seed=3)
    assert motion.shape == (50, coefficients.DIMENSIONS) and speaking.shape == (50,)
    assert speaking.min() >= 0 and speaking.max() <= 1
    finisher = WholeClipFinisher(seed=3, lips=1.2, head=0.5)
    parts = [finisher.push(motion[:20], speaking[:20]), finisher.push(motion[20:], speaking[20:]), finisher.finish()]
    np.testing.assert_array_equal(np.concatenate(parts), motion_model(wave, seed=3, lips=1.2, head=0.5))


def test_another_denoiser_is_composed_with_its_own_by_a_guider(motion_model) -> None:
    wave, plain = speech(2), motion_model(speech(2))
    guider = ScoreCompositionGuidance(1.0, 0.0)
    np.testing.assert_array_equal(motion_model(wave, guider=guider), plain)
    guider, asked = ScoreCompositionGuidance(1.0, 0.5), []

    def prior(x, t, heard):
        asked.append(int(t))
        return heard[:, : x.shape[1]]

    guider.prior = prior
    moved = motion_model(wave, guider=guider, num_inference_steps=4)
    assert len(asked) == 2 * 4  # with sound and without
    assert moved.shape == plain.shape and np.isfinite(moved).all()
    assert (
        np.abs(moved[:, coefficients.BROWS] - motion_model(wave, num_inference_steps=4)[:, coefficients.BROWS]).max()
        > 1e-3
    )


def test_keyframes_are_met_while_somebody_speaks_and_lips_stay_as_they_are(motion_model) -> None:
    wave = speech(4)
    plain = motion_model(wave, head=0.5)
    wishes = parse_keyframes([{"at": 1, "yaw": 10}, {"at": 2, "do": "nod"}, {"at": 3, "to": 3.8, "do": "brows-up"}])
    made = motion_model(wave, head=0.5, keyframes=wishes)
    assert made[25, coefficients.ANGLES][0] == pytest.approx(10, abs=0.01)
    assert made[55, coefficients.ANGLES][1] == pytest.approx(6, abs=0.01)
    np.testing.assert_allclose(made[:74, coefficients.LIPS], plain[:74, coefficients.LIPS], atol=1e-6)
    with pytest.raises(ConfigError, match="held still"):
        motion_model(wave, still=True, keyframes=wishes)
    with pytest.raises(ConfigError, match="the clip after 2 s"):
        motion_model(speech(2), keyframes=wishes)


def test_lips_that_are_closed_before_they_close_are_refused() -> None:
    with pytest.raises(ConfigError, match="raise it"):
        LipStyle(closing_from=0.8, closed_at=0.8)


def test_lips_of_speech_heard_in_pieces_are_those_of_speech_heard_at_once(motion_model, monkeypatch) -> None:
    """What is heard depends on where a piece begins, what lips make of it hardly does."""
    wave = np.resize(load_wave(str(files("facediff") / "samples" / "hello.flac")), 20 * 16000)
    at_once = motion_model(wave, still=True)[:, -1]
    monkeypatch.setattr(whisper, "_INNER", 300)
    in_pieces = motion_model(wave, still=True)[:, -1]
    assert np.corrcoef(at_once, in_pieces)[0, 1] > 0.97
    assert np.abs(np.diff(in_pieces)).max() < 1.2 * np.abs(np.diff(at_once)).max()  # no joint is seen
