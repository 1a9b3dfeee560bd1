"""What is not as a file has it, said once for each file however often it is opened."""

from __future__ import annotations

import logging
from functools import lru_cache

log = logging.getLogger(__name__)


@lru_cache(maxsize=1024)
def warn_once(message: str) -> None:
    """Logs a warning, unless the same one has been logged before."""
    log.warning("%s", message)
