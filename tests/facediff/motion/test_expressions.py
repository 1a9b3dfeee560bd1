import numpy as np
import pytest

from facediff.errors import ConfigError
from facediff.landmarks.canonical import fit_pose, mean_face
from facediff.landmarks.mesh import BROW_LINE
from facediff.motion import coefficients
from facediff.motion.expressions import expression, expressions
from facediff.motion.rig import FaceRig


def worn(**strengths: float) -> np.ndarray:
    motion = expression({name.replace("_", "-"): value for name, value in strengths.items()})
    return FaceRig.from_shape(mean_face(), fit_pose(mean_face()[None])).express(motion[None])[0]


def test_a_smile_widens_the_mouth_and_lifts_its_corners() -> None:
    """A quality gate for the expressions that ship."""
    rest, smiling = worn(), worn(smile=1)
    left, right = 61, 291
    assert smiling[right, 0] - smiling[left, 0] > 1.05 * (rest[right, 0] - rest[left, 0])
    assert smiling[[left, right], 1].mean() < rest[[left, right], 1].mean()


def test_an_opened_mouth_is_open_by_what_its_channel_says() -> None:
    opened = coefficients.lip_opening(worn(mouth_open=1)[None])[0] - coefficients.lip_opening(worn()[None])[0]
    assert opened == pytest.approx(expressions()["mouth-open"][coefficients.OPENING][0], rel=0.25)


def test_brows_rise_and_fall() -> None:
    rest, up, down = (worn(brows_up=s)[BROW_LINE, 1].mean() for s in (0, 1, -1))
    assert up < rest - 0.03 and down > rest + 0.03


def test_expressions_add_up() -> None:
    both = expression({"smile": 0.5, "head-left": 1.0})
    np.testing.assert_allclose(both, expression({"smile": 0.5}) + expression({"head-left": 1.0}))
    assert not expression({}).any()


@pytest.mark.parametrize("strengths", [{"frown": 1.0}, {"smile": 2.5}, {"smile": float("nan")}])
def test_what_is_unknown_or_too_strong_is_refused(strengths: dict) -> None:
    with pytest.raises(ConfigError):
        expression(strengths)
