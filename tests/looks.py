"""What pictures of a page show: loosely, as a person at some distance sees it."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BLOCK = 10
"""Pixels of a side of the blocks that pages are compared in."""
SEEN = 0.12
"""Difference of lightness, from 0 to 1, that makes a block another one."""
ALIKE = 0.05
"""Share of such blocks up to which two pages look alike."""
KEPT = Path(__file__).parent / "data" / "studio.npz"
"""Blocks of each view of the studio, figures left out, by view and scheme; see `keep`."""


def pixels(picture: bytes) -> NDArray[np.float64]:
    """Return a PNG as an array (row, column, colour), from 0 to 1."""
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), np.float64) / 255


def blocks(picture: bytes) -> NDArray[np.uint8]:
    """Return the lightness of each block, array (row, column)."""
    light = pixels(picture).mean(axis=2)
    rows, columns = (size // BLOCK for size in light.shape)
    cut = light[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return np.asarray(np.round(255 * cut.mean(axis=(1, 3))), np.uint8)


def unlike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the share of blocks that differ visibly."""
    return float((np.abs(one.astype(float) - other) > 255 * SEEN).mean())


def near(image: NDArray[np.float64], colour: str) -> NDArray[np.bool_]:
    """Return which pixels have a colour such as "#0072b2"."""
    wanted = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    return np.asarray(np.abs(image - wanted).max(axis=2) < 0.06)


def bars(picture: bytes, colour: str, count: int, *, top: int, bottom: int, right: int) -> list[float]:
    """Return how long horizontal bars are, as a share of the axis that ends `right` pixels before the edge."""
    drawn = near(pixels(picture), colour)[top:-bottom]
    left = int(np.flatnonzero(drawn.any(axis=0))[0])
    middles = (np.arange(count) + 0.5) * len(drawn) / count
    ends = [int(np.flatnonzero(drawn[int(row)])[-1]) + 1 for row in middles]
    return [(end - left) / (drawn.shape[1] - right - left) for end in ends]


def image(picture: bytes) -> NDArray[np.float64]:
    """Return the probabilities of 8 x 8 pixels that a figure of the view of images shows."""
    light = pixels(picture).mean(axis=2)
    height, width = light.shape
    side = min(height, width) - 24
    at = ((np.arange(8) + 0.5) * side / 8).astype(int)
    shown = light[np.ix_((height - side) // 2 + at, (width - side) // 2 + at)].ravel()
    paper, ink = 0.931, 0.143  # lightness of --band and --ink
    return np.asarray((paper - shown) / (paper - ink))


def keep(found: dict[str, NDArray[np.uint8]]) -> None:
    """Write the blocks that pages are compared with."""
    np.savez_compressed(KEPT, **found)  # type: ignore[arg-type]
