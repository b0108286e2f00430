"""What ``photinus studio`` runs: one server on loopback, until Ctrl-C."""

import contextlib
import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path

import uvicorn

from photinus.errors import InvalidInput
from photinus.faces.studio.app import Studio
from photinus.faces.studio.messages import MOST_CHARACTERS
from photinus.faces.studio.problems import Shelf

LOOPBACK = "127.0.0.1"
LARGEST_MESSAGE = 4 * MOST_CHARACTERS
"""Bytes of a message; a letter has four at most."""


class Server(uvicorn.Server):
    """The server of a studio, which tells when it listens."""

    def __init__(self, studio: Studio, listening: Callable[[], None] = lambda: None) -> None:
        self._listening = listening
        super().__init__(
            uvicorn.Config(
                studio.app,
                ws="websockets-sansio",
                ws_max_size=LARGEST_MESSAGE,
                ws_per_message_deflate=False,  # on loopback bytes are cheaper than cycles
                log_level="warning",
                access_log=False,  # it would hold the token
                lifespan="off",
                timeout_graceful_shutdown=1,
                server_header=False,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell."""
        await super().startup(sockets)
        self._listening()


def bound(port: int) -> socket.socket:
    """Return a socket of loopback at a port, any free one for 0.

    Raises
    ------
    InvalidInput
        If the port is taken.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise InvalidInput(
            f"port must be a free one, got {port}: {error.strerror or error}; 0 takes any"
        ) from None
    return listener


def address(studio: Studio, listener: socket.socket) -> str:
    """Return where a browser finds a studio."""
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}/{studio.token}/"


def serve(
    model: Path | None, port: int, *, settings: str = "", browser: bool, tell: Callable[[str], None]
) -> None:
    """Serve a studio until Ctrl-C.

    Parameters
    ----------
    model
        File of a machine or network, if any.
    port
        Of loopback, 0 for any.
    settings
        What stands behind the # of a shared address.
    browser
        Whether to open the page.
    tell
        What gets the address.
    """
    studio = Studio(Shelf(model))
    with contextlib.closing(bound(port)) as listener:
        page = address(studio, listener) + (f"#{settings}" if settings else "")

        def listening() -> None:
            tell(page)
            if browser:
                webbrowser.open(page)

        with contextlib.suppress(KeyboardInterrupt):
            Server(studio, listening).run([listener])
