"""Videos go out whole or not at all, in step with their sound, in the colours that came in."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from facediff.errors import InputError, OutputError
from facediff.media import VideoReader, VideoWriter

PICTURE = astronaut()
SMALL = np.ascontiguousarray(PICTURE[::8, ::8])


def smooth_picture(side: int = 256) -> np.ndarray:
    y, x = np.mgrid[0:side, 0:side] / (side - 1)
    return np.stack([200 * x + 20, 200 * y + 20, 120 + 100 * np.sin(3 * x + 2 * y)], -1).round().astype(np.uint8)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


def write(path, frames, fps=25, **options) -> None:
    with VideoWriter(path, (frames[0].shape[1], frames[0].shape[0]), Fraction(fps), **options) as writer:
        for frame in frames:
            writer.write(frame)


def plain_frames(path) -> list[np.ndarray]:
    """What other programs see through PyAV's shortest way."""
    with av.open(str(path)) as container:
        return [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]


def test_colours_survive_for_us_and_for_others(tmp_path):
    path, picture = tmp_path / "v.mp4", smooth_picture()
    write(path, [picture] * 5)
    ours = list(VideoReader(path))[2].astype(float) - picture
    assert np.abs(ours.mean(axis=(0, 1))).max() < 0.5
    assert np.abs(ours).mean() < 1
    plain = plain_frames(path)[2].astype(float) - picture
    assert np.abs(plain.mean(axis=(0, 1))).max() < 2, "it rounds down, by 1 to 1.6"
    capture = cv2.VideoCapture(str(path))
    blind = capture.read()[1][..., ::-1].astype(float) - picture
    capture.release()
    assert np.abs(blind.mean(axis=(0, 1))).max() < 2, "OpenCV ignores the tags"


def test_untouched_pixels_survive_a_second_generation(tmp_path):
    source, copy = tmp_path / "source.mp4", tmp_path / "copy.mp4"
    write(source, [PICTURE] * 5, is_tagged=False, crf=23)
    write(copy, list(VideoReader(source)))
    before, after = plain_frames(source), plain_frames(copy)
    assert min(psnr(a, b) for a, b in zip(before, after, strict=True)) > 40
    assert abs(np.mean([a.mean() - b.mean() for a, b in zip(before, after, strict=True)])) < 0.3, "no darkening"


@pytest.mark.parametrize("is_tagged", [True, False])
def test_colour_tags_are_written_where_wanted(tmp_path, is_tagged):
    path = tmp_path / "v.mp4"
    write(path, [SMALL] * 2, is_tagged=is_tagged)
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        assert int(frame.colorspace) == (6 if is_tagged else 2)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v", ".mkv"])
@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(10)])
@pytest.mark.parametrize("sound_s", [0.5, 3.0])
def test_sound_is_as_long_as_the_picture(tmp_path, suffix, fps, sound_s):
    path = tmp_path / f"v{suffix}"
    wave = (0.3 * np.sin(np.arange(round(sound_s * 16000)) * 0.1)).astype(np.float32)
    write(path, [SMALL] * 40, fps=fps, audio=wave)
    with av.open(str(path)) as container:
        picture_s = len(list(container.decode(video=0))) / fps
    with av.open(str(path)) as container:
        heard_s = sum(f.samples for f in container.decode(audio=0)) / 48000
    assert abs(float(picture_s) - heard_s) <= 0.040
    assert VideoReader(path).info.fps == pytest.approx(fps, rel=1e-4)


def test_sound_keeps_its_time_and_its_loudness(tmp_path):
    path = tmp_path / "v.mp4"
    wave = np.zeros(32000, np.float32)
    wave[16000:17600] = 0.5 * np.sin(np.arange(1600) * 0.3)
    write(path, [SMALL] * 50, audio=wave)
    with av.open(str(path)) as container:
        heard = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
        start_s = float(container.streams.audio[0].start_time * container.streams.audio[0].time_base)
    loud = np.flatnonzero(np.abs(heard) > 0.1) / 48000 + start_s
    assert loud[0] == pytest.approx(1.0, abs=0.01) and loud[-1] == pytest.approx(1.1, abs=0.01)
    assert np.abs(heard).max() == pytest.approx(0.5, abs=0.1)


def test_sound_lies_beside_the_picture_in_the_file(tmp_path):
    path = tmp_path / "v.mp4"
    write(path, [SMALL] * 100, audio=np.zeros(64000, np.float32))
    last = {"video": 0.0, "audio": 0.0}
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.dts is not None:
                last[packet.stream.type] = float(packet.dts * packet.time_base)
                assert abs(last["video"] - last["audio"]) < 1.5, "a player would have to jump"
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "playing starts before all is loaded"


def test_odd_sizes_lose_their_last_row_and_column(tmp_path):
    path = tmp_path / "v.mp4"
    picture = smooth_picture()[:101, :133]
    write(path, [picture] * 3)
    frame = next(iter(VideoReader(path)))
    assert frame.shape == (100, 132, 3)
    assert psnr(frame, picture[:100, :132]) > 38, "cropped, not scaled"


def test_frames_of_another_size_are_refused(tmp_path):
    path = tmp_path / "v.mp4"
    with pytest.raises(InputError, match="64x32 pixels came to a video of 64x64"), VideoWriter(path, (64, 64), 25) as w:
        w.write(SMALL[:32])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_whatever_stops_it_nothing_is_left(tmp_path, error):
    with pytest.raises(error), VideoWriter(tmp_path / "v.mp4", (64, 64), Fraction(25)) as writer:
        writer.write(SMALL)
        raise error
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_the_old_result(tmp_path):
    path = tmp_path / "v.mp4"
    write(path, [SMALL] * 3)
    before = path.read_bytes()
    with pytest.raises(RuntimeError), VideoWriter(path, (64, 64), Fraction(25)) as writer:
        writer.write(SMALL)
        raise RuntimeError
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_no_frames_no_file(tmp_path):
    with pytest.raises(OutputError, match="no frame was made"), VideoWriter(tmp_path / "v.mp4", (64, 64), Fraction(25)):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["v.wmv", "v", "v.png"])
