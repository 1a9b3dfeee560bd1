from __future__ import annotations

import pytest

from facediff.evaluation.cases import Case, Item
from facediff.evaluation.pixels import SIDE, WIDTH, head_square
from facediff.evaluation.registry import metrics

from .told_faces import at_rest, face


def test_against_itself_a_film_is_ideal(figure) -> None:
    assert figure("psnr_frame", "plain") > 130 and figure("psnr_head", "plain") > 130
    assert figure("ssim_frame", "plain") == pytest.approx(1) and figure("ssim_head", "plain") == pytest.approx(1)
    assert figure("l1_head", "plain") == 0 and figure("akd", "plain") == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(("name", "sign"), [("psnr_frame", 1), ("ssim_frame", 1), ("psnr_head", 1), ("ssim_head", 1),
                                            ("l1_head", -1)])  # fmt: skip
def test_three_qualities_keep_their_order(figure, name, sign) -> None:
    good, middling, bad = (sign * figure(name, film) for film in ("soft", "softer", "softest"))
    assert good > middling > bad


def test_keypoints_that_come_late_are_apart_and_blurred_ones_hardly(figure) -> None:
    assert figure("akd", "late") > 2 * figure("akd", "soft")


def test_the_square_is_so_many_eye_distances_wide_around_the_face() -> None:
    track = face(at_rest(6), scale=80.0)
    square = head_square(track)
    assert square[0, 0] == pytest.approx(SIDE / (WIDTH * 80), rel=0.05)
    middle = track.points.mean(axis=(0, 1))[:2]
    assert square[:, :2] @ middle + square[:, 2] == pytest.approx([SIDE / 2] * 2, abs=1)


def test_whole_frames_need_no_face(footage) -> None:
    coffee = Case(Item(made=footage / "coffee.mp4", truth=footage / "coffee.mp4"))
    assert metrics()["psnr_frame"].measure(coffee).figure > 130
