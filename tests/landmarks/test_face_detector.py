from __future__ import annotations

import numpy as np
import pytest

from facediff.landmarks.detector_networks import FullRange, ShortRange
from facediff.landmarks.face_detector import FaceDetector, make_anchors, merge_boxes
from facediff.landmarks.mesh import LEFT_IRIS, NOSE_TIP, RIGHT_IRIS


@pytest.mark.parametrize("network", [ShortRange, FullRange])
def test_anchors_are_as_many_as_a_network_has_and_spread_over_the_picture(network):
    import torch

    with torch.inference_mode():
        boxes, scores = network()(torch.zeros(1, 3, network.side, network.side))
    anchors = make_anchors(network.grids)
    assert len(anchors) == len(boxes) == len(scores) and boxes.shape[1] == 16
    np.testing.assert_allclose(anchors.mean(0), 0.5)
    assert (anchors > 0).all() and (anchors < 1).all()


def test_anchors_go_row_by_row_and_each_as_often_as_its_grid_says():
    assert make_anchors(((2, 2),)).tolist() == [
        [0.25, 0.25], [0.25, 0.25], [0.75, 0.25], [0.75, 0.25],
        [0.25, 0.75], [0.25, 0.75], [0.75, 0.75], [0.75, 0.75],
    ]  # fmt: skip


def test_boxes_of_one_face_become_their_mean_by_score():
    rows = np.array([[0, 0, 10, 10, 1], [1, 0, 11, 10, 4], [50, 50, 60, 60, 9], [9, 9, 19, 19, 2]], float)
    (first, sure), (second, _), (third, _) = merge_boxes(rows, np.array([0.9, 0.6, 0.7, 0.65]))
    np.testing.assert_allclose(first, [0.4, 0, 10.4, 10, 2.2])
    assert sure == 0.9
    np.testing.assert_allclose([second, third], rows[2:])
    assert merge_boxes(np.zeros((0, 16)), np.zeros(0)) == []


@pytest.mark.parametrize("network", ["short_range", "full_range"])
def test_eyes_and_nose_of_a_face_are_where_the_mesh_has_them(portrait, mesh, network):
    (face,) = FaceDetector(network, 0.5)(portrait)
    want = [mesh[RIGHT_IRIS[0], :2], mesh[LEFT_IRIS[0], :2], mesh[NOSE_TIP, :2]]
    assert np.abs(face.points[:3] - want).max() < 8
    assert (face.low < mesh[:, :2].mean(0)).all() and (face.high > mesh[:, :2].mean(0)).all()
    assert 0.5 < face.score <= 1


def test_less_confidence_finds_no_fewer(portrait):
    assert len(FaceDetector("short_range", 0.999)(portrait)) == 0
    assert len(FaceDetector("short_range", 0.05)(portrait)) >= 1
