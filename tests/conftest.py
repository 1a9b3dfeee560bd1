"""What every test may rely on: one real face, and nothing written into the folders of whoever runs them."""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # workers share the cores out; threads of several wait for one another
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray


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
