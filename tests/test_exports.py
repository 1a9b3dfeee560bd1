"""What the package gives, and what importing it costs."""

from __future__ import annotations

import json
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
    assert facediff.__all__ == ["Avatar", "Clip", "FaceDiffError", "__version__", "enhance"]
    assert dir(facediff) == sorted(facediff.__all__)


@pytest.mark.parametrize("name", facediff.__all__)
def test_public_names_are_there(name):
    assert getattr(facediff, name) is not None


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = facediff.Nothing


def loaded_by(modules: tuple[str, ...], heavy: tuple[str, ...], others: str = "pass") -> dict[str, list[str]]:
    """What of the heavy libraries is there after each import, one after the other, in a fresh interpreter."""
    code = f"""
import contextlib, importlib, json, sys
with contextlib.suppress(ImportError):
    {others}
theirs, there = set(sys.modules), {{}}
for module in {modules}:
    importlib.import_module(module)
    there[module] = [name for name in {heavy} if name in sys.modules.keys() - theirs]
print(json.dumps(there))
"""
    return json.loads(run(code))


def test_light_modules_load_nothing_heavy():
    heavy = ("torch", "mediapipe", "librosa", "transformers", "diffusers", "gradio", "skimage")
    modules = ("facediff", "facediff.errors", "facediff.options", "facediff.media", "facediff.cli")
    assert loaded_by(modules, heavy) == {module: [] for module in modules}


def test_face_meshes_and_hubs_are_loaded_when_needed():
    modules = ("facediff.pipelines.loading", "facediff.avatar")
    heavy = ("mediapipe", "librosa", "face_alignment", "gradio")
    # Beside some releases of transformers, peft, which diffusers loads where it is there, loads librosa.
    assert loaded_by(modules, heavy, "import peft") == {module: [] for module in modules}


def test_networks_are_loaded_when_something_is_made():
    modules = ("facediff.provenance", "facediff.clip", "facediff.batch.tasks", "facediff.avatar")
    heavy = ("torch", "diffusers", "transformers", "sklearn", "matplotlib")
    assert loaded_by(modules, heavy) == {module: [] for module in modules}


def test_a_command_that_renders_loads_no_more_than_it_renders_with(tmp_path):
    """diffusers brings transformers, accelerate, peft and torch's compiler, which take longer than all else."""
    heavy = ("diffusers", "transformers", "accelerate", "peft", "torch._dynamo", "sympy", "mediapipe", "librosa")
    heavy += ("sklearn", "matplotlib", "scipy.stats", "scipy.fft", "scipy.signal", "gradio", "openvino")
    code = f"""
import os, sys
os.environ["FACEDIFF_BACKEND"] = "none"
from PIL import Image
from skimage.data import astronaut
her = {str(tmp_path / "her.png")!r}
Image.fromarray(astronaut()[:256, 96:352]).save(her)
theirs = set(sys.modules)
from facediff.cli import app
for arguments in (["talk", her, {str(ROOT / "facediff" / "samples" / "hello.flac")!r}], ["animate", her, her]):
    try:
        app([*arguments, "--preview", "-o", {str(tmp_path / "made.png")!r}])
    except SystemExit as ended:
        assert not ended.code
print([name for name in {heavy} if name in sys.modules.keys() - theirs])
"""
    assert run(code).splitlines()[-1] == "[]"
    assert (tmp_path / "made.png").is_file()


def test_help_needs_no_more_than_what_it_says():
    heavy = ("torch", "numpy", "scipy", "cv2", "av", "PIL", "facediff.avatar")
    code = f"""
import sys
from facediff.cli import app
try:
    app(["--help"])
except SystemExit:
    print([m for m in {heavy} if m in sys.modules])
"""
    assert run(code).splitlines()[-1] == "[]"


def seconds(code: str) -> float:
    """Of the processor, that a fresh interpreter takes for it: the least of three times, for another job's load is none
    of ours.
    """
    told = f"import time\n{code}\nprint(time.process_time())"
    return min(float(run(told).splitlines()[-1]) for _ in range(3))


def test_importing_takes_no_long_time():
    """Half a second for ``facediff.avatar`` and a fifth for the help on an idle core; three times that is taken."""
    assert seconds("import facediff.avatar") < 1.5
    assert seconds("from facediff.cli import app\ntry: app(['--help'])\nexcept SystemExit: pass") < 0.6
