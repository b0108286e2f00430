"""The pages and the one socket of a studio, behind a token and closed to other pages."""

import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from photinus.errors import InvalidInput, PhotinusError
from photinus.faces.studio import messages
from photinus.faces.studio.frames import packed
from photinus.faces.studio.problems import Shelf
from photinus.faces.studio.session import Session

STATIC = Path(__file__).parent / "static"
HOSTS = ("127.0.0.1", "localhost")
"""Names that a browser may call this computer by; another one could be led here by its owner."""
MOST_SESSIONS = 8
LARGEST_MODEL = 16 << 20
"""Bytes of a model file."""
LONGEST_FILE_NAME = 120
MOST_WAITING = 2
"""Frames that a page may ask for before it has got one."""
MOST_PRESSES = 8
FRAMES_PER_SECOND = 60
POLICY_VIOLATED, TRY_LATER = 1008, 1013
"""Codes that a socket is closed with."""
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; object-src 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""Types of the pages' files; those that the system knows may be wrong."""


class Studio:
    """Pages, sessions and the token of one start."""

    def __init__(self, shelf: Shelf, token: str | None = None) -> None:
        self.token = token or secrets.token_urlsafe(24)
        self._shelf = shelf
        self._open = 0
        self._threads: anyio.CapacityLimiter | None = None
        self.app = Starlette(
            routes=[
                WebSocketRoute("/{token}/live", self._live),
                Route("/{token}/model", self._model, methods=["POST"]),
                Route("/{token}/", self._page),
                Route("/{token}/{name}", self._page),
            ],
            middleware=[
                Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False),
                Middleware(Guarded),
            ],
        )

    def _knows(self, token: str) -> bool:
        return secrets.compare_digest(token.encode(), self.token.encode())

    async def _page(self, request: Request) -> Response:
        """Send one of the files; without the token there is none."""
        path = STATIC / request.path_params.get("name", "index.html")
        # Routes split names at slashes, and what is not in the folder is no file of ours.
        known = path.parent == STATIC and path.suffix in TYPES and path.is_file()
        if not self._knows(request.path_params["token"]) or not known:
            return Response("There is nothing here.", status_code=404, media_type="text/plain")
        return FileResponse(path, media_type=TYPES[path.suffix])

    async def _model(self, request: Request) -> Response:
        """Take a model file of a page, and answer with the name of its problem or one sentence."""
        if not self._knows(request.path_params["token"]) or not _is_ours(request):
            return Response("There is nothing here.", status_code=404, media_type="text/plain")
        content = b""
        async for part in request.stream():
            content += part
            if len(content) > LARGEST_MODEL:
                sentence = f"model must have at most {LARGEST_MODEL >> 20} MiB to be brought by a page"
                return JSONResponse({"sentence": sentence}, status_code=413)
        name = request.query_params.get("name", "model")[:LONGEST_FILE_NAME]
        try:
            problem = await to_thread.run_sync(self._shelf.take, content, name)
        except PhotinusError as error:
            return JSONResponse({"sentence": str(error)}, status_code=422)
        return JSONResponse({"problem": problem})

    async def _live(self, socket: WebSocket) -> None:
        """Show a view to a page until it goes."""
        if not self._knows(socket.path_params["token"]) or not _is_ours(socket):
            await socket.close(POLICY_VIOLATED)  # before it was accepted: the browser sees 403
            return
        await socket.accept()
        if self._open >= MOST_SESSIONS:
            sentence = f"There are {MOST_SESSIONS} pages open already. Close one, then reload this one."
            await socket.send_bytes(packed("refusal", {"sentence": sentence}))
            await socket.close(TRY_LATER)
            return
        with self._counted() as threads:
            await Link(socket, Session(self._shelf), threads).serve()

    @contextlib.contextmanager
    def _counted(self) -> Any:
        """Count a session while it lasts; give the limiter of threads."""
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(MOST_SESSIONS)
        self._open += 1
        try:
            yield self._threads
        finally:
            self._open -= 1


class Link:
    """Between a page and its session: keeps what has still to be answered, and never a queue.

    Of settings only the latest counts. Frames that were asked for are counted up to `MOST_WAITING`.
    """

    def __init__(self, socket: WebSocket, session: Session, threads: anyio.CapacityLimiter) -> None:
        self._socket, self._session, self._threads = socket, session, threads
        self._settings: messages.Settings | None = None
        self._presses: list[messages.Press] = []
        self._asked = 0
        self._told = anyio.Event()
        self._turned = anyio.Event()

    async def serve(self) -> None:
        """Listen and answer until the page goes, or says too much."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._speak)
                await self._listen()
                tasks.cancel_scope.cancel()
        finally:
            self._session.close()

    async def _listen(self) -> None:
        """Take messages until there is none."""
        allowance = messages.Allowance()
        with contextlib.suppress(WebSocketDisconnect):
            while allowance.take():
                try:
                    self._take(messages.parsed(await self._text()))
                except InvalidInput as refused:
                    await self._socket.send_bytes(packed("refusal", {"sentence": str(refused)}))
            sentence = f"More than {messages.MESSAGES_PER_SECOND:g} messages in a second are too many."
            await self._socket.send_bytes(packed("refusal", {"sentence": sentence}))
            await self._socket.close(POLICY_VIOLATED)

    async def _text(self) -> str:
        """Return the next message; one of bytes is none that can be read."""
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        return message.get("text") or ""

    def _take(self, message: messages.Message) -> None:
        match message:
            case messages.Settings():
                self._settings = message
                self._turned.set()
            case messages.Press():
                self._presses = [*self._presses, message][-MOST_PRESSES:]
                self._turned.set()
            case messages.More():
                self._asked = min(self._asked + 1, MOST_WAITING)
        self._told.set()

    async def _speak(self) -> None:
        """Answer what the page said, never more often than `FRAMES_PER_SECOND`."""
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await self._told.wait()
                with anyio.move_on_after(self._session.rest()):  # in slow motion most frames are empty
                    await self._turned.wait()
                start = time.monotonic()
                async for frame in self._answers():
                    await self._socket.send_bytes(frame)
                await anyio.sleep(max(0.0, start + 1 / FRAMES_PER_SECOND - time.monotonic()))

    async def _answers(self) -> AsyncIterator[bytes]:
        """Give the frames that answer all that was said until now."""
        settings, presses, more = self._settings, tuple(self._presses), self._asked > 0
        self._settings, self._presses = None, []
        self._turned = anyio.Event()
        self._asked -= more
        if not self._asked:
            self._told = anyio.Event()
        frames = await to_thread.run_sync(
            self._session.answer, settings, presses, more, limiter=self._threads, abandon_on_cancel=True
        )
        for frame in frames:
            yield frame


def _is_ours(asked: HTTPConnection) -> bool:
    """Return whether a request comes from a page of this studio, or from no page at all."""
    origin = asked.headers.get("origin")
    return origin is None or origin == f"http://{asked.headers.get('host')}"


class Guarded:
    """Adds to every answer what keeps other pages out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and the answer back with `HEADERS`."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.lower().encode(), text.encode()) for name, text in HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *extra]
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)
