"""A small portrait that is live, on untrained networks that paint."""

from __future__ import annotations

import pytest

from facediff import Avatar


@pytest.fixture(scope="session")
def small_avatar(close_up, tiny_model) -> Avatar:
    """An avatar of 192 by 192 pixels."""
    return Avatar.from_image(close_up, model=str(tiny_model), device="cpu")
