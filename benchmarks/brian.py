"""Time full physics beside Brian2: laser-nanoseconds simulated per second of wall time, in one run.

Brian2 (C++ standalone with OpenMP, -O3 -ffast-math -march=native) gets the same equations: field by
Euler–Maruyama, carriers by its exponential Euler, which bears steps that explicit ones do not, spikes
by threshold and rearming, and additive synapses with kick and pulse. Carrier noise is off in both. Its
steps are tried from the largest down; the first one whose spike rate is within `RATE` of ours at a
twentieth of a picosecond counts. Brian2 is not a dependency: `pip install brian2`.
"""

import argparse
import tempfile
import time
from typing import Any

import numpy as np

from engine import machine, processor
from photinus import Calibration, LaserNetwork, LaserParameters, __version__, simulate, translate
from photinus._core.threads import available_threads
from photinus.devices.synapse import SynapticKernel
from photinus.engines.laser.simulator import TIME_STEP
from photinus.networks.couplings import entries
from photinus.units import ns, ps

RATE = 0.02
"""Relative error of the spike rate allowed; in 100 ns counting adds about half a percent."""
OURS = (TIME_STEP, 2 * TIME_STEP)
"""Our default, and the largest step that the engine takes for this device."""
STEPS = (2.0 * ps, 1.0 * ps, 0.5 * ps, 0.25 * ps, 0.1 * ps)
SETTLE = 3 * ns
FIELD = """
growth = 0.5*(gg*(ng - ntg) + ga*(na - nta) - kappa)*dt_
amplitude = sqrt(0.5*dt_*(gg*clip(ng, 0, inf) + ga*clip(na, 0, inf)))
ex = ex + growth*ex + amplitude*randn()
ey = ey + growth*ey + amplitude*randn()
S = ex**2 + ey**2
"""
CARRIERS = """
dng/dt = (pump + extra - ng/tg - gg*(ng - ntg)*S)/second : 1
dna/dt = (-na/ta - ga*(na - nta)*S)/second : 1
ex : 1
ey : 1
S : 1
pump : 1
extra : 1
"""


def lasers(units: int, chains: int, coupled: bool) -> LaserNetwork:
    """Return the network: coupled, or all at half activation."""
    calibration = Calibration.preset()
    network = translate(machine(units), calibration)
    assert isinstance(network, LaserNetwork)
    quiet = LaserParameters.preset(carrier_noise=False)
    kernel = SynapticKernel(
        kick=calibration.kernel.kick,
        sustain=calibration.kernel.sustain,
        duration=calibration.kernel.duration,
        renewing=False,
    )
    changes: dict[str, Any] = {"parameters": quiet, "kernel": kernel}
    if not coupled:
        changes["coupling"] = np.zeros((units, units))
        changes["pump"] = np.full(units, calibration.midpoint / quiet.gain_lifetime)
    return network.replace(**changes)


def brian(network: LaserNetwork, chains: int, duration: float, step: float) -> tuple[float, float]:
    """Return spike rate per laser [1/s] and wall time of the run without compilation [s]."""
    import brian2 as b2

    p = network.parameters
    b2.BrianLogger.log_level_error()
    b2.device.reinit()
    b2.device.activate()
    b2.set_device("cpp_standalone", build_on_run=False)
    b2.prefs.devices.cpp_standalone.openmp_threads = available_threads()
    b2.prefs.codegen.cpp.extra_compile_args_gcc = ["-O3", "-ffast-math", "-march=native"]
    b2.seed(1)
    b2.defaultclock.dt = step * b2.second
    n = network.n_units
    names = {
        "gg": p.gain_coefficient,
        "ga": p.absorber_coefficient,
        "ntg": p.gain_transparency,
        "nta": p.absorber_transparency,
        "kappa": 1 / p.photon_lifetime,
        "tg": p.gain_lifetime,
        "ta": p.absorber_lifetime,
        "dt_": step,
        "high": float(np.max(network.detection_threshold)),
    }
    group = b2.NeuronGroup(
        n * chains,
        CARRIERS,
        threshold="S > high",
        refractory="S > 0.25*high",
        method="exponential_euler",
        namespace=names,
    )
    group.run_regularly(FIELD, dt=step * b2.second, when="start")
    group.pump = np.tile(network.pump, chains)
    group.ng = 0.7 * np.tile(network.drive, chains)
    group.ex = 1.0
    synapses = _synapses(b2, group, network, chains)
    counted = b2.SpikeMonitor(group, record=False)
    net = b2.Network(group, counted, *synapses)
    net.run(SETTLE * b2.second)
    before = b2.SpikeMonitor(group, record=False)
    net.add(before)
    net.run(duration * b2.second)
    with tempfile.TemporaryDirectory() as folder:
        b2.device.build(directory=folder, compile=True, run=True)
        rate = float(before.num_spikes) / (n * chains) / duration
        wall = float(b2.device._last_run_time) * duration / (duration + SETTLE)
    return rate, wall


