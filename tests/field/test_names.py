"""Clips are made of files and into files of any name that the system takes, and their records hold it as text."""

from __future__ import annotations

import os
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut
from typer.testing import CliRunner

from facediff.cli import app
from facediff.media import VideoReader, VideoWriter

from .sounds import sentence

NAMES = [b"caf\xe9", b"100% of it's #1 \xe5\x90\x8d"]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_any_bytes(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(name)
    Image.fromarray(np.ascontiguousarray(astronaut()[20:212, 130:322])).save("p.png")
    os.rename("p.png", f"{name}.png")
    with VideoWriter("s.mp4", (16, 16), Fraction(25), audio=sentence(16000)[:6400]) as writer:
        for _ in range(10):
            writer.write(np.zeros((16, 16, 3), np.uint8))
    os.rename("s.mp4", f"{name}.mp4")
    paths = [f"./{name}{suffix}" for suffix in (".png", ".mp4", "-out.mp4")]
    result = CliRunner().invoke(app, ["talk", *paths[:2], "-o", paths[2], "--fps", "5", "--no-paint"])
    assert result.exit_code == 0, result.output
    assert len(list(VideoReader(paths[2]))) in (2, 3)  # what AAC is padded with may count
    assert CliRunner().invoke(app, ["verify", paths[2]]).exit_code == 0
