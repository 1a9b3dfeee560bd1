"""Clips before other backgrounds, in other shapes, without any background."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from facediff import Avatar
from facediff.errors import ConfigError, InputError, MediaError
from facediff.motion import coefficients
from facediff.motion.template import MotionTemplate
from facediff.provenance import verify
from facediff.tasks.stage import check_upscale, cut_out
from tests.facediff.tasks.test_talk import WAVE
from tests.portraits import avatar, plain

GREEN = np.array([0, 177, 64])


@pytest.fixture(scope="module")
def cut():
    return cut_out(avatar("plain")._source)


def test_who_is_cut_out_is_as_they_were_and_is_known_apart(cut):
    source = avatar("plain")._source
    surely = cut.matte == 255
    np.testing.assert_array_equal(cut.content[surely], source.content[surely])
    assert cut.sha256 != source.sha256 and 0.3 < surely.mean() < 0.9


def test_a_picture_of_nobody_is_refused(cut, monkeypatch):
    monkeypatch.setattr("facediff.tasks.stage.find_matte", lambda picture, **_: np.zeros(picture.shape[:2], np.float32))
    with pytest.raises(MediaError, match="shows no person who could be told"):
        cut_out(avatar("plain")._source)


def cut_out_picture(cut):
    """The portrait as somebody else cuts it out, with what she holds: a white card. What is hidden is black."""
    picture, opacity = plain(), cut.matte.copy()
    picture[200:240, 216:250], opacity[200:240, 216:250] = 255, 255
    picture[opacity == 0] = 0
    return np.dstack([picture, opacity])


@pytest.mark.parametrize("given", ["file", "array", "picture"])
def test_who_came_cut_out_stays_as_they_are(cut, tmp_path, given):
    layers = cut_out_picture(cut)
    Image.fromarray(layers).save(tmp_path / "her.png")
    image = {"file": tmp_path / "her.png", "array": layers, "picture": Image.fromarray(layers)}[given]
    made = Avatar.from_image(image, device="cpu")
    assert (made._source.frame(0)[layers[..., 3] == 0] == 255).all()  # as it is seen without another background
    frame = made.edit(background="#00b140").preview()
    assert (np.abs(frame[layers[..., 3] == 0] - GREEN) <= 1).all()
    surely = layers[..., 3] == 255
    np.testing.assert_array_equal(frame[surely], layers[surely][:, :3])
    if given == "file":
        again = Avatar.load(made.save(tmp_path / "saved"), device="cpu").edit(background="#00b140").preview()
        np.testing.assert_array_equal(again, frame)


def test_edges_of_who_came_cut_out_have_no_white_in_them(cut):
    layers = cut_out_picture(cut)
    edge = (layers[..., 3] > 51) & (layers[..., 3] < 255)
    frame = cut_out(Avatar.from_image(layers, device="cpu")._source).frame(0)
    assert np.abs(frame[edge].astype(int) - layers[edge][:, :3]).max() <= 4


def test_a_portrait_in_a_circle_is_no_cut_out(cut):
    opacity = cv2.circle(np.zeros((256, 256), np.uint8), (128, 128), 126, 255, -1, cv2.LINE_AA)
    frame = Avatar.from_image(np.dstack([plain(), opacity]), device="cpu").edit(background="#00b140").preview()
    behind = (opacity == 255) & (cv2.dilate(cut.matte, np.ones((25, 25))) == 0)
    assert np.abs(frame[behind] - GREEN).mean() < 20 < np.abs(plain()[behind] - GREEN).mean() / 4
    assert (np.abs(frame[opacity == 0] - GREEN) <= 1).all()


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_portrait_that_lies_is_cut_out_as_one_that_stands(cut, quarters):
    lying = cut_out(Avatar.from_image(np.ascontiguousarray(np.rot90(plain(), quarters)), device="cpu")._source)
    assert np.abs(np.rot90(lying.matte, -quarters).astype(int) - cut.matte).mean() < 2


def test_a_talk_before_a_colour_is_that_talk(cut):
    usual, staged = (list(avatar("plain").talk(WAVE, paint=False, still=True, background=b)) for b in (None, "#00b140"))
    surely, nothing = cut.matte == 255, cut.matte == 0
    for one, other in zip(usual, staged, strict=True):
        assert np.abs(one[surely].astype(int) - other[surely]).mean() < 1
        assert (np.abs(other[nothing] - GREEN) <= 1).mean() > 0.97  # a head that breathes covers a little
    assert staged[0].shape == (256, 256, 3)


def test_hair_moves_with_its_head_without_shimmer():
    motion = np.zeros((3, coefficients.DIMENSIONS), np.float32)
    motion[1:, coefficients.ANGLES.start] = 12
    turn = MotionTemplate(motion, np.ones(3, bool), np.eye(3, dtype=np.float32), avatar("plain").talk(WAVE).fps)
    frames = list(avatar("plain").animate(turn, paint=False, background="transparent"))
    assert {frame.shape for frame in frames} == {(256, 256, 4)}
    assert np.abs(frames[0][..., 3].astype(int) - frames[1][..., 3]).mean() > 0.3
    np.testing.assert_array_equal(frames[1], frames[2])  # held: the same to the bit


def test_a_part_of_a_staged_clip_is_what_it_is_in_the_whole():
    clip = avatar("plain").talk(WAVE, background="transparent")
    whole = list(clip)
    np.testing.assert_array_equal(list(clip.frames(3, 7)), whole[3:7])
    assert clip.is_transparent and clip.preview().shape == (256, 256, 4)


@pytest.mark.parametrize("task", ["edit", "idle"])
def test_edits_and_idle_clips_are_staged_too(task):
    options = {"background": "white", "size": "96x128", "framing": "head"}
    clip = (
        avatar("plain").edit(smile=0.5, **options) if task == "edit" else avatar("plain").idle(seconds=0.2, **options)
    )
    frame = clip.preview()
    assert clip.size == (96, 128) and frame.shape == (128, 96, 3) and frame[2, 2].min() == 255


def test_an_idle_clip_before_a_colour_is_as_small_as_is_asked_for():
    clip = avatar("plain").idle(seconds=0.2, background="#00b140", size=128)
    assert clip.size == (128, 128) and (np.abs(clip.preview()[2, 100] - GREEN) <= 1).all()


def test_a_background_alone_is_an_edit():
    clip = avatar("plain").edit(background="blur")
    frame, cut = clip.preview(), avatar("plain")._cut_out.source
    surely = cut.matte == 255
    np.testing.assert_array_equal(frame[surely], plain()[surely])
    behind = cut.matte == 0
    assert frame[behind].std() < plain()[behind].std()


def test_a_video_is_staged_by_its_frames(video):
    clip = video.talk(WAVE, paint=False, background="#00b140", size="128x96")
    frames = list(clip)
    assert clip.size == (128, 96) and frames[0].shape == (96, 128, 3)
    assert (np.abs(frames[-1][:8, -8:] - GREEN) <= 2).mean() > 0.9


def test_what_is_shown_is_chosen_without_a_background_too():
    clip = avatar("plain").talk(WAVE, paint=False, framing="head")
    assert clip.size[0] == clip.size[1] < 256 and clip.preview().shape[:2] == clip.size


@pytest.mark.parametrize("name", ["a.webm", "a.mov"])
def test_a_transparent_file_keeps_its_opacity_its_sound_and_its_marks(tmp_path, name):
    clip = avatar("plain").talk(WAVE, paint=False, background="transparent")
    path = clip.save(tmp_path / name)
    decoder = {"a.webm": "libvpx-vp9"}.get(name)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = av.CodecContext.create(decoder, "r") if decoder else stream.codec_context
        frames = [f for packet in container.demux(stream) for f in context.decode(packet)]
        assert len(container.streams.audio) == 1
    shown, wanted = frames[3].to_ndarray(format="rgba").astype(int), list(clip)[3].astype(int)
    assert len(frames) == 10 and np.abs(shown[..., 3] - wanted[..., 3]).mean() < 3
    person = wanted[..., 3] == 255
    assert np.abs(shown[..., :3] - wanted[..., :3])[person].mean() < 6
    found = verify(path)
    assert found.record.options["background"] == "transparent" and found.record.is_watermarked


def test_a_folder_of_frames_keeps_it_too(tmp_path):
    clip = avatar("plain").talk(WAVE, paint=False, background="transparent")
    path = clip.save(tmp_path / "frames", label="AI")
    assert sorted(one.suffix for one in path.iterdir()) == [".png"] * 10 + [".wav"]
    picture = np.asarray(Image.open(path / "000001.png"))
    assert picture.shape == (256, 256, 4) and not picture[5, 200:, 3].any()
    assert (picture[235:, 200:250, 3] >= 178).mean() > 0.4  # the label is seen on nothing
    assert verify(path / "000002.png").record.task == "talk"


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.gif"])
def test_what_holds_no_transparency_is_refused_before_anything_is_rendered(tmp_path, name):
    clip = avatar("plain").talk(WAVE, paint=False, background="transparent")
    broken = clip.__class__(**{**vars(clip), "render": lambda part: pytest.fail("rendered")})
    with pytest.raises(InputError, match="holds no transparency; give a .webm"):
        broken.save(tmp_path / name)
    with pytest.raises(InputError, match="holds no transparency; give a .png"):
        broken.save_frame(tmp_path / "a.jpg")
    assert not list(tmp_path.iterdir())


def test_a_record_names_the_picture_behind_and_not_its_folder(tmp_path):
    Image.new("RGB", (40, 20), "navy").save(tmp_path / "office.png")
    clip = avatar("plain").talk(WAVE, paint=False, background=tmp_path / "office.png")
    assert clip.record.options["background"] == "office.png"
    assert [part.role for part in clip.record.inputs] == ["source", "speech", "background"]
    assert (np.abs(clip.preview()[3, 3].astype(int) - [0, 0, 128]) <= 1).all()


def test_what_is_no_picture_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="a colour as #rrggbb, or a picture, and there is none at blurr"):
        avatar("plain").talk(WAVE, background="blurr")
    (tmp_path / "a.png").write_text("no")
    with pytest.raises(MediaError, match="cannot be read as a picture"):
        avatar("plain").talk(WAVE, background=tmp_path / "a.png")


def test_a_comparison_is_not_staged():
    turn = MotionTemplate(np.zeros((2, 31), np.float32), np.ones(2, bool), np.eye(3, dtype=np.float32), 25)
    with pytest.raises(ConfigError, match="compare shows the result beside its source"):
        avatar("plain").animate(turn, compare=True, background="blur")


def test_who_asks_for_no_stage_cuts_nobody_out(monkeypatch):
    monkeypatch.setattr("facediff.tasks.stage.cut_out", lambda source: pytest.fail("cut out"))
    assert isinstance(avatar("plain"), Avatar) and avatar("plain").talk(WAVE, paint=False).preview().shape[2] == 3


def test_a_transparent_video_keeps_its_stereo_sound(tmp_path, video, write_film, remux, bursts):
    sounds = [{"samples": [bursts, bursts[::-1]], "rate": 48000, "codec": "aac", "layout": "stereo"}]
    heard = write_film(tmp_path / "s.mp4", sounds)
    film = remux(video._source.content, heard, tmp_path / "film.mp4")
    path = Avatar.from_video(film, device="cpu").edit(background="transparent").save(tmp_path / "a.webm")
    with av.open(str(path)) as container:
        sound = container.streams.audio[0]
        assert (sound.codec_context.name, sound.channels) == ("opus", 2)


@pytest.mark.parametrize("task", ["talk", "edit", "idle"])
def test_what_is_upscaled_is_the_same_twice_as_large(task):
    def make(**options):
        face = avatar("plain")
        if task == "talk":
            return face.talk(WAVE, paint=False, still=True, **options)
        return face.edit(smile=0.5, **options) if task == "edit" else face.idle(seconds=0.2, paint=False, **options)

    usual, large = make(), make(upscale=2)
    assert large.size == (512, 512) and len(large) == len(usual)
    assert large.record.options["upscale"] == 2 and "upscale" not in usual.record.options
    one, other = usual.preview(), large.preview()
    assert other.shape == (512, 512, 3)
    halved = cv2.resize(other, (256, 256), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(halved - one).mean() < 2


def test_an_animation_is_upscaled_before_it_is_cut_and_put_before_something():
    motion = np.zeros((2, coefficients.DIMENSIONS), np.float32)
    turn = MotionTemplate(motion, np.ones(2, bool), np.eye(3, dtype=np.float32), avatar("plain").talk(WAVE).fps)
    staged = {"framing": "head", "background": "#00b140", "paint": False}
    usual, large = (avatar("plain").animate(turn, upscale=times, **staged) for times in (1, 2))
    assert all(abs(2 * one - other) <= 4 for one, other in zip(usual.size, large.size, strict=True))
    one, other = usual.preview(), large.preview()
    halved = cv2.resize(other, one.shape[1::-1], interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(halved - one).mean() < 4
    exact = avatar("plain").animate(turn, upscale=2, size="320x400", **staged)
    assert exact.size == (320, 400) and exact.preview().shape == (400, 320, 3)
    clear = avatar("plain").animate(turn, upscale=2, background="transparent", paint=False).preview()
    assert clear.shape == (512, 512, 4) and {0, 255} <= set(np.unique(clear[..., 3]))


def test_size_is_that_of_an_idle_clip_that_is_upscaled_too():
    assert avatar("plain").idle(seconds=0.2, paint=False, upscale=2, size=320).size == (320, 320)


def test_what_would_be_too_large_for_a_video_is_refused():
    with pytest.raises(ConfigError, match="upscale is 1 for 3000x200 pixels, not 2: 6000x400 would be more than"):
        check_upscale((3000, 200), 2)
    check_upscale((3000, 200), 1)
    with pytest.raises(ConfigError, match="upscale is a whole number from 1 to 2, not 3"):
        avatar("plain").talk(WAVE, upscale=3)
