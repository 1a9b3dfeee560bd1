"""What the package gives, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import facediff

ROOT = Path(__file__).parents[1]


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_public_names_are_these():
    assert facediff.__all__ == ["Avatar", "Clip", "FaceDiffError", "__version__"]
    assert dir(facediff) == sorted(facediff.__all__)


@pytest.mark.parametrize("name", facediff.__all__)
def test_public_names_are_there(name):
    assert getattr(facediff, name) is not None


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = facediff.Nothing


@pytest.mark.parametrize("module", ["facediff", "facediff.cli", "facediff.errors", "facediff.media"])
def test_light_modules_load_nothing_heavy(module):
    heavy = ("torch", "mediapipe", "librosa", "transformers", "diffusers", "gradio", "skimage")
    assert run(f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])") == "[]"


@pytest.mark.parametrize("module", ["facediff.avatar", "facediff.pipelines.loading"])
def test_face_meshes_and_hubs_are_loaded_when_needed(module):
    heavy = ("mediapipe", "librosa", "face_alignment", "gradio")
    assert run(f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])") == "[]"
