"""What is on disk is what gets installed: packages, data, names."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from skimage.data import astronaut
from typer.testing import CliRunner

import facediff
from facediff.cli import app
from facediff.media import read_image

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = SETTINGS["tool"]["setuptools"]
MAPPED = {name: ROOT / folder for name, folder in SETUPTOOLS["package-dir"].items()}


def packages_on_disk() -> set[str]:
    found = set()
    for name, folder in MAPPED.items():
        for marker in folder.rglob("*.py"):
            parts = marker.parent.relative_to(folder).parts
            if "__pycache__" not in parts and not any((folder / part).is_symlink() for part in parts[:1]):
                found.add(".".join((name, *parts)))
    return found


def test_every_folder_with_code_is_a_listed_package():
    assert packages_on_disk() == set(SETUPTOOLS["packages"])


def test_every_package_has_an_init_file():
    for name in SETUPTOOLS["packages"]:
        top = max((m for m in MAPPED if name == m or name.startswith(m + ".")), key=len)
        assert (MAPPED[top] / Path(*name.removeprefix(top).split(".")) / "__init__.py").is_file(), name


def test_every_data_file_is_matched():
    """Files beside the code that no pattern of package-data names would be left out of the wheel in silence."""
    for name, folder in MAPPED.items():
        patterns = SETUPTOOLS["package-data"].get(name, [])
        packed = {p for pattern in patterns for p in folder.glob(pattern)}
        for file in folder.rglob("*"):
            inside = file.relative_to(folder).parts
            is_ours = file.is_file() and "__pycache__" not in inside and not (folder / inside[0]).is_symlink()
            if is_ours and file.suffix not in (".py", ".pyc"):
                assert file in packed, file.relative_to(ROOT)


@pytest.mark.parametrize("name", [n for n in MAPPED if n != "facediff"])
def test_symlinks_serve_what_reads_paths(name):
    link = ROOT / name.replace(".", "/")
    if link.is_file():
        pytest.skip("a clone without symbolic links")
    assert link.is_symlink() and link.resolve() == MAPPED[name]


@pytest.mark.parametrize("name", [n for n in MAPPED if n != "facediff"])
def test_a_second_name_is_refused(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    short = name.removeprefix("facediff.")
    with pytest.raises(ImportError, match=f"import {name}, not {short}"):
        __import__(short)


def test_the_command_and_the_licence_are_there():
    assert SETTINGS["project"]["scripts"] == {"facediff": "facediff.cli:main"}
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_one_opencv_alone():
    """Builds of OpenCV overwrite each other's files; mediapipe, whose own wants libGL, is asked for by name."""
    named = SETTINGS["project"]["dependencies"]
    (opencv,) = [d for d in named if d.startswith("opencv")]
    assert opencv.startswith("opencv-python-headless") and ";" not in opencv
    assert not any(d.startswith("mediapipe") for d in named)


def test_the_first_command_installs_the_torch_that_is_wanted():
    (wanted,) = [d for d in SETTINGS["project"]["dependencies"] if d.startswith("torch")]
    for file in ("Makefile", "Dockerfile"):
        assert f"'{wanted}'" in (ROOT / file).read_text(encoding="utf-8"), file


def test_every_extra_that_is_asked_for_exists_and_all_has_them():
    extras = SETTINGS["project"]["optional-dependencies"]
    code = "".join(p.read_text(encoding="utf-8") for folder in MAPPED.values() for p in folder.rglob("*.py"))
    asked = set(re.findall(r'MissingExtra\("[^"]+", "([^"]+)"', code))
    (everything,) = extras["all"]
    beside_no_mediapipe = {"livekit", "pipecat"}
    listed = set(everything.removeprefix("facediff[").removesuffix("]").split(","))
    assert beside_no_mediapipe < asked and asked == listed | beside_no_mediapipe
    assert asked == set(extras) - {"all", "dev", "docs"}


