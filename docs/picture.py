"""Draw the README's picture from a finished demo: python docs/picture.py runs/demo."""

import sys
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.image import imread


def main() -> None:
    """Stack the raster and the posterior into docs/images/demo.png."""
    pictures = [imread(Path(sys.argv[1]) / f"{name}.png") for name in ("raster", "posterior")]
    heights = [picture.shape[0] / picture.shape[1] for picture in pictures]
    figure = Figure(figsize=(9, 9 * sum(heights)), dpi=110, layout="constrained")
    for axes, picture in zip(figure.subplots(2, 1, height_ratios=heights), pictures, strict=True):
        axes.imshow(picture)
        axes.axis("off")
    figure.savefig(Path(__file__).parent / "images" / "demo.png")


if __name__ == "__main__":
    main()
