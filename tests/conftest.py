"""What every test may rely on: one real face, and nothing written into the folders of whoever runs them."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

if "PYTEST_XDIST_WORKER" in os.environ:  # workers share the cores out; threads of several wait for one another
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

import av
import numpy as np
import pytest
import skimage.data
from filelock import FileLock
from numpy.typing import NDArray


def pytest_collection_finish() -> None:
    """What was loaded and collected stays: the garbage collector need not go through it again after each test."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", help="write tests/golden.png anew, of what is rendered now")


@pytest.fixture(scope="session", autouse=True)
def own_settings(tmp_path_factory):
    """Folders of settings and of what is kept, of the tests' own, for programs that they start as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("settings")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        for name in ("FACEDIFF_C2PA_CERT", "FACEDIFF_C2PA_KEY"):
            patch.delenv(name, raising=False)
        yield os.environ["XDG_CONFIG_HOME"]


@pytest.fixture(scope="session")
def make_once(tmp_path_factory) -> Callable[[str, Callable[[Path], None]], Path]:
    """What gives a folder by its name, which is made by whichever process asks first and serves all of a run."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def once(name: str, make: Callable[[Path], None]) -> Path:
        folder, begun = root / name, root / f"{name}.begun"
        with FileLock(root / f"{name}.lock"):
            if not folder.exists():
                shutil.rmtree(begun, ignore_errors=True)
                begun.mkdir()
                make(begun)
                begun.rename(folder)
        return folder

    return once


@pytest.fixture(scope="session")
def portrait() -> NDArray[np.uint8]:
    """The portrait that comes with scikit-image, (512, 512, 3)."""
    return skimage.data.astronaut()


@pytest.fixture(scope="session")
def mesh(portrait: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Its face mesh (478, 3) in pixels."""
    from facediff.landmarks.detection import make_detector

    library = make_detector(None, follows_motion=False, max_faces=1)
    try:
        return library.detect(portrait)[0]
    finally:
        library.close()


@pytest.fixture(scope="session")
def write_film():
    """What writes a film as people bring it: see ``_write_film``."""
    return _write_film


def _write_film(
    path: Path, sounds: Sequence[Mapping[str, Any]], *, seconds: float = 2.0, picture_from: float = 0.0
) -> Path:
    """A film of grey frames, 25 a second, whose sounds lie where they are said to; without a picture for 0 seconds.

    Args:
        path: Its ending says what kind of container it is.
        sounds: For each ``samples`` (C, N), ``rate``, ``codec`` and ``layout``; ``start``, the time in seconds of the
            first sample; ``keeps``, which says of a packet's time whether it is written; ``shake``, which gives a time
            stamp that is written instead, in seconds; ``disposition``, whether it is the default.
        seconds: How long the picture is.
        picture_from: When it begins.
    """
    with av.open(str(path), "w") as container:
        packets = []
        if seconds:
            codec = {".webm": "libvpx", ".mpg": "mpeg2video"}.get(path.suffix, "libx264")
            video = container.add_stream(codec, rate=25)
            video.width = video.height = 64
            video.pix_fmt = "yuv420p"
        streams = []
        for sound in sounds:
            streams.append(container.add_stream(sound["codec"], rate=sound["rate"], layout=sound["layout"]))
            if "disposition" in sound:
                streams[-1].disposition = sound["disposition"]
        for stream, sound in zip(streams, sounds, strict=True):
            packets += _sound_packets(
                stream, **{k: v for k, v in sound.items() if k not in ("codec", "rate", "disposition")}
            )
        if seconds:
            for k in range(round(seconds * 25)):
                frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90 + k % 2, np.uint8), format="rgb24")
                frame.pts, frame.time_base = k + round(picture_from * 25), Fraction(1, 25)
                packets += video.encode(frame)
            packets += video.encode(None)
        container.mux(sorted(packets, key=lambda packet: float(packet.dts * packet.time_base)))
    return path


def _sound_packets(stream, samples, layout, *, start=0.0, keeps=None, shake=None) -> list[av.Packet]:
    rate = stream.rate
    packed = np.ascontiguousarray(np.asarray(samples, np.float32).T.reshape(1, -1))
    frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, round(start * rate), Fraction(1, rate)
    convert = av.AudioResampler(stream.format, layout, rate, frame_size=stream.frame_size or 1024)
    packets = []
    for piece in [*convert.resample(frame), *convert.resample(None), None]:
        packets += stream.encode(piece)
    if keeps is not None:
        packets = [packet for packet in packets if keeps(float(packet.pts * packet.time_base))]
    for packet in packets if shake is not None else ():
        packet.pts = packet.dts = round(shake(float(packet.pts * packet.time_base)) / packet.time_base)
    return packets


@pytest.fixture(scope="session")
def bursts() -> NDArray[np.float32]:
    """Two seconds of noise at 48 kHz that comes and goes, (N,), in which every place is like no other."""
    noise = np.random.default_rng(3).normal(size=96000)
    smooth = np.convolve(noise, np.hanning(24), "same")
    envelope = 0.15 + np.abs(np.sin(np.arange(96000) / 48000 * 2.3 * np.pi)) ** 2
    return (0.3 * smooth * envelope / np.abs(smooth).max()).astype(np.float32)