def _synapses(b2: Any, group: Any, network: LaserNetwork, chains: int) -> list[Any]:
    target, source, weight = entries(network.coupling)
    if not len(target):
        return []
    kernel = network.kernel
    first = np.repeat(np.arange(chains) * network.n_units, len(target))
    made = b2.Synapses(
        group,
        group,
        "kick : 1\nheight : 1",
        on_pre={
            "begin": "ng_post = clip(ng_post + kick, 0, inf); extra_post += height",
            "end": "extra_post -= height",
        },
        delay={"end": kernel.duration * b2.second},
    )
    made.connect(i=first + np.tile(source, chains), j=first + np.tile(target, chains))
    made.kick = kernel.kick * np.tile(weight, chains)
    made.height = kernel.sustain * np.tile(weight, chains) / network.parameters.gain_lifetime
    return [made]


def ours(
    network: LaserNetwork, chains: int, duration: float, step: float, runs: int
) -> tuple[float, float]:
    """Return spike rate per laser [1/s] and the median wall time [s]."""
    simulate(network, SETTLE, chains=chains, seed=0, time_step=step)
    walls: list[float] = []
    for _ in range(runs):
        begin = time.perf_counter()
        spikes = simulate(network, duration + SETTLE, chains=chains, seed=1, time_step=step)
        walls.append((time.perf_counter() - begin) * duration / (duration + SETTLE))
    late = spikes.time[spikes.time > SETTLE]
    return len(late) / (network.n_units * chains) / duration, float(np.median(walls))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duration", type=float, default=100.0, help="simulated time [ns]")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    try:
        import brian2
    except ImportError:
        raise SystemExit("Brian2 is missing: pip install brian2") from None
    duration = options.duration * ns
    print(
        f"Photinus {__version__}, Brian2 {brian2.__version__}, {available_threads()} threads, "
        f"{processor()}, {options.duration:g} ns per laser"
    )
    print(
        "lasers               simulator   step      rate [1/ns]   laser-ns per second   ratios to ours"
    )
    for label, units, chains, coupled in (
        ("5 × 256, coupled", 5, 256, True),
        ("2000, uncoupled", 1, 2000, False),
    ):
        network = lasers(units, chains, coupled)
        count = units * chains
        fine, _ = ours(network, chains, duration, 0.05 * ps, 1)
        print(f"{label:20s} reference  0.05 ps {fine * ns:12.4f}")
        speeds = []
        for step in OURS:
            rate, wall = ours(network, chains, duration, step, options.runs)
            speeds.append(count * duration / ns / wall)
            wrong = "" if abs(rate / fine - 1) < RATE else "   rate is wrong"
            print(
                f"{'':20s} Photinus   {step / ps:4.2f} ps {rate * ns:12.4f} {speeds[-1]:20.3g}{wrong}"
            )
        for step in STEPS:
            theirs, their_wall = brian(network, chains, duration, step)
            their_speed = count * duration / ns / their_wall
            right = abs(theirs / fine - 1) < RATE
            ratios = " ".join(f"{own / their_speed:5.1f}" for own in speeds)
            print(
                f"{'':20s} Brian2     {step / ps:4.2f} ps {theirs * ns:12.4f} {their_speed:20.3g} "
                f"   {ratios}{'' if right else '   rate is wrong'}"
            )
            if right:
                break


if __name__ == "__main__":
    main()
