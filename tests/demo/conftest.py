"""A demo to talk to, and small uploads for it."""

from __future__ import annotations

import socket
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

pytest.importorskip("gradio")

import facediff
from facediff.audio.wave import SAMPLE_RATE, load_wave
from facediff.demo.app import running
from facediff.demo.limits import Limits
from facediff.media import VideoWriter

SAMPLES = Path(facediff.__file__).parent / "samples"


@pytest.fixture(scope="session")
def uploads(tmp_path_factory) -> Path:
    """portrait.png, two.png (two faces), grey.png (none), short.mp4 (8 frames, with sound), presenter.mp4 (104 frames
    of a face, with sound), short.wav, long.flac.
    """
    folder = tmp_path_factory.mktemp("uploads")
    face = astronaut()
    Image.fromarray(face).save(folder / "portrait.png")
    Image.fromarray(np.hstack([face, face])).save(folder / "two.png")
    Image.fromarray(np.full_like(face, 128)).save(folder / "grey.png")
    with VideoWriter(
        folder / "short.mp4", (512, 512), Fraction(25), audio=load_wave(SAMPLES / "hello.flac")[8000:13000]
    ) as w:
        for _ in range(8):
            w.write(face)
    speech = load_wave(SAMPLES / "hello.flac")[: 104 * SAMPLE_RATE // 25]
    with VideoWriter(folder / "presenter.mp4", (192, 192), Fraction(25), audio=speech) as w:
        for _ in range(104):
            w.write(np.ascontiguousarray(face[20:212, 130:322]))
    with wave.open(str(folder / "short.wav"), "wb") as sound:
        sound.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        sound.writeframes((load_wave(SAMPLES / "hello.flac")[8000:13000] * 32767).astype("<i2").tobytes())
    (folder / "long.flac").write_bytes((SAMPLES / "hello.flac").read_bytes())
    return folder


@pytest.fixture(scope="session")
def address() -> str:
    """Of a demo that takes 20 seconds, 4 megapixels, and 3 videos to learn from."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with running(port=port, limits=Limits(seconds=20, megapixels=4, videos=3)) as place:
        yield place
