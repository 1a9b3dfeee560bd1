"""Native code that reads text by the user's locale, kept from it."""

from __future__ import annotations

import contextlib
import locale
import threading
from collections.abc import Iterator

_CATEGORIES = (locale.LC_CTYPE, locale.LC_NUMERIC)  # what letters are, and what the decimal point is
_LOCK = threading.RLock()  # a locale is the whole process's: overlapping threads would put back each other's


@contextlib.contextmanager
def c_locale() -> Iterator[None]:
    """Letters and numbers as in the locale "C" while native code parses text; the user's come back afterwards.

    mediapipe changes the case of its graphs' names by the locale, and so fails to parse them in Turkish (whose capital
    of i has a dot) and in those that are not of UTF-8; where a program has set a decimal comma, it cannot even be
    imported. One thread at a time; it may be entered again within itself.
    """
    with _LOCK:
        before = [locale.setlocale(category) for category in _CATEGORIES]
        try:
            for category in _CATEGORIES:
                locale.setlocale(category, "C")
            yield
        finally:
            for category, name in zip(_CATEGORIES, before, strict=True):
                locale.setlocale(category, name)
