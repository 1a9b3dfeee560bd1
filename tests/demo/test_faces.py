"""Several faces are numbered from the left, and a click chooses one."""

from __future__ import annotations

import numpy as np

from facediff.demo import faces
from facediff.demo.limits import Limits
from facediff.demo.source import PORTRAIT, VIDEO, read_avatar


def test_two_faces_are_found_and_marked(uploads):
    seen = faces.look(str(uploads / "two.png"), False, Limits())
    assert len(seen.boxes) == 2
    assert seen.boxes[0][2] < 512 < seen.boxes[1][0]
    marked = [faces.annotate(seen, chosen) for chosen in (0, 1)]
    assert all(m.shape == seen.picture.shape for m in marked)
    assert not np.array_equal(*marked)


def test_a_click_chooses_the_nearest(uploads):
    seen = faces.look(str(uploads / "two.png"), False, Limits())
    assert [faces.nearest(seen, x, 100) for x in (10, 400, 600, 1000)] == [0, 0, 1, 1]


def test_large_pictures_are_shown_smaller(uploads, tmp_path):
    from PIL import Image

    Image.open(uploads / "two.png").resize((2048, 1024)).save(tmp_path / "large.png")
    seen = faces.look(str(tmp_path / "large.png"), False, Limits())
    assert seen.picture.shape == (512, 1024, 3)
    assert len(seen.boxes) == 2 and max(max(box) for box in seen.boxes) < 1024


def test_a_video_is_looked_at_too(uploads):
    assert len(faces.look(str(uploads / "short.mp4"), True, Limits()).boxes) == 1


def test_the_chosen_face_is_the_avatars(uploads):
    both = str(uploads / "two.png")
    left, right = (read_avatar(PORTRAIT, both, None, face, Limits()) for face in (0, 1))
    assert left.track.points[..., 0].max() < 512 < right.track.points[..., 0].min()
    assert read_avatar(PORTRAIT, both, None, 1, Limits()) is right
    assert len(read_avatar(VIDEO, both, str(uploads / "short.mp4"), None, Limits()).track) == 8
