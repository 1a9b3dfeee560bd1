"""In a real browser: what a visitor does, and what a phone shows."""

from __future__ import annotations

import os
import re
import shutil

import numpy as np
import pytest

api = pytest.importorskip("playwright.sync_api")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no chromium; CHROMIUM names one")]
PATIENCE_MS = 120_000
ACTIONS = {"Adapt": "Learn"}  # of the others "Make video"


@pytest.fixture(scope="module")
def browser():
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser, address):
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(PATIENCE_MS)
    elsewhere = []
    local = (address, "data:", "blob:")
    opened.on("request", lambda r: None if r.url.startswith(local) else elsewhere.append(r.url))
    opened.goto(address)
    button(opened, "Make video").wait_for()
    yield opened
    opened.close()
    assert not elsewhere, "nothing is fetched from elsewhere"


def button(page, name):
    return page.get_by_role("button", name=name, exact=True).locator("visible=true").first


def give(page, uploads, picture: str | None, sound: str | None) -> None:
    for kind, name in (("image", picture), ("audio", sound)):
        if name is not None:
            field = page.locator(f"input[type=file][accept*='{kind}']").first
            with page.expect_response(lambda r: "/upload" in r.url):
                field.set_input_files(uploads / name)
    page.wait_for_timeout(1500)


def test_upload_preview_render(page, uploads):
    give(page, uploads, "portrait.png", "short.wav")
    button(page, "Preview").click()
    page.get_by_text("One frame of the video to come.").wait_for()
    button(page, "Make video").click()
    page.get_by_text("frames, made in").wait_for()
    video = page.locator(".result video")
    video.wait_for()
    page.wait_for_function("document.querySelector('.result video').readyState > 0")
    assert video.evaluate("v => v.videoWidth") == 512
    assert button(page, "Make video").is_visible()


def test_cancel(page, uploads):
    give(page, uploads, "portrait.png", "long.flac")
    button(page, "Make video").click()
    page.get_by_text("of 204 frames").wait_for()
    button(page, "Cancel").click()
    page.get_by_text("Cancelled.").wait_for()
    button(page, "Make video").wait_for()
    button(page, "Preview").click()  # what was cancelled does not hold up what comes next
    page.get_by_text("One frame of the video to come.").wait_for()


def test_errors_are_shown_in_plain_words(page, uploads):
    button(page, "Make video").click()
    page.get_by_text("Record or upload some speech first, or type a text.").wait_for()
    button(page, "Make video").wait_for()
    give(page, uploads, "grey.png", None)
    page.get_by_text("No human face was found").wait_for()


def test_one_of_several_faces_is_clicked(page, uploads):
    give(page, uploads, "two.png", None)
    numbered = page.get_by_text("Several faces: click one").locator("visible=true").first
    numbered.wait_for()
    field = page.get_by_label("Face").locator("visible=true").first
    picture = page.locator(".picker img").locator("visible=true").first
    page.wait_for_function("document.querySelector('.picker img').naturalWidth > 0")
    for share, index in ((0.8, "1"), (0.2, "0"), (0.8, "1")):
        box = picture.bounding_box()
        picture.click(position={"x": box["width"] * share, "y": box["height"] / 2})
        api.expect(field).to_have_value(index, timeout=PATIENCE_MS)


def test_videos_are_learnt_from_until_cancelled(page, uploads):
    page.get_by_role("tab", name="Adapt").click()
    button(page, "Learn").click()
    page.get_by_text("Choose some videos first.").wait_for()
    fields = page.locator("input[type=file][multiple]")
    with page.expect_response(lambda r: "/upload" in r.url):
        fields.first.set_input_files([uploads / "presenter.mp4", uploads / "short.mp4"])
    page.get_by_text("presenter", exact=False).locator("visible=true").first.wait_for()
    button(page, "Learn").click()
    page.get_by_text("of 1500 steps").wait_for()
    button(page, "Cancel").click()
    page.get_by_text("Cancelled.").locator("visible=true").wait_for()
    button(page, "Learn").wait_for()


def test_the_sample_is_one_click_away(page):
    page.get_by_text("Take the sample portrait and sentence").locator("visible=true").first.click()
    button(page, "Preview").click()
    page.get_by_text("One frame of the video to come.").wait_for()


