"""What a batch can be told, what a result depends on, and that it is the one that Avatar makes."""

from __future__ import annotations

import shutil
import wave
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

import facediff
import facediff.batch.tasks as tasks_module
from facediff import Avatar
from facediff.audio.wave import load_wave
from facediff.batch.jobs import Job
from facediff.batch.tasks import STRIDE, bounds, expected_frames, identify, render, tasks
from facediff.batch.work_items import Part
from facediff.errors import ConfigError, InputError, MediaError, WeightsError
from facediff.media import VideoReader, VideoWriter
from facediff.provenance import read_record, verify
from facediff.rendering import CHUNK

HELLO = Path(facediff.__file__).parent / "samples" / "hello.flac"


@pytest.fixture
def job(tmp_path) -> Job:
    """A talk of 0.3 s."""
    Image.fromarray(astronaut()).resize((256, 256)).save(tmp_path / "anna.png")
    with wave.open(str(tmp_path / "hi.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes((load_wave(HELLO)[8000:12800] * 32767).astype("<i2").tobytes())
    options = {name: option.default for name, option in tasks()["talk"].options.items()}
    inputs = {"source": tmp_path / "anna.png", "speech": tmp_path / "hi.wav"}
    return Job(1, "talk", inputs, {**options, "steps": 1, "fps": 5.0, "device": "cpu"}, "a.mp4")


def changed(job: Job, **options) -> Job:
    return replace(job, options={**job.options, **options})


def test_options_are_those_of_avatar():
    known = tasks()
    assert list(known) == ["talk", "animate", "edit", "drag", "enhance"]
    assert {"seed", "steps", "fps", "still", "face", "model", "device", "on_missing_face"} <= set(known["talk"].options)
    assert {"region", "absolute", "sound", "compare", "face"} <= set(known["animate"].options)
    assert known["talk"].options["face"].default is None
    assert known["talk"].options["fps"].of_json(24) == 24.0
    assert all(
        option.kinds[0] in (bool, int, float, str) for task in known.values() for option in task.options.values()
    )


def test_a_video_is_enhanced_whole_and_in_parts(tmp_path):
    with VideoWriter(tmp_path / "a.mp4", (64, 48), Fraction(25)) as writer:
        for shade in range(0, 200, 10):
            writer.write(np.full((48, 64, 3), shade, np.uint8))
    options = {name: option.default for name, option in tasks()["enhance"].options.items()} | {"device": "cpu"}
    assert "face" not in options and "label" in options
    job = Job(1, "enhance", {"source": tmp_path / "a.mp4"}, options, "b.mp4")
    identity = identify(job, window=8)
    assert expected_frames(job) == 20 and identity.parts == 3
    assert identify(changed(job, upscale=4)).key != identity.key
    assert render(job, identity, tmp_path / "b.mp4").frames == 20
    for part in range(3):
        render(job, identity, tmp_path / f"b.mp4.{part}.mp4", Part(part, 3))
    frames = list(VideoReader(tmp_path / "b.mp4"))
    assert frames[0].shape == (96, 128, 3) and read_record(tmp_path / "b.mp4").task == "enhance"
    Image.fromarray(astronaut()).save(tmp_path / "a.png")
    still = replace(job, inputs={"source": tmp_path / "a.png"})
    with pytest.raises(InputError, match="is a picture; in a batch videos are enhanced"):
        render(still, identify(still), tmp_path / "c.mp4")


def test_a_saved_avatar_is_a_source(job, tmp_path):
    Avatar.from_image(job.inputs["source"], device="cpu").save(tmp_path / "anna")
    job = changed(job, seed=9)  # the last clip of a process is kept, and others here ask for that one
    saved = replace(job, inputs={**job.inputs, "source": tmp_path / "anna"})
    assert expected_frames(saved) == expected_frames(job)
    render(saved, identify(saved), tmp_path / "saved.mp4")
    render(job, identify(job), tmp_path / "file.mp4")
    np.testing.assert_array_equal(frames_of(tmp_path / "saved.mp4"), frames_of(tmp_path / "file.mp4"))
    (tmp_path / "anna" / "avatar.json").write_text("{}")
    with pytest.raises(MediaError, match="is damaged"):
        render(saved, identify(saved), tmp_path / "broken.mp4")
    options = {name: option.default for name, option in tasks()["enhance"].options.items()}
    with pytest.raises(InputError, match="anna is a saved avatar"):
        enhanced = Job(1, "enhance", {"source": tmp_path / "anna"}, options, "a.mp4")
        render(enhanced, identify(enhanced), tmp_path / "enhanced.mp4")


def test_a_key_is_of_what_keyframes_say(job, tmp_path):
    path, keys = tmp_path / "keys.json", []
    for what in ("nod", "look left"):
        path.write_text(f'[{{"at": 0.1, "do": "{what}"}}]')
        keys.append(identify(changed(job, keyframes=str(path))).key)
    assert keys[0] != keys[1]
    path.unlink()
    with pytest.raises(InputError, match=r"keys\.json"):
        identify(changed(job, keyframes=str(path)))


def test_a_key_is_of_content_and_options(job, tmp_path):
    key = identify(job).key
    moved = tmp_path / "moved.png"
    moved.write_bytes(job.inputs["source"].read_bytes())
    assert identify(replace(job, inputs={**job.inputs, "source": moved}, output="b.mp4", line=9)).key == key
    assert identify(changed(job, seed=1)).key != key
    with moved.open("ab") as file:
        file.write(b"more")
    assert identify(replace(job, inputs={**job.inputs, "source": moved})).key != key


def test_a_key_is_of_version_and_weights(job, monkeypatch):
    key = identify(job).key
    with monkeypatch.context() as patch:
        patch.setattr(facediff, "__version__", "9.9.9")
        assert identify(job).key != key
    monkeypatch.setattr("facediff.provenance.weights_hash", lambda model: "other")
    assert identify(job).key != key


def test_a_key_is_of_the_encoder_in_a_folder(job, tmp_path):
    (tmp_path / "encoder").mkdir()
    keys = set()
    for content in ("one", "two"):
        (tmp_path / "encoder" / "model.safetensors").write_text(content)
        keys.add(identify(changed(job, audio_encoder=str(tmp_path / "encoder"))).key)
    assert len(keys) == 2


def test_a_key_is_of_the_domain_and_of_the_prior(job, adapted, tiny_model, tmp_path):
    of_domain = changed(job, domain=str(adapted.folder))
    key = identify(of_domain).key
    assert identify(of_domain).key == key != identify(job).key
    keys = {key, *(identify(changed(of_domain, **more)).key for more in (
        {"prior": str(tiny_model)}, {"prior_strength": 0.7}, {"text": "a woman"}
    ))}  # fmt: skip
    assert len(keys) == 4
    with pytest.raises(WeightsError, match="there is no domain model at nobody"):
        identify(changed(job, domain="nobody"))
    with pytest.raises(WeightsError, match="there is no model nope"):
        identify(changed(of_domain, prior="nope"))


def test_weights_are_those_of_the_domain_and_of_the_prior_too(job, adapted, tiny_model, tmp_path):
    def weights(**more) -> str:
        return identify(changed(job, **more)).weights_sha256

    copy, other = tmp_path / "copy", tmp_path / "other"
    for folder in (copy, other):
        shutil.copytree(adapted.folder, folder)
    (file,) = (other / "small").glob("*.safetensors")
    file.write_bytes(file.read_bytes() + b" ")
    of_domain = weights(domain=str(adapted.folder))
    assert weights(domain=str(copy)) == of_domain
    assert len({weights(), of_domain, weights(domain=str(other))}) == 3
    assert weights(domain=str(copy), prior=str(tiny_model)) not in (weights(), of_domain)


def test_talk_and_animate_can_be_told_a_domain_and_edit_cannot():
    known = tasks()
    for name in ("domain", "prior", "prior_strength"):
        assert all(known[task].options[name].default is None for task in ("talk", "animate"))
        assert name not in known["edit"].options
    assert known["talk"].options["prior_strength"].of_json(1) == 1.0


def test_what_cannot_be_begun_is_named(job, tmp_path):
    with pytest.raises(InputError, match="there is no file at"):
        identify(replace(job, inputs={**job.inputs, "speech": tmp_path / "none.wav"}))
    with pytest.raises(InputError, match="is a folder where one file is wanted"):
        identify(replace(job, inputs={**job.inputs, "source": tmp_path}))
    with pytest.raises(WeightsError, match="there is no model nope"):
        identify(changed(job, model="nope"))
    with pytest.raises(ConfigError, match="face is 'largest', .* or an index"):
        render(changed(job, face="nobody"), identify(job), tmp_path / "a.mp4")
    with pytest.raises(ConfigError, match="steps is a whole number from 1 to 1000, not 0"):
        render(changed(job, steps=0), identify(job), tmp_path / "a.mp4")


def test_an_input_that_changes_meanwhile_is_seen(job, tmp_path):
    identity = identify(job)
    with job.inputs["speech"].open("ab") as file:
        file.write(b"more")
    with pytest.raises(InputError, match="hi.wav changed after the run had begun"):
        render(job, identity, tmp_path / "a.mp4")
    assert not (tmp_path / "a.mp4").exists()


def test_a_result_is_what_avatar_makes(job, tmp_path):
    rendered = render(job, identify(job), tmp_path / "a.mp4")
    clip = Avatar.from_image(job.inputs["source"], device="cpu").talk(job.inputs["speech"], steps=1, fps=5)
    clip.save(tmp_path / "b.mp4")
    assert rendered.frames == len(clip) == 2 and set(rendered.seconds) == {"source", "speech", "render"}
    frames = [list(VideoReader(tmp_path / name)) for name in ("a.mp4", "b.mp4")]
    assert all((one == other).all() for one, other in zip(*frames, strict=True))


def frames_of(path: Path) -> np.ndarray:
    return np.stack(list(VideoReader(path)))


def test_results_are_marked_as_the_job_says_in_one_or_in_parts(job, tmp_path):
    job = changed(job, label="de", label_corner="top-left", label_size=9.0, aigc="X", watermark=False, paint=False)
    one, joined = tmp_path / "one.mp4", tmp_path / "out" / "joined.mp4"
    joined.parent.mkdir()
    identity = identify(job)
    whole = render(job, identity, one)
    for index, path in enumerate(Part(None, 2).files(joined.parent)):
        render(job, identity, path, Part(index, 2))
    render(job, identity, joined, Part(None, 2))
    ground = list(Avatar.from_image(job.inputs["source"], device="cpu").talk(
        job.inputs["speech"], steps=1, fps=5, paint=False
    ))  # fmt: skip
    for path in (one, joined):
        frames, found = list(VideoReader(path)), verify(path)
        assert len(frames) == whole.frames == len(ground)
        assert all(
            (frame[8:40, 8:150].mean() < plain[8:40, 8:150].mean() - 30)
            for frame, plain in zip(frames, ground, strict=True)
        )
        assert found.aigc is not None and found.aigc["ContentProducer"] == "X" and not found.record.is_watermarked
        assert found.record.options.items() >= {"label": "de", "label_corner": "top-left", "label_size": 9.0}.items()


def test_marks_that_cannot_be_are_refused_before_the_face_is_read(job, tmp_path):
    for options in ({"label": "x" * 61}, {"timestamp": "nowhere"}, {"label_size": 99.0}):
        with pytest.raises(ConfigError, match=f"^{next(iter(options))} is "):
            render(changed(job, **options), identify(job), tmp_path / "a.mp4")
    assert not (tmp_path / "a.mp4").exists()


def test_parts_are_windows_of_the_whole_and_join_to_it(job, tmp_path):
    """Before coding they are the whole's own frames, bit for bit; the file differs as two codings do."""
    long = changed(job, fps=80.0)
    identity = replace(identify(long), parts=3)
    folder = tmp_path / "work"
    folder.mkdir()
    counts = [
        render(long, identity, path, Part(index, 3)).frames for index, path in enumerate(Part(None, 3).files(folder))
    ]
    assert sum(counts) == 24 and counts == [8, 8, 8]
    joined = render(long, identity, folder / "a.mp4", Part(None, 3))
    render(long, identity, tmp_path / "whole.mp4")
    assert joined.frames == 24
    one, other = frames_of(folder / "a.mp4"), frames_of(tmp_path / "whole.mp4")
    assert one.shape == other.shape and np.abs(one.astype(int) - other).mean() < 3
    assert read_record(folder / "a.mp4") == read_record(tmp_path / "whole.mp4")
    assert abs(len(load_wave(folder / "a.mp4")) - len(load_wave(tmp_path / "whole.mp4"))) < 1100


@pytest.mark.parametrize(("way", "windows"), [("extend", 2), ("hierarchy", 3)])
def test_a_long_talk_that_is_cut_off_loses_no_window_of_its_motion(job, tmp_path, monkeypatch, way, windows):
    """Frames are those of one that was not, bit for bit, and parts share what was made."""
    from facediff.pipelines.motion_filling import MotionFiller

    sound = np.resize(load_wave(HELLO), 16000 * 14)
    with wave.open(str(tmp_path / "hi.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    long = changed(job, long=way, fps=2.0, paint=False)
    identity, folder = replace(identify(long), parts=2), tmp_path / "work"
    folder.mkdir()
    render(long, identity, tmp_path / "unbroken.mp4")
    sample, calls = MotionFiller.sample, []

    def count(*args, **more):
        calls.append(1)
        if len(calls) == windows:
            raise KeyboardInterrupt
        return sample(*args, **more)

    monkeypatch.setattr(MotionFiller, "sample", count)
    tasks_module._LAST.clear()
    with pytest.raises(KeyboardInterrupt):
        render(long, identity, folder / "a.mp4")
    assert not (folder / "a.mp4").exists() and len(list((folder / "kept").iterdir())) == windows
    for index, path in enumerate(Part(None, 2).files(folder)):
        tasks_module._LAST.clear()  # as another worker has it
        render(long, identity, path, Part(index, 2))
    assert len(calls) == windows + 1, "one window was left, and the other worker took all up"
    tasks_module._LAST.clear()
    render(long, identity, folder / "a.mp4")
    np.testing.assert_array_equal(frames_of(folder / "a.mp4"), frames_of(tmp_path / "unbroken.mp4"))


def test_long_clips_are_made_in_parts_short_ones_in_one(job):
    assert identify(job).parts == 1
    assert identify(changed(job, fps=100.0), window=10).parts == 3
    assert identify(changed(job, fps=100.0), window=0).parts == 1
    assert identify(changed(job, fps=100.0), window=10).key == identify(changed(job, fps=100.0)).key


@pytest.mark.parametrize(("frames", "count"), [(2401, 3), (90_000, 75), (24, 3), (5, 3), (0, 2)])
def test_bounds_cover_every_frame_once(frames, count):
    edges = [bounds(part, count, frames) for part in range(count)]
    assert edges[0][0] == 0 and edges[-1][1] == frames
    assert all(before[1] == after[0] for before, after in zip(edges, edges[1:], strict=False))
    assert all(first <= last and first % 8 == 0 for first, last in edges)


def test_parts_begin_where_what_is_painted_at_once_begins():
    from facediff.rendering.editing.identity import EditSettings
    from facediff.rendering.painting.face import RefineSettings
    from facediff.rendering.painting.mouth import PaintSettings

    assert {PaintSettings().chunk, RefineSettings().chunk, EditSettings().chunk} == {CHUNK}
    assert STRIDE % CHUNK == 0 and all(STRIDE % rate == 0 for rate in (24, 25, 30, 50, 60))


def test_expected_frames_need_no_look(job, tmp_path):
    assert expected_frames(changed(job, fps=10.0)) == 3
    assert expected_frames(replace(job, task="edit")) == 0
    missing = {"source": tmp_path / "none.mp4", "speech": tmp_path / "none.wav"}
    assert expected_frames(replace(job, inputs=missing)) == 0


@pytest.mark.parametrize(("after", "count"), [("mirror", 8), ("cut", 8), ("hold", 30), ("play", 30)])
def test_expected_frames_are_those_of_the_longer_where_that_is_asked(job, tmp_path, after, count):
    with VideoWriter(tmp_path / "film.mp4", (32, 32), Fraction(25)) as writer:
        for _ in range(30):
            writer.write(np.zeros((32, 32, 3), np.uint8))
    dub = changed(replace(job, inputs={**job.inputs, "source": tmp_path / "film.mp4"}), after=after, fps=None)
    assert expected_frames(dub) == count


def test_a_transparent_clip_is_made_at_once_and_depends_on_its_background(job, tmp_path):
    Image.new("RGB", (8, 8), "navy").save(tmp_path / "wall.png")
    before = identify(changed(job, background=str(tmp_path / "wall.png")))
    assert before.inputs.keys() == {"source", "speech", "background"}
    Image.new("RGB", (8, 8), "white").save(tmp_path / "wall.png")
    assert identify(changed(job, background=str(tmp_path / "wall.png"))).key != before.key
    clear = changed(job, background="transparent")
    assert identify(clear, window=1).parts == 1
    render(clear, identify(clear), tmp_path / "a.webm")
    assert read_record(tmp_path / "a.webm").options["background"] == "transparent"


def test_speakers_are_files_of_a_job(job, tmp_path):
    spoken = replace(changed(job, speakers=f"0={tmp_path / 'hi.wav'}"), inputs={"source": job.inputs["source"]})
    identity = identify(spoken)
    assert identity.inputs.keys() == {"source", "speech 0"}
    assert render(spoken, identity, tmp_path / "b.mp4").frames == 2
