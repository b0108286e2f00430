"""A studio that runs, and what speaks to it."""

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

from websockets.sync.client import ClientConnection, connect

from photinus.faces.studio.app import Studio
from photinus.faces.studio.frames import unpacked
from photinus.faces.studio.problems import Shelf
from photinus.faces.studio.server import Server, address, bound

LONGEST = 60.0
"""Seconds that a test waits for a frame; compilers take some of them."""


@contextlib.contextmanager
def running(studio: Studio, port: int = 0) -> Iterator[str]:
    """Serve a studio while the block lasts; give its address."""
    listening = threading.Event()
    with contextlib.closing(bound(port)) as listener:
        server = Server(studio, listening.set)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        assert listening.wait(LONGEST)
        try:
            yield address(studio, listener)
        finally:
            server.should_exit = True
            thread.join(LONGEST)


def served() -> Iterator[str]:
    """Give the address of a studio, for a fixture."""
    with running(Studio(Shelf())) as page:
        yield page


@contextlib.contextmanager
def opened(page: str, **options: Any) -> Iterator["Page"]:
    """Open the socket of a studio at an address, while the block lasts."""
    live = page.replace("http:", "ws:") + "live"
    with connect(live, compression=None, proxy=None, **options) as socket:
        yield Page(socket)


class Page:
    """What a page does, without a browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def frame(self, timeout: float = LONGEST) -> dict[str, Any]:
        """Return the next frame."""
        frame = self.socket.recv(timeout)
        assert isinstance(frame, bytes)
        return unpacked(frame)

    def show(self, view: str, **values: Any) -> dict[str, Any]:
        """Take settings and return what is told of the view."""
        self.say(say="settings", view=view, values=values)
        return self.frame()

    def press(self, button: str) -> dict[str, Any]:
        self.say(say="press", button=button)
        return self.frame()

    def more(self, times: int = 1) -> dict[str, Any]:
        """Ask for frames and return what they showed last, by name."""
        seen: dict[str, Any] = {}
        for _ in range(times):
            self.say(say="more")
            frame = self.frame()
            assert frame["kind"] == "frame", frame
            seen |= frame
        return seen
