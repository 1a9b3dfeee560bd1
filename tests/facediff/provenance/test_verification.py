"""What ``verify`` and ``info`` report, as values, as JSON, as text, and by exit code."""

from __future__ import annotations

import json
import shlex
import struct
import zlib
from dataclasses import replace

import av
import numpy as np
import pytest
from PIL import Image
from scipy.io.wavfile import write as write_wave
from skimage.data import astronaut
from typer.testing import CliRunner

from facediff.cli import app
from facediff.errors import MediaError
from facediff.media import VideoReader, VideoWriter, write_image
from facediff.options.marks import MarkOptions
from facediff.provenance import Ingredient, ManifestState, Record, embed, read_record, sealer, verify
from facediff.provenance.ingredients import IN_MEMORY
from facediff.provenance.marker import write_marked
from facediff.provenance.record import SYNTHETIC_PARTS

PICTURE = np.ascontiguousarray(astronaut()[:256, 100:356])
RECORD = Record(
    task="talk",
    inputs=(Ingredient("source", "my portrait.jpg", "ab" * 32), Ingredient("speech", "-s.wav", "cd" * 32)),
    options={"lips": 1.5, "still": True, "steps": 1, "scheduler": "unipc"},
    seed=7,
    model="base",
    weights_sha256="ef" * 32,
    consent="yes\x1b[2J",
)


def write(path, *, marked: bool = False, comment: str = "", signed: bool = False):
    """A clip with what is asked for; the record goes in by copying, as through FFmpeg."""
    plain = path.with_name(f"plain{path.suffix}")
    with VideoWriter(plain, (256, 256), 25) as writer:
        for _ in range(6):
            writer.write(embed(PICTURE) if marked else PICTURE)
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        target.metadata.update({"comment": comment} if comment else {})
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    plain.unlink()
    if signed:
        sealer(RECORD, path.name)(path)
    return path