def test_a_phone_is_taken_to_the_result(page, uploads):
    page.set_viewport_size({"width": 390, "height": 844})
    give(page, uploads, "portrait.png", "short.wav")
    button(page, "Make video").click()
    api.expect(page.locator(".status").locator("visible=true").first).to_be_in_viewport(ratio=0.9, timeout=5000)
    page.get_by_text("frames, made in").wait_for()
    api.expect(page.locator(".result video")).to_be_in_viewport(ratio=0.9, timeout=5000)


def test_a_phone_scrolls_one_way_only(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()  # at its own width, and not made narrower
    for tab in page.get_by_role("tab").all():
        tab.click()
        if tab.inner_text() != "Live":
            button(page, ACTIONS.get(tab.inner_text(), "Make video")).wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        api.expect(tab).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768)])
def test_what_begins_and_what_comes_of_it_are_on_one_screen_whatever_is_unfolded(page, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.reload()
    for tab in ("Talk", "Animate", "Edit", "Style", "Adapt"):
        page.get_by_role("tab", name=tab).click()
        start = button(page, ACTIONS.get(tab, "Make video"))
        start.wait_for()
        for folded in ("Options", "More"):
            heading = page.locator("[role=tabpanel]:visible .label-wrap", has_text=folded).locator("visible=true")
            if heading.count():
                heading.first.click()
                page.wait_for_timeout(500)
                heading.first.scroll_into_view_if_needed()
        page.mouse.wheel(0, 300)
        page.wait_for_timeout(500)
        api.expect(start).to_be_in_viewport(ratio=1)
        api.expect(page.locator(".status").locator("visible=true").first).to_be_in_viewport(ratio=1)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng")
def test_a_text_is_said_and_what_is_warned_of_is_told(page, uploads):
    page.get_by_text("Video", exact=True).locator("visible=true").first.click()
    with page.expect_response(lambda r: "/upload" in r.url):
        page.locator("[role=tabpanel]:visible input[type=file][accept*='video']").first.set_input_files(
            uploads / "short.mp4"
        )
    page.get_by_label("Or a text that is said").fill("Good morning.")
    button(page, "Make video").click()
    page.get_by_text("frames, made in").wait_for()
    api.expect(page.locator(".status").locator("visible=true").first).to_contain_text("short.mp4 is 0.4 s shorter")
    api.expect(page.locator(".status").locator("visible=true").first).to_contain_text("Where lengths differ: hold")


def test_two_clicks_are_a_stroke_and_become_a_video(page, uploads):
    page.get_by_role("tab", name="Animate").click()
    with page.expect_response(lambda r: "/upload" in r.url):
        page.locator("[role=tabpanel]:visible input[type=file][accept*='image']").first.set_input_files(
            uploads / "portrait.png"
        )
    page.get_by_role("button", name="Drag points instead").locator("visible=true").first.click()
    strokes = page.get_by_label("Strokes").locator("visible=true").first
    canvas = page.locator(".picker img").locator("visible=true").first
    canvas.wait_for()
    page.wait_for_timeout(1500)  # until what unfolds stands still
    for point, said in (((225, 165), r"^\d+,\d+:$"), ((225, 171), r"^\d+,\d+:\d+,\d+$")):  # the astronaut's chin
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        shown = min(box["width"], box["height"]) / 512
        left, top = (box["width"] - 512 * shown) / 2, (box["height"] - 512 * shown) / 2
        canvas.click(position={"x": left + shown * point[0], "y": top + shown * point[1]})
        api.expect(strokes).to_have_value(re.compile(said), timeout=PATIENCE_MS)
        page.wait_for_timeout(500)  # as fast as a hand
    ends = np.array(re.findall(r"\d+", strokes.input_value()), int).reshape(2, 2)
    assert np.abs(ends - [[225, 165], [225, 171]]).max() <= 2  # of the picture's own pixels, however small it is shown
    drag = (
        page.locator("[role=tabpanel]:visible").get_by_role("button", name="Make video").locator("visible=true").first
    )
    drag.click()
    page.get_by_text("frames, made in").locator("visible=true").first.wait_for()
    page.wait_for_function(
        "[...document.querySelectorAll('.result video')].some(v => v.offsetParent && v.videoWidth == 512)"
    )
