from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from facediff.errors import ConfigError, MediaError, NoFaceFound
from facediff.landmarks.tracker import track_still
from facediff.media import VideoWriter
from facediff.motion import coefficients
from facediff.motion.driver import (
    REACH,
    REGIONS,
    WIDER,
    limit_softly,
    play_motion,
    read_driver,
    scale_motion,
    select_channels,
)
from facediff.motion.template import MotionTemplate

SMALL = np.ascontiguousarray(astronaut()[:256, 100:356])


def template(frames: int = 4) -> MotionTemplate:
    ones = np.ones((frames, coefficients.DIMENSIONS), np.float32)
    return MotionTemplate(ones, np.ones(frames, bool), np.eye(3, dtype=np.float32), Fraction(25))


def write_video(path, fps: int, frames: int = 12):
    with VideoWriter(path, (256, 256), Fraction(fps)) as writer:
        for k in range(frames):
            writer.write(np.roll(SMALL, k, axis=1))
    return path


def test_regions_make_up_the_face() -> None:
    parts = [select_channels(name) for name in ("lips", "eyes", "brows", "pose")]
    np.testing.assert_array_equal(np.sum(parts, axis=0), 1)  # every channel belongs to one of them
    assert select_channels("all").all()
    np.testing.assert_array_equal(select_channels("expression"), ~select_channels("pose"))
    assert set(REGIONS) == {"lips", "eyes", "brows", "pose", "expression", "all"}
    with pytest.raises(ConfigError, match="region is one of lips, eyes"):
        select_channels("ears")


def test_each_part_is_as_strong_as_is_wanted() -> None:
    motion = scale_motion(template().motion, lips=0.5, eyes=2, brows=0, head=3)[0]
    for region, strength in (("lips", 0.5), ("eyes", 2), ("brows", 0), ("pose", 3)):
        assert (motion[select_channels(region)] == strength).all()


def test_a_single_expression_comes_and_stays() -> None:
    motion = play_motion(read_driver(template(1)), Fraction(25)).motion
    assert len(motion) == 50
    np.testing.assert_array_equal(motion[0], 0)
    assert (np.diff(motion, axis=0) >= 0).all()
    np.testing.assert_array_equal(motion[15:], 1)
    assert len(play_motion(read_driver(template(4)), Fraction(50)).motion) == 8  # a motion is shown as it is


@pytest.mark.parametrize("fps", [25, 60])
def test_a_video_drives_at_its_own_rate(tmp_path, fps: int) -> None:
    driver = read_driver(write_video(tmp_path / "d.mp4", fps))
    assert driver.template.fps == fps and len(driver.template) == 12
    right = driver.template.motion[:, coefficients.SHIFT.start]
    assert np.diff(right).min() > 0  # the head moves to the right, and says so
    assert [len(list(driver.frames(Fraction(fps), n))) for n in (5, 12, 15)] == [5, 12, 15]


