"""Faces are found, and clips made, whatever language the user's system speaks."""

from __future__ import annotations

import locale
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import wave
from pathlib import Path

import pytest
from PIL import Image
from skimage.data import astronaut

from facediff.media import VideoReader
from facediff.system.locale import c_locale

LOCALES = {  # how localedef makes them, of what Debian's package "locales" holds
    "tr_TR.UTF-8": ("tr_TR", "UTF-8"),
    "zh_CN.GBK": ("zh_CN", "GBK"),
    "de_DE.UTF-8": ("de_DE", "UTF-8"),
}
FACES = textwrap.dedent("""
    import locale, sys
    from skimage.data import astronaut
    for name in sys.argv[1:]:  # the first is there when libraries are loaded
        locale.setlocale(locale.LC_ALL, name)  # as programs with windows do; Python itself sets LC_CTYPE alone
        before = locale.setlocale(locale.LC_ALL)
        from facediff.landmarks.detection import carries_models, find_faces
        from facediff.landmarks.segmentation import person_mask
        for detector in ("torch", "mediapipe") if carries_models() else ("torch",):
            face, = find_faces(astronaut(), detector=detector)
        mask = person_mask(astronaut())
        assert locale.setlocale(locale.LC_ALL) == before, "the user's locale comes back"
        print(f"{face[1].round()[:2].astype(int).tolist()} {mask[200:500, 150:300].mean() > 0.9}")
""")


@pytest.fixture(scope="module")
def made_locales(tmp_path_factory) -> Path:
    """A folder with the locales, whether or not the system has them; it goes into LOCPATH."""
    if not shutil.which("localedef") or not Path("/usr/share/i18n/locales/tr_TR").is_file():
        pytest.skip("no locale can be made here: localedef or its sources (Debian's package 'locales') are missing")
    folder = tmp_path_factory.mktemp("locales")
    for name, (language, letters) in LOCALES.items():
        subprocess.run(["localedef", "-i", language, "-f", letters, folder / name], check=False, capture_output=True)
        assert (folder / name / "LC_CTYPE").is_file()
    return folder


def run(command: list[str], name: str, locales: Path, cwd: Path) -> subprocess.CompletedProcess:
    env = {k: v for k, v in os.environ.items() if not k.startswith("LC_") and k != "PYTHONUTF8"}
    env |= {"LANG": name, "LOCPATH": str(locales), "PYTHONPATH": os.getcwd()}
    return subprocess.run([sys.executable, *command], cwd=cwd, env=env, capture_output=True, timeout=300)


def test_faces_are_found_in_every_locale(made_locales, tmp_path):
    """Dotless i; a decimal comma; other bytes; and, to compare with, where nobody's language is spoken."""
    names = ["tr_TR.UTF-8", "de_DE.UTF-8", "zh_CN.GBK", "C.UTF-8"]
    done = run(["-c", FACES, *names], names[0], made_locales, tmp_path)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    *others, plain = done.stdout.splitlines()
    assert others == 3 * [plain] and b"True" in plain


@pytest.mark.parametrize("name", ["tr_TR.UTF-8", pytest.param("zh_CN.GBK", marks=pytest.mark.slow)])
def test_the_command_line_renders_from_and_to_names_with_letters_of_all_kinds(name, made_locales, tmp_path):
    folder = tmp_path / "İğdır déjà 中文"
    folder.mkdir()
    Image.fromarray(astronaut()).save(folder / "yüz.png")
    with wave.open(str(folder / "söz.wav"), "wb") as sound:
        sound.setparams((1, 2, 16000, 0, "NONE", ""))
        sound.writeframes(bytes(2 * 3200))
    names = [str(folder / name) for name in ("yüz.png", "söz.wav", "gül.mp4")]
    command = ["-m", "facediff", "talk", *names[:2], "-o", names[2], "--fps", "10"]
    done = run(command, name, made_locales, tmp_path)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert len(list(VideoReader(folder / "gül.mp4"))) == 2
    assert sorted(p.name for p in folder.iterdir()) == sorted(["yüz.png", "söz.wav", "gül.mp4"])


def test_it_holds_within_and_the_former_comes_back_even_after_a_failure():
    before = locale.setlocale(locale.LC_CTYPE)
    with pytest.raises(RuntimeError), c_locale(), c_locale():
        assert locale.setlocale(locale.LC_CTYPE) == "C" == locale.setlocale(locale.LC_NUMERIC)
        raise RuntimeError
    assert locale.setlocale(locale.LC_CTYPE) == before


def test_threads_wait_for_one_another():
    entered, before = threading.Event(), locale.setlocale(locale.LC_CTYPE)

    def enter() -> None:
        with c_locale():
            entered.set()

    other = threading.Thread(target=enter)
    with c_locale():
        other.start()
        assert not entered.wait(0.2)
    other.join()
    assert entered.is_set() and locale.setlocale(locale.LC_CTYPE) == before
