import numpy as np

from facediff.rendering.compare import fitted, panel_width, side_by_side


def test_panels_keep_their_shape_and_have_even_widths() -> None:
    for size in ((640, 480), (333, 511), (20, 900)):
        frame = np.zeros((size[1], size[0], 3), np.uint8)
        assert fitted(frame, 256).shape == (256, panel_width(size, 256), 3)
        assert panel_width(size, 256) % 2 == 0
        assert abs(panel_width(size, 256) - size[0] * 256 / size[1]) <= 1 or panel_width(size, 256) == 2
    assert fitted(np.zeros((256, 31, 3), np.uint8), 256).shape == (256, 30, 3)


def test_streams_stand_side_by_side_and_end_together() -> None:
    dark, light = (np.full((8, 6, 3), v, np.uint8) for v in (10, 200))
    frames = list(side_by_side(iter([dark] * 3), iter([light] * 5)))
    assert len(frames) == 3
    np.testing.assert_array_equal(frames[0], np.hstack([dark, light]))