def test_version_is_one_and_valid():
    assert SETTINGS["project"]["dynamic"] == ["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", facediff.__version__)


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A copy of this checkout, to build in."""
    folder = tmp_path_factory.mktemp("source") / "facediff"
    skipped = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "out", "build", "dist", "*.egg-info")
    return shutil.copytree(ROOT, folder, symlinks=True, ignore=skipped)


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory) -> Path:
    """A wheel that was built from an unpacked source distribution, without a network."""
    folder = tmp_path_factory.mktemp("build")
    _build("sdist", source, folder)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    _build("wheel", unpacked, folder)
    (made,) = folder.glob("*.whl")
    return made


def _build(kind: str, source: Path, into: Path) -> None:
    plain = {"--build-option": ["--compression", "stored"]} if kind == "wheel" else {}  # weights are dense as they are
    code = f"import setuptools.build_meta as backend; backend.build_{kind}({str(into)!r}, {plain})"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True)


def test_the_wheel_holds_the_packages_their_data_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"facediff", f"facediff-{facediff.__version__}.dist-info"}
    for wanted in (
        "facediff/py.typed",
        "facediff/samples/hello.flac",
        "facediff/audio/wave.py",
        "facediff/landmarks/mean_face.npy",
        "facediff/checkpoints/mesh/mesh.safetensors",
        "facediff/checkpoints/mesh/NOTICE.md",
        "facediff/demo/app.py",
        "facediff/checkpoints/base/codec/config.json",
        "facediff/checkpoints/base/README.md",
    ):
        assert wanted in names
    weights = {str(p.relative_to(ROOT)) for p in (ROOT / "facediff" / "checkpoints").rglob("*.safetensors")}
    assert weights == {name for name in names if name.endswith(".safetensors") and "checkpoints" in name}
    assert not [name for name in names if "test" in name.lower()]


@pytest.mark.slow
def test_installed_from_the_wheel_it_runs_anywhere(wheel, tmp_path):
    """In an environment of its own, which sees the libraries of this one but not this checkout."""
    home = tmp_path / "env"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    (site,) = home.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--no-deps",
        "--no-index",
        "--no-compile",
    ]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    place = "import facediff.audio; print(facediff.audio.__file__)"
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    found = subprocess.run([python, "-c", place], cwd=tmp_path, check=True, capture_output=True, text=True, env=alone)
    assert Path(found.stdout.strip()).is_relative_to(home)
    Image.fromarray(astronaut()).save(tmp_path / "her.png")
    speech = site / "facediff" / "samples" / "hello.flac"
    done = subprocess.run(
        [home / "bin" / "facediff", "talk", "her.png", speech, "-o", "look", "--preview"],
        cwd=tmp_path, capture_output=True, text=True, env=alone,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert read_image(tmp_path / "look.png").shape == (512, 512, 3)


def test_the_image_is_built_of_what_there_is():
    """What the Dockerfile copies exists and reaches the builder; what it runs is our command."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    reaches = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [name for line in lines if line.startswith("COPY") for name in line.split()[1:-1]]
    assert copied and set(copied) == reaches
    assert all((ROOT / name).exists() for name in copied)
    command = json.loads(next(line for line in lines if line.startswith("CMD")).removeprefix("CMD "))
    shown = CliRunner().invoke(app, [*command[1:], "--help"])
    assert command[0] == "facediff" and shown.exit_code == 0 and "--port" in shown.output


def test_the_space_is_served_where_the_image_listens():
    _, front, _ = (ROOT / "space" / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    settings = dict(line.split(": ", 1) for line in front.splitlines())
    exposed = re.search(r"^EXPOSE (\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert settings["sdk"] == "docker" and exposed and settings["app_port"] == exposed[1]
    assert len(settings["short_description"]) <= 60


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
def test_the_space_holds_what_its_image_is_built_of_and_the_page(source):
    """Its copy of the code, away from this checkout, builds the page without a network."""
    subprocess.run(["make", "space"], cwd=source, check=True, capture_output=True)
    place = source / "out" / "space"
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY"):
            assert all((place / name).exists() for name in line.split()[1:-1]), line
    assert (place / "README.md").read_text(encoding="utf-8").startswith("---\ntitle: facediff\n")
    stored = {line.split()[0] for line in (place / ".gitattributes").read_text().splitlines()}
    heavy = {f"*{p.suffix}" for p in place.rglob("*") if p.is_file() and b"\0" in p.read_bytes()[:8000]}
    assert heavy <= stored  # the hub takes no binary file outside of git-lfs
    pytest.importorskip("gradio")
    code = (
        "import pathlib, sys, facediff; from facediff.demo.app import build; from facediff.demo.jobs import Jobs;"
        "from facediff.demo.limits import Limits; folder = pathlib.Path(sys.argv[1]);"
        "page = build(Jobs(folder), Limits(), folder); print(facediff.__file__, len(page.fns))"
    )
    run = [sys.executable, "-c", code, str(source.parent)]
    found = subprocess.run(run, cwd=place, check=True, capture_output=True, text=True).stdout.split()
    assert Path(found[0]).is_relative_to(place) and int(found[1]) > 8
