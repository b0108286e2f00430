"""What a session and a notebook show of an object: one line; a small table, with a picture perhaps.

Everything from outside is cut to a length and escaped, so that a label cannot bring a script along.
"""

import dataclasses
import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

LONGEST_LINE = 160
"""Characters of a line."""
LONGEST_VALUE = 40
"""Characters of one value in it."""
MOST_ROWS = 16
"""Rows of a table, units of a picture."""
MOST_MARKS = 600
"""Spikes of a picture."""
RED, GREY = "#d1495b", "#9aa0a6"
STYLE = 'style="text-align:left;padding:1px 8px"'


class Displayed:
    """An object that shows itself briefly: derive, and say what in `_facts` and `_picture`."""

    __slots__ = ()

    def _facts(self) -> Mapping[str, object]:
        """Return what to tell, name → value; by default the fields of a record."""
        if not dataclasses.is_dataclass(self):
            return {}
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def _line(self) -> str:
        """Return what stands in brackets behind the name of the class."""
        return joined(f"{name}={shown(value)}" for name, value in self._facts().items())

    def _picture(self) -> str:
        """Return a picture as SVG, or nothing."""
        return ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({cut(self._line(), LONGEST_LINE)})"

    def _repr_html_(self) -> str:
        return card(type(self).__name__, self._facts(), self._picture())


def cut(text: str, most: int = LONGEST_VALUE) -> str:
    """Return a text on one line, of so many characters at most."""
    text = " ".join(text[: 4 * most].split())
    text = "".join(each if each.isprintable() else "\ufffd" for each in text)
    return text if len(text) <= most else text[: most - 1] + "…"


def joined(parts: Iterable[str], most: int = LONGEST_LINE) -> str:
    """Return parts with commas between them, as many as fit; "…" stands for the rest."""
    found = ""
    for part in parts:
        longer = f"{found}, {part}" if found else part
        if len(longer) > most - 3:
            return f"{found}, …" if found else cut(part, most)
        found = longer
    return found


def shown(value: Any) -> str:
    """Return a value briefly: large ones by what they are and how large."""
    if isinstance(value, np.ndarray) or type(value).__module__.startswith("scipy.sparse"):
        return f"array {tuple(map(int, value.shape))}" if value.ndim else shown(value.item())
    if isinstance(value, (bool, np.bool_)) or value is None:
        return str(value)
    if isinstance(value, (int, np.integer)):
        return cut(f"{value:,}")
    if isinstance(value, (float, np.floating)):
        return f"{value:.4g}"
    if isinstance(value, str):
        return cut(repr(value))
    if isinstance(value, Mapping):
        return f"{len(value):,} entries"
    if isinstance(value, (tuple, list)):
        plain = len(value) <= 4 and all(isinstance(v, (bool, int, float, str)) for v in value)
        return cut(f"({', '.join(map(shown, value))})") if plain else f"{len(value):,} entries"
    name = getattr(value, "name", None)
    return f"{type(value).__name__} {shown(name)}" if isinstance(name, str) else type(value).__name__


def told(value: Any) -> str:
    """Return a value for a table: text as it is, at greater length."""
    return cut(value, 4 * LONGEST_VALUE) if isinstance(value, str) else shown(value)


def card(title: str, facts: Mapping[str, object], picture: str = "") -> str:
    """Return a table of facts under a title, as HTML; names and values are escaped here.

    A value of None is left out.
    """
    said = [(name, told(value)) for name, value in facts.items() if value is not None]
    rows = "".join(
        f"<tr><th {STYLE}>{html.escape(cut(name))}</th><td {STYLE}>{html.escape(value)}</td></tr>"
        for name, value in said[: 2 * MOST_ROWS]
    )
    return f"<div><b>{html.escape(cut(title))}</b><table>{rows}</table>{picture}</div>"


def _svg(width: int, height: int, inside: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="10">{inside}</svg>'
    )


def _name(label: object, row: int) -> str:
    """Return the name of a row of a picture."""
    text = html.escape(cut(str(label), 12))
    return f'<text x="74" y="{14 * row + 11}" text-anchor="end" fill="{GREY}">{text}</text>'


def bars(labels: Sequence[object], values: ArrayLike, right: ArrayLike | None = None) -> str:
    """Return probabilities as bars, at most `MOST_ROWS`; what is right as a tick on each."""
    shares = np.clip(np.asarray(values, np.float64)[:MOST_ROWS], 0, 1)
    ticks = [None] * len(shares) if right is None else np.clip(np.asarray(right, np.float64), 0, 1)
    parts = []
    for row, (label, share, tick) in enumerate(zip(labels, shares, ticks, strict=False)):
        y = 14 * row + 2
        parts.append(
            f'{_name(label, row)}<rect x="80" y="{y}" width="{200 * share:.1f}" height="10" '
            f'fill="{RED}"/><text x="286" y="{y + 9}" fill="{GREY}">{share:.3f}</text>'
        )
        if tick is not None:
            parts.append(f'<path d="M{80 + 200 * tick:.1f} {y - 1}v12" stroke="black"/>')
    return _svg(330, 14 * len(shares) + 4, "".join(parts))


def raster(labels: Sequence[object], unit: ArrayLike, time: ArrayLike) -> str:
    """Return spikes as strokes, a row for each of at most `MOST_ROWS` units; the first ones."""
    units, times = np.asarray(unit), np.asarray(time, np.float64)
    seen = units < MOST_ROWS
    units, times = units[seen][:MOST_MARKS], times[seen][:MOST_MARKS]
    if not len(times):
        return ""
    span = float(np.ptp(times)) or 1.0
    places = 80 + 240 * (times - times.min()) / span
    strokes = "".join(f"M{x:.1f} {14 * u + 2}v10" for x, u in zip(places, units, strict=True))
    names = "".join(_name(label, row) for row, label in enumerate(labels[:MOST_ROWS]))
    height = 14 * min(len(labels), MOST_ROWS) + 4
    return _svg(330, height, f'{names}<path d="{strokes}" stroke="{RED}"/>')


def curve(x: ArrayLike, y: ArrayLike) -> str:
    """Return a curve through points, without axes."""
    points = np.column_stack([np.asarray(x, np.float64), np.asarray(y, np.float64)])
    points = points[np.isfinite(points).all(axis=1)][:MOST_MARKS]
    if len(points) < 2:
        return ""
    low, span = points.min(axis=0), np.ptp(points, axis=0)
    scaled = (points - low) / np.where(span > 0, span, 1)
    path = " ".join(f"{5 + 220 * u:.1f},{85 - 80 * v:.1f}" for u, v in scaled)
    return _svg(230, 90, f'<polyline points="{path}" fill="none" stroke="{RED}"/>')