def test_a_folder_of_frames_drives_as_their_video_does(tmp_path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for k in range(12):
        Image.fromarray(np.roll(SMALL, k, axis=1)).save(folder / f"{k:02d}.png")
    frames, video = read_driver(folder).template, read_driver(write_video(tmp_path / "d.mp4", 25)).template
    assert frames.fps == 25
    np.testing.assert_allclose(frames.motion[:, coefficients.SHIFT], video.motion[:, coefficients.SHIFT], atol=0.02)
    Image.fromarray(SMALL[:200]).save(folder / "12.png")
    with pytest.raises(MediaError, match="differ in size"):
        read_driver(folder)


def test_what_cannot_drive_is_refused(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MediaError, match="holds no pictures"):
        read_driver(tmp_path / "empty")
    with pytest.raises(MediaError, match="there is no picture"):
        read_driver(tmp_path / "none.png")
    Image.fromarray(np.full((256, 256, 3), 90, np.uint8)).save(tmp_path / "grey.png")
    with pytest.raises(NoFaceFound):
        read_driver(tmp_path / "grey.png")


def test_a_gap_in_a_video_is_bridged_and_marked(tmp_path) -> None:
    with VideoWriter(tmp_path / "d.mp4", (256, 256), Fraction(10)) as writer:
        for k in range(17):
            writer.write(np.full_like(SMALL, 90) if 5 <= k < 12 else np.roll(SMALL, 2 * k, axis=1))
    found = read_driver(tmp_path / "d.mp4").template
    np.testing.assert_array_equal(np.flatnonzero(~found.present), np.arange(5, 12))
    assert np.isfinite(found.motion).all()
    np.testing.assert_allclose(np.diff(found.motion[4:13], n=2, axis=0), 0, atol=1e-4)
    assert np.diff(found.motion[[4, 8, 12], coefficients.SHIFT.start]).min() > 0


def test_a_picture_is_one_expression_and_is_shown_as_long_as_it_is_wanted(tmp_path) -> None:
    Image.fromarray(SMALL).save(tmp_path / "p.png")
    driver = read_driver(tmp_path / "p.png")
    assert driver.is_still and len(driver.template) == 1
    frames = list(driver.frames(Fraction(30), 4))
    np.testing.assert_array_equal(frames, [SMALL] * 4)
    again = read_driver(driver.template.save(tmp_path / "p.npz"))
    assert again.is_still and list(again.frames(Fraction(30), 4)) == []
    np.testing.assert_array_equal(again.template.motion, driver.template.motion)


def test_scaling_and_showing_leave_the_motion_itself_alone() -> None:
    kept = template(1)
    scale_motion(kept.motion, lips=0, eyes=0, brows=0, head=0)
    play_motion(read_driver(kept), Fraction(60))
    np.testing.assert_array_equal(kept.motion, 1)
    lively = scale_motion(template(3).motion, lips=2, eyes=2, brows=2, head=2)
    np.testing.assert_array_equal(lively, 2 * template(3).motion)


def test_a_head_stays_over_its_shoulders_and_its_order_in_time() -> None:
    motion = np.zeros((200, coefficients.DIMENSIONS), np.float32)
    motion[:, coefficients.SHIFT] = np.linspace(-3, 3, 200)[:, None]
    motion[:, coefficients.ANGLES] = 40
    near = limit_softly(motion)
    assert (np.abs(near[:, coefficients.SHIFT]) <= REACH).all() and (
        np.diff(near[:, coefficients.SHIFT], axis=0) >= 0
    ).all()
    small = limit_softly(0.02 * motion)[:, coefficients.SHIFT]
    np.testing.assert_allclose(small, 0.02 * motion[:, coefficients.SHIFT], atol=0.005)
    np.testing.assert_array_equal(np.delete(near, coefficients.SHIFT, 1), np.delete(motion, coefficients.SHIFT, 1))


def test_eyes_shut_as_they_do_and_hardly_open_further_than_they_are() -> None:
    motion = np.zeros((100, coefficients.DIMENSIONS), np.float32)
    motion[:, coefficients.LIDS] = np.linspace(-0.5, 1, 100)[:, None]
    lids = limit_softly(motion)[:, coefficients.LIDS]
    np.testing.assert_array_equal(
        lids[motion[:, coefficients.LIDS] >= 0], motion[:, coefficients.LIDS][motion[:, coefficients.LIDS] >= 0]
    )
    assert lids.min() >= -WIDER and (np.diff(lids, axis=0) > 0).all()


def test_the_moment_of_a_picture_is_found_by_its_face_and_by_its_place(tmp_path) -> None:
    """Of frames with one and the same face, the one at the picture's place; of another size, by the face alone."""
    driver = read_driver(write_video(tmp_path / "d.mp4", 25))
    assert abs(driver.find_matching_frame(track_still(np.roll(SMALL, 5, axis=1))) - 5) <= 1  # a pixel a frame
    larger = cv2.resize(SMALL, (512, 512), interpolation=cv2.INTER_CUBIC)
    assert driver.find_matching_frame(track_still(larger)) is not None
    another = track_still(astronaut())
    another.points[:, :, 0] *= 1.1  # a broader face
    assert driver.find_matching_frame(another) is None
    assert read_driver(template(4)).find_matching_frame(track_still(SMALL)) is None
    assert driver.find_motion_of(another) is None


def test_lids_are_counted_from_where_the_picture_has_them(tmp_path) -> None:
    """The driver blinks at the very moment that its head is where the picture shows it, with open eyes."""
    driver = read_driver(write_video(tmp_path / "d.mp4", 25))
    motion = driver.template.motion.copy()
    motion[:, coefficients.LIDS] = 1.0
    blinking = replace(driver, template=replace(driver.template, motion=motion))
    own = blinking.find_motion_of(track_still(np.roll(SMALL, 5, axis=1)))
    assert np.abs(own[coefficients.LIDS]).max() < 0.15
    others = np.delete(np.arange(coefficients.DIMENSIONS), coefficients.LIDS)
    np.testing.assert_array_equal(
        own[others], motion[blinking.find_matching_frame(track_still(np.roll(SMALL, 5, axis=1))), others]
    )


def test_the_landmarks_of_the_same_person_are_taken_to_the_picture(tmp_path) -> None:
    """In the driver's own pixels they stay where they are; a picture of twice the size has them at twice the place."""
    driver = read_driver(write_video(tmp_path / "d.mp4", 25))
    assert driver.track is not None
    same = driver.find_landmarks_of(track_still(np.roll(SMALL, 5, axis=1)))
    assert same.shape == (12, 478, 3)
    assert np.abs(same - driver.track.points)[..., :2].max() < 1.5
    larger = track_still(cv2.resize(np.roll(SMALL, 5, axis=1), (512, 512), interpolation=cv2.INTER_CUBIC))
    moved, moment = driver.find_landmarks_of(larger), driver.find_matching_frame(larger)
    apart = np.linalg.norm(moved[moment, :468, :2] - larger.points[0, :468, :2], axis=1)
    assert apart.mean() < 1.5
    np.testing.assert_allclose((moved[9] - moved[5]).mean(axis=0)[:2], [8, 0], atol=1.5)  # four pixels, twice as large
    another = track_still(astronaut())
    another.points[:, :, 0] *= 1.1  # a broader face
    assert driver.find_landmarks_of(another) is None
    assert read_driver(template(4)).find_landmarks_of(track_still(SMALL)) is None


def test_landmarks_hold_what_lies_between_frames_with_a_face(tmp_path) -> None:
    driver = read_driver(write_video(tmp_path / "d.mp4", 25))
    presence, points = driver.track.presence.copy(), driver.track.points.copy()
    presence[[0, 6]], points[[0, 6]] = 0, np.nan
    holed = replace(driver, track=replace(driver.track, presence=presence, points=points))
    made = holed.find_landmarks_of(track_still(np.roll(SMALL, 5, axis=1)))
    assert np.isfinite(made).all()
    np.testing.assert_allclose(made[6], (made[5] + made[7]) / 2, atol=1e-3)
    np.testing.assert_array_equal(made[0], made[1])


def test_frames_that_are_missing_and_films_beside_them_are_told(tmp_path, caplog) -> None:
    for name, numbers in (("even", (0, 5, 10)), ("gap", (1, 2, 7))):
        (tmp_path / name).mkdir()
        for k in numbers:
            Image.fromarray(np.roll(SMALL, k, axis=1)).save(tmp_path / name / f"f{k}.png")
    assert len(read_driver(tmp_path / "even").template) == 3 and not caplog.records
    write_video(tmp_path / "gap" / "IMG_1.MOV.mp4", 25)
    assert len(read_driver(tmp_path / "gap").template) == 3
    assert "not numbered evenly, 2 is followed by 7" in caplog.text
    assert "holds pictures and IMG_1.MOV.mp4; the pictures are taken" in caplog.text


def test_a_folder_of_one_picture_is_a_single_expression(tmp_path) -> None:
    Image.fromarray(SMALL).save(tmp_path / "f1.png")
    assert len(play_motion(read_driver(tmp_path), Fraction(25))) == 50
