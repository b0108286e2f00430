"""Options and arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Seed = Annotated[int, typer.Option(help="Seed of every random number.", min=0)]
Workers = Annotated[
    str | None,
    typer.Option(help="Spread the work over N processes, or a Dask cluster (tcp://host:8786)."),
]
Threads = Annotated[int | None, typer.Option(help="Threads (default: all cores).", min=1)]
Engine = Annotated[str, typer.Option(help="cpu, or cuda for lasers on an NVIDIA device.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that exist already.")]

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]

MachineFile = Annotated[
    Path,
    typer.Argument(help="Machine or network: .json, .npz, .bif, .uai, .coo …; - for standard input."),
]
LearnedFile = Annotated[
    Path, typer.Argument(help="Learned machine: .npz, .json, .h5, .safetensors; - for standard input.")
]

Laser = Annotated[str | None, typer.Option(help="Preset (default: fast-absorber; lif-hcs for lif).")]
CalibrationFile = Annotated[
    Path | None, typer.Option("--calibration", help="Calibration file instead of the shipped one.")
]
Faults = Annotated[
    list[str] | None,
    typer.Option(
        "--imperfection",
        metavar="NAME=VALUE",
        help="What is wrong with the chip, as mismatch=2% or delay=30ps; repeat for more.",
    ),
]

LayoutFile = Annotated[
    Path | None, typer.Option("--layout", help="Links of the chip: loss, length, gain (.toml, .csv).")
]

Gauge = Annotated[
    str, typer.Option(help="Neurons that stand for 1 - z: auto, none, per-unit or likely.")
]

Hottest = Annotated[
    float | None, typer.Option(help="Temper: heat to this temperature, draw when cold.")
]
Period = Annotated[
    int | None,
    typer.Option(
        help="Windows τ of a tempering cycle (default: 40); with --copies, between swaps (default: 5)."
    ),
]
Copies = Annotated[
    int | None,
    typer.Option(help="Temper in so many copies up to --hottest (default: 4), which swap places."),
]

DataName = Annotated[
    str, typer.Option("--data", help="digits, mnist, mnist14, openml-mnist or FILE.npz.")
]
DataFolder = Annotated[Path | None, typer.Option(help="Folder of the MNIST files.")]
