"""What one page looks at: a view under way, and the frames that it is sent.

A page asks for each frame, and the simulation goes on only while a frame is made. So a page that is
hidden, paused or gone costs nothing. A slow one gets fewer frames.
"""

import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from photinus._core import hush, validate
from photinus.errors import PhotinusError, TranslationWarning
from photinus.faces.studio.frames import packed
from photinus.faces.studio.messages import Press, Settings
from photinus.faces.studio.problems import Shelf
from photinus.faces.studio.runs import TooLarge
from photinus.faces.studio.views import VIEWS
from photinus.faces.studio.views.base import View

LONGEST_STEP = 0.15
"""Time on the wall that a frame brings at most [s]: after a pause the view does not jump."""
LONGEST_REST = 0.1
"""Time that a page waits at most for a frame with nothing new [s]; less than `LONGEST_STEP`."""
BUDGET = 0.02
"""Time on the wall that the simulation may take for a frame [s]."""


class Session:
    """A view and its settings. Only one thread at a time may use it."""

    def __init__(self, shelf: Shelf, clock: Callable[[], float] = time.monotonic) -> None:
        self._shelf, self._clock = shelf, clock
        self._view: View | None = None
        self._last = clock()

    def answer(
        self, settings: Settings | None, presses: Sequence[Press] = (), more: bool = False
    ) -> list[bytes]:
        """Return the frames that answer what a page said.

        Whatever goes wrong becomes a frame with a sentence. An error of the engine ends the view; the
        page offers to start it again.
        """
        try:
            with hush.untold(TranslationWarning):  # views tell it themselves
                return self._answer(settings, presses, more)
        except TooLarge as error:
            return [self._refusal(str(error), offers=error.ways)]
        except PhotinusError as error:
            return [self._refusal(str(error))]
        except MemoryError:
            return [self._refusal("memory is too short for this")]
        except Exception as error:  # a page that is frozen would tell nobody
            self.close()
            self._view = None
            traceback.print_exc()
            return [packed("failure", {"sentence": f"{type(error).__name__}: {error}"})]

    def _refusal(self, sentence: str, **more: Any) -> bytes:
        """Return the frame that refuses; a page that shows nothing yet needs to know what there is."""
        if self._view is None:
            more["titles"] = self._shelf.titles()
        return packed("refusal", {"sentence": sentence, **more})

    def rest(self) -> float:
        """Return the time until the next frame shows something new, at most `LONGEST_REST` [s]."""
        if self._view is None:
            return 0.0
        return min(LONGEST_REST, self._view.rest() - (self._clock() - self._last))

    def close(self) -> None:
        """End the view."""
        if self._view is not None:
            self._view.close()

    def _answer(self, settings: Settings | None, presses: Sequence[Press], more: bool) -> list[bytes]:
        frames = []
        if settings is not None:
            self._settle(settings)
        if self._view is None:
            return []
        for press in presses:
            if press.button == "python":
                frames.append(packed("python", {"code": self._view.code()}))
            else:
                self._view.press(press.button)
        frame = []
        if more:
            now = self._clock()
            elapsed, self._last = min(now - self._last, LONGEST_STEP), now
            frame.append(packed("frame", self._view.advance(elapsed, BUDGET)))
        if self._view.changed:
            self._view.changed = False
            frames.append(packed("about", self._view.about()))
        return frames + frame

    def _settle(self, settings: Settings) -> None:
        """Take settings: of the view that there is, or of another one."""
        kind = VIEWS[validate.one_of("view", settings.view, VIEWS)]
        if type(self._view) is kind:
            self._view.change(settings.values)
            return
        self.close()
        self._view = None
        self._view = kind(self._shelf, settings.values)
        self._last = self._clock()