def run(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_a_marked_clip_says_all(tmp_path):
    path = write(tmp_path / "v.mp4", marked=True, comment=RECORD.to_json(), signed=True)
    found = verify(path)
    assert found.is_marked and found.watermark.is_found and found.record == RECORD
    assert found.manifest.state is ManifestState.valid and found.digital_source_type == SYNTHETIC_PARTS
    content = json.loads(found.to_json())
    assert content["watermark"]["is_found"] and content["watermark"]["score"] > content["watermark"]["threshold"]
    assert content["manifest"]["state"] == "valid" and content["record"]["seed"] == 7 and content["is_marked"]
    result = run("verify", path)
    assert result.exit_code == 0 and "proves nothing about who made it" in result.stdout
    assert "consent      yes\ufffd[2J" in result.stdout
    assert json.loads(run("verify", path, "--json").stdout) == content


def test_a_folder_of_frames_says_what_its_frames_do(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(4):
        path = folder / f"{index + 1:06d}.png"
        write_image(path, embed(PICTURE))
        sealer(RECORD, path.name)(path)
    found = verify(folder)
    assert found.watermark.is_found and found.watermark.frame_count == 4
    assert found.manifest.state is ManifestState.valid and run("verify", folder).exit_code == 0
    assert "does not say how it was made" in run("info", folder).stdout
    write_marked(folder / "000001.png", PICTURE, RECORD, MarkOptions())
    assert verify(folder).record == RECORD and "facediff talk" in run("info", folder).stdout
    content, note = path.read_bytes(), b"tEXtComment\0changed"
    chunk = struct.pack(">I", len(note) - 4) + note + struct.pack(">I", zlib.crc32(note))
    path.write_bytes(content[:-12] + chunk + content[-12:])  # before the end of the PNG
    assert run("verify", folder).exit_code == 3
    empty = run("verify", tmp_path)
    assert empty.exit_code == 2 and "holds no pictures" in empty.stderr


def test_an_unmarked_clip_says_nothing(tmp_path):
    path = write(tmp_path / "v.mkv")
    found = verify(path)
    assert not found.is_marked and found.record is None and found.digital_source_type is None
    result = run("verify", path)
    assert result.exit_code == 1 and "not found (score" in result.stdout and "source type  not stated" in result.stdout


def test_each_sign_is_enough(tmp_path):
    for k, options in enumerate(({"marked": True}, {"comment": RECORD.to_json()}, {"signed": True})):
        found = verify(write(tmp_path / f"{k}.mp4", **options))
        signs = (found.watermark.is_found, found.record is not None, found.manifest.state is ManifestState.valid)
        assert found.is_marked and signs == (k == 0, k == 1, k == 2)


def test_a_changed_clip_has_an_exit_code_of_its_own(tmp_path):
    path = write(tmp_path / "v.mp4", marked=True, signed=True)
    content = bytearray(path.read_bytes())
    content[content.rindex(b"mdat") + 2000] ^= 1
    path.write_bytes(content)
    result = run("verify", path)
    assert result.exit_code == 3 and "assertion.bmffHash.mismatch" in result.stdout


def test_a_damaged_record_hides_nothing_else(tmp_path):
    path = write(tmp_path / "v.mp4", marked=True, comment='{"facediff_record":1}')
    found = verify(path)
    assert found.watermark.is_found and found.record is None and "is damaged" in str(found.record_problem)
    assert run("verify", path).exit_code == 0
    result = run("info", path)
    assert result.exit_code == 2 and "is damaged" in result.stderr


@pytest.mark.parametrize("command", ["verify", "info"])
def test_what_is_no_video_is_refused(tmp_path, command):
    (tmp_path / "v.mp4").write_text("text")
    for name, reason in (("v.mp4", "cannot be read as a video"), ("w.mp4", "there is no video at")):
        result = run(command, tmp_path / name)
        assert result.exit_code == 2 and reason in result.stderr and result.stdout == ""
    with pytest.raises(MediaError):
        verify(tmp_path / "v.mp4")


def again(tmp_path, record: Record) -> str:
    result = run("info", write(tmp_path / "v.mp4", comment=record.to_json()))
    assert result.exit_code == 0 and "\x1b" not in result.stdout
    return result.stdout.splitlines()[-1].removeprefix("again").strip()


def test_info_gives_the_command_to_make_it_again(tmp_path):
    words = shlex.split(again(tmp_path, RECORD))
    assert words == ["facediff", "talk", "my portrait.jpg", "./-s.wav", "--output", "again.mp4", "--lips=1.5",
                     "--still", "--scheduler=unipc", "--seed=7", "--consent=yes\ufffd[2J"]  # fmt: skip
    text = run("info", tmp_path / "v.mp4").stdout
    assert "my portrait.jpg, sha256 abab" in text and "consent      yes\ufffd[2J" in text


@pytest.mark.parametrize(
    "options",
    [["--seed=3", "--lips=1.4", "--no-watermark"], ["--still", "--scheduler=unipc"], ["--no-paint"], ["--progressive"]],
)
def test_the_command_of_info_gives_the_same_frames(tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(PICTURE).save("her portrait.png")
    write_wave("voice.wav", 16000, (9000 * np.sin(np.arange(3200) / 9)).astype(np.int16))
    made = run("talk", "her portrait.png", "voice.wav", "-o", "one.mp4", "--consent=by letter", *options)
    assert made.exit_code == 0, made.stderr
    line = run("info", "one.mp4").stdout.splitlines()[-1]
    words = shlex.split(line.removeprefix("again"))
    assert words[0] == "facediff" and run(*words[1:]).exit_code == 0
    assert [f.tobytes() for f in VideoReader("again.mp4")] == [f.tobytes() for f in VideoReader("one.mp4")]
    assert read_record("again.mp4") == read_record("one.mp4")
    shown = run("verify", "one.mp4").stdout
    assert "valid: unchanged since it was signed" in shown and "consent      by letter" in shown
    assert ("not found" in shown) == ("--no-watermark" in options)


def test_info_says_where_no_command_makes_it_again(tmp_path):
    assert "wet=True, which Python alone offers" in again(tmp_path, replace(RECORD, options={"wet": True}))
    inputs = (Ingredient("source", IN_MEMORY, ""), RECORD.inputs[1])
    assert "its source was no file but came from Python" in again(tmp_path, replace(RECORD, inputs=inputs))
    for task in ("rm -rf", "batch", "train", "info"):
        assert f"by a command '{task}'" in again(tmp_path, replace(RECORD, task=task))


def test_a_hostile_record_cannot_add_to_the_command(tmp_path):
    inputs = (Ingredient("source", "/etc/$(reboot); x.jpg", ""), Ingredient("speech", "--output=y", ""))
    words = shlex.split(again(tmp_path, replace(RECORD, inputs=inputs, options={"scheduler": "a; reboot"})))
    assert words[2:4] == ["$(reboot); x.jpg", "./--output=y"] and "--scheduler=a; reboot" in words
    assert "output='/etc/passwd', which" in again(tmp_path, replace(RECORD, options={"output": "/etc/passwd"}))


def test_info_of_other_files_says_so(tmp_path):
    result = run("info", write(tmp_path / "v.mp4"))
    assert result.exit_code == 1 and "does not say how it was made" in result.stdout
