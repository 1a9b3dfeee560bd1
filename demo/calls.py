"""The live page's server: a visitor offers a call, and a portrait answers it."""

from __future__ import annotations

import asyncio
import io
import secrets
import socket
import tempfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from facediff.avatar import Avatar
from facediff.demo.limits import Limits
from facediff.errors import FaceDiffError, InputError, OutputError
from facediff.types import Frame

if TYPE_CHECKING:
    from facediff.agents.webrtc import Call

PLACE = "/live"  # where the page of a server with other pages lies
LONGER_SIDE = 512  # what two cores can keep up with
_LONGEST_OFFER = 100_000


class Calls:
    """Calls that are going on.

    Args:
        own: Who answers where a visitor brings nobody.
        limits: What a portrait may be.
        most: How many calls at a time; each is a process that renders.
        options: Those of ``Avatar.live``.
    """

    def __init__(self, own: Avatar | Frame, limits: Limits, *, most: int = 1, **options: Any) -> None:
        self._own, self._limits, self._most = own, limits, most
        self._options = options
        self.largest = round(limits.megabytes * 1e6) + _LONGEST_OFFER
        self._calls: dict[str, Call] = {}
        self._begun = 0  # that are not among them yet

    async def begin(self, offer: str, picture: bytes | None) -> tuple[str, str]:
        """The name of a new call, and what answers the offer.

        Raises:
            FaceDiffError: The picture cannot be used, the offer is none, or others are being answered.
        """
        from facediff.agents.webrtc import Call

        if len(self._calls) + self._begun >= self._most:
            raise FaceDiffError("somebody else is live at the moment; try again when they have ended")
        self._begun += 1
        try:
            loop = asyncio.get_running_loop()
            avatar = await loop.run_in_executor(None, self._avatar, picture)
            options = {**self._options, "size": self._options.get("size") or LONGER_SIDE}
            call, name = await Call.of(avatar, **options), secrets.token_urlsafe(9)
            told = await call.answer(offer)
            self._calls[name] = call
            asyncio.ensure_future(self._forget(name))
            return name, told
        finally:
            self._begun -= 1

    async def end(self, name: str) -> None:
        """Ends a call, if there is one of this name."""
        if name in self._calls:
            await self._calls[name].close()

    def stop(self) -> None:
        """Ends what renders for all calls; from any thread."""
        for call in list(self._calls.values()):
            call.live.shutdown()

    def still(self) -> bytes:
        """The portrait that answers, as a JPEG."""
        picture = self._own if isinstance(self._own, np.ndarray) else self._own.idle(seconds=0.2, paint=False).preview()
        kept = io.BytesIO()
        Image.fromarray(picture).save(kept, "JPEG", quality=90)
        return kept.getvalue()

    def _avatar(self, picture: bytes | None) -> Avatar:
        """Of the portrait that a visitor brings, or who answers otherwise."""
        if picture is None:
            return self._own if isinstance(self._own, Avatar) else Avatar.from_image(self._own)
        with tempfile.TemporaryDirectory(prefix="facediff-live-") as folder:
            path = Path(folder) / "portrait"
            path.write_bytes(picture)
            try:
                return Avatar.from_image(self._limits.picture(path), face="largest")
            except FaceDiffError as error:  # where it lies is nobody's business
                raise InputError(str(error).replace(str(path), "the portrait")) from error

    async def _forget(self, name: str) -> None:
        await self._calls[name].is_over.wait()
        del self._calls[name]


def live_app(calls: Calls) -> Starlette:
    """The page, its portrait, and where calls begin and end."""

    async def page(_: Request) -> Response:
        return HTMLResponse((files("facediff.demo") / "live_page.html").read_text(encoding="utf-8"))

    async def portrait(_: Request) -> Response:
        return Response(calls.still(), media_type="image/jpeg")

    async def begin(request: Request) -> Response:
        if request.headers.get("origin", "").partition("://")[2] not in ("", request.headers.get("host", "")):
            return JSONResponse({"error": "calls begin on this server's own page"}, 403)
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > calls.largest:
            return JSONResponse({"error": f"more than {calls.largest / 1e6:g} MB at once"}, 413)
        try:
            async with request.form(max_files=1, max_fields=1, max_part_size=_LONGEST_OFFER) as form:
                given = form.get("portrait")
                picture = await given.read() if given is not None and not isinstance(given, str) else None
                name, told = await calls.begin(str(form.get("sdp", "")), picture)
        except FaceDiffError as error:
            return JSONResponse({"error": str(error)}, 409)
        return JSONResponse({"call": name, "sdp": told})

    async def end(request: Request) -> Response:
        await calls.end(request.path_params["name"])
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route("/", page), Route("/portrait", portrait), Route("/calls", begin, methods=["POST"]),
            Route("/calls/{name}", end, methods=["DELETE"]),
        ]
    )  # fmt: skip


def serve(avatar: Avatar, host: str, port: int, began: Callable[[str], None], **options: Any) -> None:
    """Serves the live page of one portrait until it is interrupted.

    Args:
        avatar: Of the portrait.
        host: Whom to listen to.
        port: Where.
        began: Told the address.
        options: Those of ``Avatar.live``.

    Raises:
        OutputError: The port is taken.
        MissingExtra: What a call needs is not installed.
    """
    import facediff.agents.webrtc  # noqa: F401  # so that it is missed now and not in the midst of a call

    calls = Calls(avatar, Limits(), **options)
    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        raise OutputError(
            f"nothing can listen at {host}:{port}: {error.strerror or error}; give another --port"
        ) from error
    server = uvicorn.Server(uvicorn.Config(live_app(calls), log_level="warning", timeout_graceful_shutdown=1))
    began(f"http://{host}:{port}/")
    try:
        server.run([listening])
    finally:
        calls.stop()


class LiveRoutes:
    """Puts the live page beside others, under ``PLACE``.

    Args:
        app: The server of the others.
        live: What ``live_app`` gives.
    """

    def __init__(self, app: ASGIApp, live: ASGIApp) -> None:
        self._app, self._live = app, live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(f"{PLACE}/"):
            await self._live({**scope, "path": path[len(PLACE) :], "root_path": ""}, receive, send)
        else:
            await self._app(scope, receive, send)
