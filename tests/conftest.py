"""What every test may rely on: nothing is written into the folders of whoever runs them."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_settings(tmp_path_factory):
    """Folders of settings and of what is kept, of the tests' own, for programs that they start as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("settings")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        for name in ("FACEDIFF_C2PA_CERT", "FACEDIFF_C2PA_KEY"):
            patch.delenv(name, raising=False)
        yield os.environ["XDG_CONFIG_HOME"]
