"""Every picture of README and docs: what draws it, and what it is drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from studies.pictures import fingerprint
from studies.pictures.stored import path as stored
from studies.pictures.tables import DOCS, lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "src" / "photinus"
CODE = {"studies.pictures": HERE, "photinus.faces.figures": SOURCE / "faces" / "figures"}
"""Packages whose code draws."""


@dataclass(frozen=True)
class Picture:
    """What draws a picture, and what it is drawn from."""

    module: str
    """Of this package."""
    function: str
    argument: str | None = None
    data: str | None = None
    """Name of stored results."""
    page: str | None = None
    """Page of results whose tables are drawn."""
    files: Sequence[str] = ()
    """What else it depends on, from the folder of the package."""

    def draw(self) -> "Figure":
        """Return the figure."""
        function = getattr(import_module(f"studies.pictures.{self.module}"), self.function)
        drawn: Figure = function() if self.argument is None else function(self.argument)
        return drawn

    def fingerprint(self) -> str:
        """Return a digest of all that the picture depends on."""
        code = fingerprint.used(HERE / f"{self.module}.py", CODE)
        parts = [f"{self.function} {self.argument}", *map(fingerprint.code, sorted(code))]
        if self.data is not None:
            parts.append(fingerprint.content(stored(self.data)))
        if self.page is not None:
            parts.append("\n".join(lines(self.page, DOCS)))
        for file in self.files:
            each = SOURCE / file
            parts.append((fingerprint.code if each.suffix == ".py" else fingerprint.content)(each))
        return fingerprint.digest(parts)


FIDELITY, MNIST = "results/fidelity", "mnist"
HARDWARE = ("counts", "ledger", "prices", "comparison", "chip", "receivers")
PICTURES: dict[str, Picture] = {
    "demo": Picture("demo", "readme", data="demo"),
    "dream": Picture("demo", "dream", data="demo"),
    "fidelity-sizes": Picture("fidelity", "sizes", page=FIDELITY),
    "fidelity-parts": Picture("fidelity", "parts", page=FIDELITY),
    "fidelity-delay": Picture("fidelity", "delay", page=FIDELITY),
    "fidelity-scale": Picture("fidelity", "scale", page=FIDELITY),
    "robustness": Picture("chips", "robustness", page="results/robustness"),
    "explorer": Picture("chips", "explorer", page="results/explorer"),
    "hardware": Picture(
        "hardware",
        "energy_and_speed",
        files=(
            "data/peers.toml",
            "data/prices.toml",
            "data/fast-absorber.json",
            *(f"hardware/{name}.py" for name in HARDWARE),
        ),
    ),
    "scaling": Picture("scaling", "growth", page="results/scaling"),
    "in-the-loop": Picture("learned", "in_the_loop", page="results/in-the-loop"),
    "mixing": Picture("learned", "mixing", page="results/mixing"),
    "noise-activation-fast-absorber": Picture("physics", "activation", data="noise-fast-absorber"),
    "noise-intervals-fast-absorber": Picture("physics", "intervals", data="noise-fast-absorber"),
    "reduced": Picture("physics", "reduced", data="reduced"),
    "response": Picture("physics", "response", data="response"),
    "tempering": Picture("physics", "tempering", data="tempering"),
    "mnist-dream-gibbs": Picture("mnist", "dream", "gibbs", data=MNIST),
    "mnist-dream-laser": Picture("mnist", "dream", "laser", data=MNIST),
    "mnist-dream-laser-reduced": Picture("mnist", "dream", "laser-reduced", data=MNIST),
    "mnist-dream-laser-reduced-loop": Picture(
        "mnist", "dream", "laser-reduced, learned in the loop", data=MNIST
    ),
    "mnist-half": Picture("mnist", "completed", "half", data=MNIST),
    "mnist-quarter": Picture("mnist", "completed", "quarter", data=MNIST),
    "mnist-random": Picture("mnist", "completed", "random", data=MNIST),
    "mnist-histogram": Picture("mnist", "histogram", data=MNIST),
    "mnist-filters": Picture("mnist", "filters", data=MNIST),
}
"""Name of each picture in ``docs/images``, without its ending."""
KEPT = {
    "studio.png": "a picture of a page, taken by `python -m studies.pictures.studio` with Chromium",
    "mnist-dream-laser-reduced-loop.gif": "an animation, written by `python -m studies.mnist`",
}
"""Files there that studies write themselves, and why."""
