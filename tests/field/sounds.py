"""Sounds as people bring them, made of the sample sentence, and what of it must be heard in each."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray
from PIL import Image

import facediff
from facediff.audio.wave import load_wave

from .films import PICTURE

Samples = NDArray[np.float32]

HELLO = Path(facediff.__file__).parent / "samples" / "hello.flac"
SECONDS = 2.0


def sentence(rate: int) -> Samples:
    """Two seconds of the sample sentence, (N,)."""
    return load_wave(HELLO, sample_rate=rate)[rate // 2 : rate // 2 + round(SECONDS * rate)]


@dataclass(frozen=True)
class Heard:
    """What must be heard.

    Attributes:
        start: After which time, in seconds.
        decibels: How much louder than the sentence is.
        likeness: How much of what is heard is the sentence, as a correlation.
        top: Up to which frequency, in Hz.
        is_long_known: Whether its length is known without decoding it.
    """

    start: float = 0.0
    decibels: float = 0.0
    likeness: float = 0.95
    top: int = 8000
    is_long_known: bool = True


SOUNDS: dict[str, tuple[str, Callable[[Path], Heard]]] = {}


def sound(name: str, about: str) -> Callable[[Callable[[Path], Heard]], Callable[[Path], Heard]]:
    """Registers what makes a sound by what it is about; ``name`` is that of the file."""

    def register(make: Callable[[Path], Heard]) -> Callable[[Path], Heard]:
        SOUNDS[about] = name, make
        return make

    return register


def write(
    path: Path, codec: str, rate: int, *, layout: str = "mono", samples: Samples | None = None,
    kind: str | None = None, options: dict[str, str] | None = None, muxing: dict[str, str] | None = None,
    bits: int = 64_000, sample_format: str | None = None,
) -> Path:  # fmt: skip
    """A sound of channels (C, N) or of the sentence in each."""
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    samples = np.tile(sentence(rate), (channels, 1)) if samples is None else samples
    with av.open(str(path), "w", format=kind, options=muxing or {}) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout, options=options or {})
        stream.bit_rate = bits
        if sample_format:
            stream.format = sample_format
        stream.codec_context.open()
        packed = np.ascontiguousarray(np.asarray(samples, np.float32).T.reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        convert = av.AudioResampler(stream.format, layout, rate, frame_size=stream.frame_size or 1024)
        for piece in [*convert.resample(frame), *convert.resample(None), None]:
            container.mux(stream.encode(piece))
    return path


def plain(name: str, about: str, codec: str, rate: int, heard: Heard | None = None, **given: object) -> None:
    """Registers a sound that is the sentence in some codec."""

    @sound(name, about)
    def make(path: Path) -> Heard:
        write(path, codec, rate, **given)  # type: ignore[arg-type]
        return heard or Heard()


plain("a.aac", "AAC without a container, whose padding nobody knows", "aac", 44100, Heard(start=0.023))
plain("a.m4a", "a phone's memo", "aac", 48000)
plain("a.mp3", "an mp3 of 44.1 kHz", "libmp3lame", 44100)
plain(
    "a.mp3",
    "an mp3 that does not say how long it is",
    "libmp3lame",
    44100,
    Heard(start=0.025),
    muxing={"write_xing": "0"},
)
plain("a.ogg", "a messenger's Opus", "libopus", 48000)
plain("a.opus", "Opus of 12 kHz", "libopus", 12000, Heard(top=5000))
plain("a.amr", "a phone's voice memo of 8 kHz", "libopencore_amrnb", 8000, Heard(likeness=0.6, top=3400), bits=12_200)
plain("a.3gp", "the same in 3gp", "libopencore_amrnb", 8000, Heard(likeness=0.6, top=3400), bits=12_200)
plain("a.wav", "a call centre's A-law", "pcm_alaw", 8000, Heard(top=3800))
plain("a.au", "a mu-law of an old workstation", "pcm_mulaw", 8000, Heard(top=3800))
plain("a.wav", "a dictaphone's ADPCM of IMA", "adpcm_ima_wav", 22050)
plain("a.wav", "ADPCM of Microsoft", "adpcm_ms", 22050)
plain("a.flv", "ADPCM of Flash", "adpcm_swf", 22050)
plain("a.wav", "24 bits of 96 kHz", "pcm_s24le", 96000)
plain("a.wav", "32 bits", "pcm_s32le", 48000)
plain("a.wav", "floats of 64 bits", "pcm_f64le", 48000)
plain("a.wav", "8 bits without a sign", "pcm_u8", 16000, Heard(likeness=0.9))
plain("a.aiff", "an AIFF, most significant byte first", "pcm_s16be", 44100)
plain("a.caf", "Apple's Core Audio", "pcm_s24be", 44100)
plain("a.w64", "a wav of 64 bits", "pcm_s16le", 48000)
plain("a.wav", "RF64, for what is longer than four gigabytes", "pcm_s16le", 48000, muxing={"rf64": "always"})
plain("a.wma", "Windows Media, whose first block FFmpeg drops", "wmav2", 44100, Heard(start=-0.046), bits=96_000)
plain("a.flac", "FLAC of 192 kHz", "flac", 192000, sample_format="s32")
plain("a.m4a", "Apple's lossless", "alac", 44100)
plain("a.aac", "a broadcast's AAC in LATM", "aac", 44100, Heard(start=0.023, is_long_known=False), kind="latm")
plain(
    "a.rm",
    "RealAudio, whose packets all say the same time",
    "real_144",
    8000,
    Heard(start=0.02, likeness=0.9, top=3400, is_long_known=False),
)
plain("a.wav", "a radio's ADPCM of G.722", "g722", 16000)
plain("a.mp2", "a radio's MP2", "mp2", 48000, bits=128_000)
plain("a.mka", "speech alone in Matroska", "flac", 48000)
plain("a.tta", "True Audio", "tta", 44100)
plain("a.wv", "WavPack", "wavpack", 44100)


@sound("a.wav", "the right channel alone")
def _(path: Path) -> Heard:
    write(path, "pcm_s16le", 48000, layout="stereo", samples=np.stack([0 * sentence(48000), sentence(48000)]))
    return Heard()


@sound("a.m4a", "the left channel alone, with noise in the other")
def _(path: Path) -> Heard:
    hiss = np.random.default_rng(0).normal(0, 1e-4, round(SECONDS * 48000)).astype(np.float32)
    write(path, "aac", 48000, layout="stereo", samples=np.stack([sentence(48000), hiss]), bits=128_000)
    return Heard()


@sound("a.wav", "silence first")
def _(path: Path) -> Heard:
    write(path, "pcm_s16le", 16000, samples=np.concatenate([np.zeros(5 * 16000, np.float32), sentence(16000)])[None])
    return Heard(start=5)


@sound("a.wav", "a recording streamed to a pipe, whose header knows no length")
def _(path: Path) -> Heard:
    data = bytearray(write(path, "pcm_s16le", 16000, muxing={"fflags": "bitexact"}).read_bytes())
    at = data.index(b"data")
    data[4:8] = data[at + 4 : at + 8] = b"\xff" * 4
    path.write_bytes(data)
    return Heard()


@sound("a.wav", "a recorder that lost its power, whose header says nothing came")
def _(path: Path) -> Heard:
    data = bytearray(write(path, "pcm_s16le", 16000).read_bytes())
    at = data.index(b"data")
    data[4:8] = data[at + 4 : at + 8] = bytes(4)
    path.write_bytes(data)
    return Heard()


@sound("a.wav", "notes behind the sound")
def _(path: Path) -> Heard:
    data = write(path, "pcm_s16le", 16000).read_bytes() + b"LIST" + struct.pack("<I", 5000) + b"INFO" + b"\x55" * 4996
    path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])
    return Heard()


@sound("a.mp3", "an mp3 with a page of tags before it")
def _(path: Path) -> Heard:
    tags = b"ID3\x03\x00\x00" + bytes([0, 0, 100, 0]) + bytes(12800)
    path.write_bytes(tags + write(path, "libmp3lame", 44100, muxing={"id3v2_version": "0"}).read_bytes())
    return Heard()


@sound("a.ogg", "two recordings of a messenger, joined")
def _(path: Path) -> Heard:
    half = round(SECONDS * 24000)
    parts = [sentence(48000)[:half], sentence(48000)[half:]]
    path.write_bytes(
        b"".join(write(path, "libopus", 48000, samples=part[None], bits=96_000).read_bytes() for part in parts)
    )
    return Heard(likeness=0.9, is_long_known=False)


@sound("a.wav", "a pocket recorder's offset")
def _(path: Path) -> Heard:
    write(path, "pcm_s16le", 16000, samples=(sentence(16000) + 0.2)[None])
    return Heard()


@sound("a.wav", "a whisper of -50 dB")
def _(path: Path) -> Heard:
    write(path, "pcm_s24le", 48000, samples=0.003 * sentence(48000)[None])
    return Heard(decibels=-50.5)


@sound("a.mp4", "an mp3 called mp4")
def _(path: Path) -> Heard:
    write(path, "libmp3lame", 44100, kind="mp3")
    return Heard()


@sound("voice", "a voice memo without an ending")
def _(path: Path) -> Heard:
    write(path, "aac", 44100, kind="ipod")
    return Heard()


@sound("a.wav", "floats of a plug-in that divided by zero")
def _(path: Path) -> Heard:
    samples = np.tile(sentence(48000), (2, 1))
    samples[0, 30000:30010], samples[1, 31000], samples[:, 32000] = np.nan, -np.inf, 1e30
    write(path, "pcm_f32le", 48000, layout="stereo", samples=samples)
    return Heard()


@sound("a.wav", "doubles at the scale of whole numbers of 16 bits, with one that is none")
def _(path: Path) -> Heard:
    samples = 32767 * sentence(16000)[None]
    samples[0, 9000] = np.nan
    write(path, "pcm_f64le", 16000, samples=samples)
    return Heard(decibels=-20 * np.log10(np.abs(sentence(16000)).max()))


@sound("a.eac3", "a streaming service's 5.1, whose speech is in the middle")
def _(path: Path) -> Heard:
    samples = np.zeros((6, round(SECONDS * 48000)), np.float32)
    samples[2] = sentence(48000)
    write(path, "eac3", 48000, layout="5.1", samples=samples, bits=256_000)
    return Heard(start=0.005)


@sound("a.flac", "one voice, in the left surround of a 5.1")
def _(path: Path) -> Heard:
    samples = np.zeros((6, round(SECONDS * 48000)), np.float32)
    samples[4] = sentence(48000)
    write(path, "flac", 48000, layout="5.1", samples=samples, sample_format="s32")
    return Heard()


@sound("a.m4a", "a voice note with the picture of a cover")
def _(path: Path) -> Heard:
    note = write(path.with_name("note.m4a"), "aac", 48000)
    cover = path.with_name("cover.png")
    Image.fromarray(PICTURE).save(cover)
    with av.open(str(note)) as given, av.open(str(cover)) as art, av.open(str(path), "w", format="mp4") as container:
        picture = container.add_stream_from_template(art.streams.video[0])
        picture.disposition = Disposition.attached_pic
        voice = container.add_stream_from_template(given.streams.audio[0])
        for source, to in ((art, picture), (given, voice)):
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = to
                    container.mux(packet)
    return Heard()
