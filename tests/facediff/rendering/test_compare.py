import numpy as np

from facediff.rendering.compare import around_head, fitted, panel_width, side_by_side


def test_panels_keep_their_shape_and_have_even_widths() -> None:
    for size in ((640, 480), (333, 511), (20, 900)):
        frame = np.zeros((size[1], size[0], 3), np.uint8)
        assert fitted(frame, 256).shape == (256, panel_width(size, 256), 3)
        assert panel_width(size, 256) % 2 == 0
        assert abs(panel_width(size, 256) - size[0] * 256 / size[1]) <= 1 or panel_width(size, 256) == 2
    assert fitted(np.zeros((256, 31, 3), np.uint8), 256).shape == (256, panel_width((31, 256), 256), 3)


def test_streams_stand_side_by_side_and_end_together() -> None:
    dark, light = (np.full((8, 6, 3), v, np.uint8) for v in (10, 200))
    frames = list(side_by_side(iter([dark] * 3), iter([light] * 5)))
    assert len(frames) == 3
    np.testing.assert_array_equal(frames[0], np.hstack([dark, light]))


def test_panels_take_the_height_of_the_last_and_keep_their_order() -> None:
    streams = [[np.full((h, w, 3), v, np.uint8)] for w, h, v in ((64, 32, 10), (20, 80, 120), (30, 40, 250))]
    (frame,) = side_by_side(*streams)
    assert frame.shape == (40, 80 + 10 + 30, 3)
    np.testing.assert_array_equal(frame[20, :, 0], np.repeat([10, 120, 250], [80, 10, 30]))
    assert frame.shape[1] == sum(panel_width(size, 40) for size in ((64, 32), (20, 80), (30, 40)))


def test_a_head_is_cut_out_with_room_and_within_the_frame() -> None:
    frame = np.arange(200 * 300, dtype=np.uint32).reshape(200, 300, 1).repeat(3, 2)
    face = np.array([[100, 80, 0], [140, 130, 0]], float)
    cut = around_head(frame, face)
    assert cut.shape == (95, 76, 3) and cut[0, 0, 0] == frame[50, 82, 0]
    moved = around_head(frame, np.stack([face, face + [60, 0, 0]]))
    assert moved.shape[1] > cut.shape[1] + 60
    assert around_head(frame, face - [100, 80, 0]).shape[:2] == (65, 58)
    assert around_head(frame, face + [200, 90, 0]).size > 0
