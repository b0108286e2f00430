"""``photinus init``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from photinus.errors import InvalidInput
from photinus.faces.cli.options import Force

ABOUT = [
    "A Boltzmann machine of three units: p(z) is proportional to exp(1/2 z W z + b z), z in {0, 1}.",
    "labels: names of the units, strings or whole numbers, each once.",
    "weights: W, symmetric, zeros on the diagonal. Positive couples units to be 1 together.",
    "biases: b, the log-odds of a unit where no other is 1.",
    "Try: photinus sample THIS-FILE --evidence wet=1",
    "This entry is for people, nothing reads it.",
]
LABELS = ["cloudy", "rain", "wet"]
WEIGHTS = [[0.0, 1.5, 0.0], [1.5, 0.0, 2.0], [0.0, 2.0, 0.0]]
BIASES = [0.0, -1.5, -1.0]


def init(
    model: Annotated[Path, typer.Argument(help="Machine to write (.json).")] = Path("model.json"),
    force: Force = False,
) -> None:
    """Write a small machine with comments, to start from."""
    from photinus._core import files

    if model.suffix != ".json":
        raise InvalidInput(f"model must end in .json, got {str(model)!r}")
    files.check_all([model], replace=force)
    rows = ",\n".join(f"  {json.dumps(row)}" for row in WEIGHTS)
    lines = [f"  {json.dumps(line)}" for line in ABOUT]
    entries = {
        "about": "[\n" + ",\n".join(lines) + "\n ]",
        **{name: json.dumps(value) for name, value in files.stamp("boltzmann-machine").items()},
        "labels": json.dumps(LABELS),
        "weights": f"[\n{rows}\n ]",
        "biases": json.dumps(BIASES),
    }
    body = ",\n".join(f" {json.dumps(name)}: {value}" for name, value in entries.items())
    files.write_text(model, f"{{\n{body}\n}}\n", replace=force)
    typer.echo(f"Model: {model}   Next: photinus sample {model}")
