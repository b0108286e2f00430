"""Warnings kept quiet, also where several threads do so at once.

`warnings.catch_warnings` keeps one copy of the process's filters. Two threads that leave it in another
order than they entered it hear what they silenced, or lose what they wanted to hear. So nothing here
replaces the filters. A filter is added once and taken away when nobody needs it any more. Warnings of
Photinus itself are silenced for the caller alone.
"""

import contextlib
import re
import threading
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from contextvars import ContextVar

# A comment within the pattern, so that no filter of somebody else is ever equal to one from here.
OURS = "(?#photinus)"
VARYING = re.compile(r"'[^']*'|[-+]?\d[\d.e+-]*")
"""What may differ between two sentences that tell the same thing."""

_lock = threading.Lock()
_wanted: Counter[tuple[str, type[Warning]]] = Counter()
_untold: ContextVar[tuple[type[Warning], ...]] = ContextVar("untold", default=())
_said: ContextVar[set[str] | None] = ContextVar("said", default=None)


@contextlib.contextmanager
def silenced(message: str = "", category: type[Warning] = Warning) -> Iterator[None]:
    """Keep warnings of other packages quiet whose text starts as `message` (a pattern) does."""
    key = (OURS + message, category)
    with _lock:
        if not _wanted[key]:
            warnings.filterwarnings("ignore", *key)
        _wanted[key] += 1
    try:
        yield
    finally:
        with _lock:
            _wanted[key] -= 1
            # It is gone already where somebody replaced the filters meanwhile.
            mine = ("ignore", re.compile(key[0], re.IGNORECASE), category, None, 0)
            if not _wanted[key] and mine in warnings.filters:
                warnings.filters.remove(mine)  # type: ignore[attr-defined]


@contextlib.contextmanager
def untold(category: type[Warning]) -> Iterator[None]:
    """Keep Photinus' own warnings of a category quiet, for the caller and nobody else."""
    before = _untold.set((*_untold.get(), category))
    try:
        yield
    finally:
        _untold.reset(before)


@contextlib.contextmanager
def once() -> Iterator[None]:
    """Tell the caller each thing once until the end of the outermost such block.

    Two sentences tell the same thing if they differ in numbers and quoted names alone. One may be of a
    network as translated, the other of the same one as refined.
    """
    outer = _said.get()
    before = _said.set(set() if outer is None else outer)
    try:
        yield
    finally:
        _said.reset(before)


def tell(sentences: str | Iterable[str], category: type[Warning], depth: int = 1) -> None:
    """Warn, unless the caller does not want to hear it, or has heard it.

    Parameters
    ----------
    sentences
        What to tell: a sentence, or several, none of which ends with a full stop.
    category
        Its class.
    depth
        How many callers up the line is that the warning names; 1 is the caller of the function that
        tells.
    """
    if issubclass(category, _untold.get()):
        return
    said = _said.get()
    told = [sentences] if isinstance(sentences, str) else list(sentences)
    if said is not None:
        told = [one for one in told if VARYING.sub("", one) not in said]
        said.update(VARYING.sub("", one) for one in told)
    if told:
        warnings.warn("; ".join(told), category, stacklevel=depth + 2)
