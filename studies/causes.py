"""What each part of translation brings, and what the KL that is left is made of.

Each machine is sampled at full physics with parts switched off: gauge, pairs, refinement. The KL is
split into what biases, what weights and what neither could remove (`photinus.diagnostics.parts`). The
same is done for the law that is foretold for each network: that of ideal neurons with the measured
curve, and with what the pair table adds. Prints medians over machines, one Markdown row each.

    python -m studies.causes [--preset straight] [--scale 4] [--families uniform …] [--machines 3]
    python -m studies.causes --refined      # and after refinement
"""

import argparse
import warnings

import numpy as np
from numpy.typing import NDArray
from studies.gauge import FAMILIES

import photinus as ph
from photinus.diagnostics.distance import chain_joints
from photinus.diagnostics.parts import kl_parts
from photinus.networks.couplings import dense
from photinus.translation.distortion import Context, Pairs
from photinus.translation.fields import states_met
from photinus.translation.law import Curve, Shown, stationary

FIRST_SEED = 93_700
"""Of the machines. No rule, table or device was chosen by these."""
BUILT = (("measured", "none"), ("measured", "auto"), ("paired", "none"), ("paired", "auto"))
Row = tuple[float, float, float, float]
"""KL, and its parts: marginals, pairs, higher."""


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--preset", default="straight")
    parser.add_argument("--families", nargs="+", default=list(FAMILIES)[:5], choices=list(FAMILIES))
    parser.add_argument("--scale", type=float, default=4.0)
    parser.add_argument("--units", type=int, default=5)
    parser.add_argument("--machines", type=int, default=2)
    parser.add_argument("--chains", type=int, default=128)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--first", type=int, default=FIRST_SEED)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--refined", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ph.TranslationWarning)
    calibration = ph.Calibration.preset(options.preset)
    print("| family | sampled by | KL | marginals | pairs | higher |\n|---|---|---|---|---|---|")
    everything: dict[str, list[Row]] = {}
    for family in options.families:
        rows: dict[str, list[Row]] = {}
        for k in range(options.machines):
            machine = FAMILIES[family](options.first + k, options.units, options.scale)
            for name, row in looked_at(machine, calibration, options).items():
                rows.setdefault(name, []).append(row)
                everything.setdefault(name, []).append(row)
        show(family, rows)
    show("all", everything)


def show(family: str, rows: dict[str, list[Row]]) -> None:
    """Print medians over machines."""
    for name, found in rows.items():
        cells = " | ".join(f"{x:.2g}" for x in np.nanmedian(found, axis=0))
        print(f"| {family} | {name} | {cells} |", flush=True)


def looked_at(
    machine: ph.BoltzmannMachine, calibration: ph.Calibration, options: argparse.Namespace
) -> dict[str, Row]:
    """Return KL and parts by what samples the machine."""
    run = {name: getattr(options, name) for name in ("chains", "draws", "threads")}

    def sampled(substrate: str, network: ph.LaserNetwork | None = None) -> Row:
        samples = ph.sample(machine, substrate, network=network, seed=2, **run)
        return parts_of(chain_joints(samples), machine)

    found = {"ideal neurons": sampled("ideal")}
    for rule, gauge in BUILT:
        network = ph.translate(machine, calibration, rule=rule, gauge=gauge)
        name = f"{rule}, gauge {gauge}"
        if gauge == "none":
            alone, together = foretold_laws(machine, calibration, network)
            found[f"{name}: foretold by the curve"] = parts_of(alone, machine)
            found[f"{name}: foretold with pairs"] = parts_of(together, machine)
        found[f"{name}: lasers"] = sampled("laser", network)
    if options.refined:
        plain = ph.translate(machine, calibration, rule="measured", gauge="none")
        for name, start in (("refined from measured, gauge none", plain), ("refined", None)):
            refined = ph.refine(machine, calibration, network=start, seed=1, **run).network
            found[f"{name}: lasers"] = sampled("laser", refined)
    return found


def parts_of(joint: NDArray[np.float64], machine: ph.BoltzmannMachine) -> Row:
    """Return KL and parts, less the noise of each; nan where a pair never shows one of its states."""
    try:
        parts = kl_parts(joint, machine)
    except ph.PhotinusError:
        return np.nan, np.nan, np.nan, np.nan
    found = np.array([parts.marginals, parts.pairs, parts.higher]) - (parts.noise or (0, 0, 0))
    marginals, pairs, higher = found.tolist()
    return parts.total, marginals, pairs, higher


def foretold_laws(
    machine: ph.BoltzmannMachine, calibration: ph.Calibration, network: ph.LaserNetwork
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the laws of ideal neurons with the measured curve, without and with pairs, (state,)."""
    assert calibration.pairs is not None
    states, probability = states_met(machine)
    field = states @ machine.weights + machine.biases
    pairs = Pairs.between(machine.weights, calibration.pairs)
    context, curve = Context.of(states, probability, field, 1), Curve.of(calibration.sharpened())
    shown = Shown.by(context, network.drive, dense(network.coupling), curve, pairs)
    return stationary(shown.alone), stationary(shown.together)


if __name__ == "__main__":
    main()