def test_unknown_kinds_are_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"must end in one of \.mp4"):
        VideoWriter(tmp_path / name, (64, 64), Fraction(25))


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        VideoWriter(tmp_path / "folder.mp4", (64, 64), Fraction(25))
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        VideoWriter(tmp_path / "file" / "v.mp4", (64, 64), Fraction(25))
    with pytest.raises(OutputError, match="cannot be written"):
        VideoWriter("/proc/v.mp4", (64, 64), Fraction(25))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits of file size are POSIX")
@pytest.mark.parametrize("limit", [0, 100, 20_000, 60_000])
def test_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, limit):
    script = textwrap.dedent(f"""
        import resource, signal, sys
        from fractions import Fraction
        import numpy as np
        from facediff.errors import OutputError
        from facediff.media import VideoWriter
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
        noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
        try:
            with VideoWriter("v.mp4", (64, 64), Fraction(25), audio=np.zeros(16000, np.float32)) as writer:
                for _ in range(60):
                    writer.write(np.roll(noise, 7, 0))
                    noise = np.random.default_rng(int(noise[0, 0, 0])).integers(0, 255, (64, 64, 3), np.uint8)
        except OutputError as error:
            print(error)
            sys.exit(2)
    """)
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.getcwd()})  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout.startswith("v.mp4 cannot be written: ")
    assert not list(tmp_path.iterdir())


def test_odd_names_are_files_not_protocols(tmp_path):
    path = tmp_path / "take 5: final 100%d.mp4"
    write(path, [SMALL] * 2)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_the_folder_is_made(tmp_path):
    write(tmp_path / "a" / "b" / "v.mp4", [SMALL] * 2)
    assert (tmp_path / "a" / "b" / "v.mp4").is_file()


def test_equal_frames_make_equal_files(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        write(tmp_path / name, [SMALL, SMALL[::-1]] * 3, audio=np.zeros(3840, np.float32))
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_link_as_output_stays_and_its_target_is_written(tmp_path):
    link, target = tmp_path / "link.mp4", tmp_path / "disk" / "elsewhere.mp4"
    link.symlink_to("disk/elsewhere.mp4")
    write(link, [SMALL] * 3)
    assert link.is_symlink() and not target.is_symlink()
    assert len(list(VideoReader(target))) == 3
    assert [p.name for p in target.parent.iterdir()] == ["elsewhere.mp4"]
    write(link, [SMALL] * 5)
    assert link.is_symlink() and len(list(VideoReader(target))) == 5


def test_links_in_a_circle_are_refused_before_work_is_done(tmp_path):
    (tmp_path / "a.mp4").symlink_to("b.mp4")
    (tmp_path / "b.mp4").symlink_to("a.mp4")
    with pytest.raises(OutputError, match=r"a\.mp4 cannot be written: it is a link that leads back to itself"):
        VideoWriter(tmp_path / "a.mp4", (64, 64), Fraction(25))


@pytest.mark.parametrize("is_tagged", [True, False])
def test_prores_is_straight_alpha_of_bt709_and_says_so_in_each_frame_and_in_the_file(tmp_path, is_tagged):
    frame = np.zeros((64, 192, 4), np.uint8)
    frame[..., :3] = np.repeat(
        [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [200, 150, 120], [9, 9, 9]], 32, 0
    )
    frame[..., 3] = np.arange(0, 256, 4)[:, None]
    sound = np.zeros(9600, np.float32)
    write(
        tmp_path / "a.mov", [frame] * 5, is_transparent=True, audio=sound, audio_rate=48000, is_tagged=is_tagged
    )  # fmt: skip
    with av.open(str(tmp_path / "a.mov")) as container:
        seen = list(container.decode(video=0))
        assert len(seen) == 5 and [float(one.duration * one.time_base) for one in container.streams] == [0.2, 0.2]
    assert {(int(f.colorspace), int(f.color_range), int(f.color_primaries), int(f.color_trc)) for f in seen} == {
        (1, 1, 1, 1)
    }
    y, u, v, alpha = (
        np.frombuffer(plane, "<u2").reshape(64, -1)[:, :192] / 2.0 ** (seen[0].format.components[0].bits - 8)
        for plane in seen[0].planes
    )
    luma, blue, red = (y - 16) * 255 / 219, (u - 128) * 255 / 224, (v - 128) * 255 / 224  # by BT.709 itself
    rgb = np.stack([luma + 1.5748 * red, luma - 0.1873 * blue - 0.4681 * red, luma + 1.8556 * blue], -1)
    assert np.abs(rgb[:, 16::32] - frame[:, 16::32, :3]).max() < 2  # as much so where nothing is to be seen
    assert np.abs(alpha * 255 / (256 - 1 / 16) - frame[..., 3]).max() <= 1  # of 12 bits
    content = (tmp_path / "a.mov").read_bytes()
    assert content[content.find(b"colr") :][4:14] == b"nclc\0\1\0\1\0\1"
    depth = content[content.find(b"ap4h") + 4 + 74 :][:2]
    assert depth == b"\0\x20", "32 bits: editors look for alpha where a file says so"
