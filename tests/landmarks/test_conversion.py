"""The embedded weights are those of mediapipe's wheel."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file

from facediff.errors import MissingExtra, WeightsError
from facediff.landmarks import conversion
from facediff.landmarks.detection import carries_models
from facediff.landmarks.networks import NETWORKS, WEIGHTS

with_mediapipe = pytest.mark.skipif(not carries_models(), reason="mediapipe 0.10 is not installed")


@with_mediapipe
def test_converted_anew_they_are_the_same_to_the_byte(tmp_path):
    written = conversion.convert(tmp_path)
    assert {file.stem for file in written} == set(NETWORKS)
    for file in written:
        assert file.read_bytes() == (WEIGHTS / file.name).read_bytes(), file.name


@with_mediapipe
@pytest.mark.parametrize("name", ["short_range", "mesh"])
def test_another_network_is_refused(name):
    with pytest.raises(WeightsError, match=f"is not the network '{name}' that is known here"):
        conversion.state_of(name, conversion._wheel() / conversion.SOURCES["segmenter"])


def test_without_mediapipe_the_error_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mediapipe", None)
    with pytest.raises(MissingExtra, match=r"pip install 'facediff\[mediapipe\]'"):
        conversion.convert(tmp_path)


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_are_whole_and_in_half_precision(name):
    for key, value in load_file(WEIGHTS / f"{name}.safetensors").items():
        assert value.dtype == np.float16 and np.isfinite(value).all(), key


def test_their_licence_and_origin_travel_with_them():
    notice, card = [(WEIGHTS / name).read_text(encoding="utf-8") for name in ("NOTICE.md", "README.md")]
    assert "Apache License" in notice and "Changed by facediff" in notice
    assert all(source.rpartition("/")[2] in card for source in conversion.SOURCES.values())
