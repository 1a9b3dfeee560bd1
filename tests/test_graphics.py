"""Nothing of a desktop's graphics is loaded: servers and containers have no libGL and no libEGL."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

RENDERED = textwrap.dedent("""
    from pathlib import Path
    import cv2
    import numpy as np

    def mapped():
        maps = Path("/proc/self/maps").read_text()
        return {name for name in ("libGL.", "libEGL.", "mediapipe", "libtorch_cpu") if name in maps}

    opencv = mapped()  # the build that mediapipe brings wants libGL; the headless one, which is ours, does not
    from skimage.data import astronaut
    from facediff import Avatar
    from facediff.media import write_image
    write_image(Path("driver.png"), astronaut())
    avatar = Avatar.from_image(astronaut())
    print(avatar.talk((0.1 * np.sin(np.arange(3200) / 9)).astype(np.float32), fps=10, steps=1).preview().shape)
    print(avatar.animate("driver.png").preview().shape)
    print(*sorted(mapped() - opencv))
""")


@pytest.mark.skipif(not Path("/proc/self/maps").is_file(), reason="only Linux lists what a process has loaded there")
def test_talking_and_animating_load_neither_libgl_nor_libegl(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", RENDERED],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path.cwd()), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["(512, 512, 3)", "(512, 512, 3)", "libtorch_cpu"]
