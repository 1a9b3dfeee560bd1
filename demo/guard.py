"""Stands before the server: what it must not be asked for, and how much it takes in."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from facediff.demo.limits import Limits
from facediff.demo.uploads import SCHEMES

MOST_FILES = 20  # of the largest size, that all visitors together may have here at a time
_AROUND = 100_000  # bytes of a request around its file
_HEARD_OUT = (413, 507)  # else a browser, still sending, would see a broken connection and not the answer


class Guard:
    """Turns away requests for other machines' pages, and uploads that would fill the disk.

    Args:
        app: The server.
        limits: What an upload may be.
        folder: Where uploads and results are kept.
    """

    def __init__(self, app: ASGIApp, limits: Limits, folder: Path) -> None:
        self._app, self._folder = app, folder
        self._largest = round(limits.megabytes * 1e6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is not None and refusal.status_code in _HEARD_OUT:
            while (await receive()).get("more_body", False):
                pass
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        path: str = scope["path"]
        # Gradio hands over ``file=https://...`` from anywhere to whoever asks.
        if path.partition("/file=")[2].lstrip("/").lower().startswith(SCHEMES):
            return PlainTextResponse("only files of this page", 403)
        if scope["method"] != "POST" or not path.endswith("/upload"):
            return None
        length = Headers(scope=scope).get("content-length", "")
        if not length.isdecimal():  # it could go on for ever
            return PlainTextResponse("the length of an upload must be said", 411)
        if int(length) > self._largest + _AROUND:  # Gradio limits each file, but not their number
            return PlainTextResponse(f"more than {self._largest / 1e6:g} MB at once", 413)
        if self._held() + int(length) > MOST_FILES * self._largest:
            return PlainTextResponse("too many files are here; try again in an hour", 507)
        return None

    def _held(self) -> int:
        """Bytes kept."""
        total = 0
        for place, _, names in os.walk(self._folder):
            for name in names:
                with contextlib.suppress(OSError):  # a file may go while it is looked at
                    total += os.lstat(os.path.join(place, name)).st_size
        return total
