"""Two clicks on a picture are a stroke."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from facediff.demo.jobs import Jobs
from facediff.demo.limits import Limits
from facediff.demo.result import result_column
from facediff.demo.source import PORTRAIT, source_column
from facediff.demo.strokes import _read_frame, add_click, draw, measure_shrink, remove_last, strokes_panel
from facediff.media import read_image
from facediff.options.strokes import read_strokes


def test_two_clicks_are_a_stroke_and_two_more_another():
    text = ""
    for x, y in ((10.4, 20), (30, 40), (50, 60), (70, 80.6)):
        text = add_click(text, x, y)
    assert text == "10,20:30,40, 50,60:70,81"
    assert [stroke.points for stroke in read_strokes(text)] == [((10, 20), (30, 40)), ((50, 60), (70, 81))]


@pytest.mark.parametrize(
    ("text", "left"),
    [("1,2:3,4, 5,6:7,8", "1,2:3,4"), ("1,2:3,4, 5,6:", "1,2:3,4"), ("5,6:", ""), ("", ""), (None, ""), ("x", "")],
)
def test_one_is_taken_back(text, left):
    assert remove_last(text) == left


def test_strokes_are_drawn_where_they_are_and_in_large_pictures_smaller():
    blank = np.zeros((100, 200, 3), np.uint8)
    shown = draw(blank, "20,50:120,50, 150,80:", "180,20")
    assert shown[50, 20:120].any(axis=1).all() and shown[80, 150].any() and shown[20, 180].any()
    assert not shown[:10].any() and not shown[90:].any()
    large = np.zeros((1024, 2048, 3), np.uint8)
    assert measure_shrink(large) == 0.5 and draw(large, "200,500:1200,500").shape == (512, 1024, 3)
    assert draw(large, "200,500:1200,500")[250, 100:600].any(axis=1).all()
    assert not draw(blank, "20,50:1").any(), "half a stroke that is typed is no error"


def test_the_frame_that_is_drawn_on_is_the_one_asked_for(uploads):
    assert _read_frame(str(uploads / "portrait.png"), False, 3, Limits()).shape == (512, 512, 3)
    first, beyond = (_read_frame(str(uploads / "presenter.mp4"), True, index, Limits()) for index in (0, 999))
    assert first.shape == beyond.shape == (192, 192, 3)
    assert read_image(uploads / "portrait.png").shape == (512, 512, 3)


def test_clicks_on_the_page_become_strokes_of_the_picture_in_its_own_pixels(uploads, tmp_path):
    gr = pytest.importorskip("gradio")
    Image.open(uploads / "portrait.png").resize((2048, 2048)).save(tmp_path / "large.png")
    with gr.Blocks() as page:
        source, result = source_column(Limits(), "faces"), result_column()
        strokes_panel(Jobs(tmp_path), Limits(), source, result)
    called = {fn.name: fn.fn for fn in page.fns.values()}
    picture = str(tmp_path / "large.png")
    at = gr.SelectData(None, {"index": [100, 60], "value": None})
    assert called["click"](PORTRAIT, picture, None, 0, "", at) == "200,120:"
    assert called["click"](PORTRAIT, None, None, 0, "1,2:3,4", at) == "1,2:3,4", "nothing to click at"
    shown = called["show"](PORTRAIT, picture, None, 0, "200,120:600,120", "")
    assert shown.shape == (1024, 1024, 3) and called["show"](PORTRAIT, None, None, 0, "", "") is None
