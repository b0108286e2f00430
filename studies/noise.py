"""Is the field equation's noise right? One laser, against whole photons and whole carriers.

``python -m studies.noise`` prints every table of docs/explanation/noise.md and keeps what
docs/images/noise-*.png are drawn from, in some ten minutes on two cores; ``--laser slow-absorber``
takes the other preset, ``--quick`` a tenth of the time with a third of the precision, keeping nothing.

`photinus.engines.jumps` is the reference, `photinus.simulate` what is tested: same threshold, same
state window, same estimators. `field_equation` below is a slow and plain float64 version of the
same equation whose noise terms can be switched, to see which of them matter.
"""

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp
from studies.pictures import stored

from photinus import Calibration, simulate
from photinus._core.threads import available_threads
from photinus.devices.laser import LaserParameters
from photinus.devices.synapse import SynapticKernel
from photinus.engines.events import Event
from photinus.engines.jumps import JumpRun, simulate_jumps
from photinus.networks.lasers import LaserNetwork
from photinus.spikes.readout import occupancy
from photinus.spikes.trains import Recording, SpikeTrains
from photinus.units import ns, ps

TARGETS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97)
"""Activations, by the preset's calibration, at whose pumps the laser is looked at."""
INTERVALS_AT = (0.2, 0.5, 0.9)
"""Those of them whose intervals are compared."""
TERMS_AT = (0.05, 0.1, 0.2, 0.5)
"""Those of them at which noise terms are switched."""
SETTLE = 15
"""State windows dropped at the start, as in the calibration."""
CHAINS = 32
CLOSE, CLOSE_INTERVALS = 0.01, 0.03
"""What is asked for: largest difference of the activations, largest distance of the intervals."""

SHOT, GAIN_PARTITION, ABSORBER_PARTITION, ABSORBER_SHOT = 1, 2, 4, 8
TERMS = {
    "none": 0,
    "shot noise of pump and gain carriers": SHOT,
    "+ partition with the gain": SHOT | GAIN_PARTITION,
    "+ partition with the absorber (engine)": SHOT | GAIN_PARTITION | ABSORBER_PARTITION,
    "+ shot noise of the absorber": SHOT | GAIN_PARTITION | ABSORBER_PARTITION | ABSORBER_SHOT,
}
"""Noise of the carriers in `field_equation`, each line with one term more."""


@dataclass(frozen=True)
class Bench:
    """A calibrated laser, and how long to look at it."""

    calibration: Calibration
    time: float
    """Time to simulate event by event per pump, all chains together [s]."""
    threads: int
    seed: int

    @property
    def laser(self) -> LaserParameters:
        """The device."""
        return self.calibration.parameters

    @property
    def settle(self) -> float:
        """Time dropped at the start [s]."""
        return SETTLE * self.calibration.window

    def carriers(self, targets: tuple[float, ...]) -> NDArray[np.float64]:
        """Return the P τ_g at which the calibration saw these activations."""
        table = self.calibration
        return np.interp(targets, table.activation, table.drive)

    def pump(self, targets: tuple[float, ...]) -> NDArray[np.float64]:
        """Return the pump rates at which the calibration saw these activations [1/s]."""
        return self.carriers(targets) / self.laser.gain_lifetime

    def duration(self, total: float) -> float:
        """Return the time of one chain that makes `total` for all of them."""
        return max(total / CHAINS, 2 * self.settle)

    def jumps(self, targets: tuple[float, ...], total: float, **options: float) -> JumpRun:
        """Return the laser at these activations event by event, `total` seconds of each."""
        return simulate_jumps(
            self.laser,
            self.pump(targets),
            self.duration(total),
            threshold=self.calibration.detection_threshold,
            chains=CHAINS,
            threads=self.threads,
            **{"seed": self.seed, **options},
        )

    def engine(self, targets: tuple[float, ...], total: float) -> SpikeTrains:
        """Return the same by the engine."""
        duration = self.duration(self.time)
        return simulate(
            network(self.calibration, self.laser, self.pump(targets)),
            duration,
            chains=round(total / duration),
            seed=self.seed,
            threads=self.threads,
        )

    def activation(self, spikes: SpikeTrains) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the probability of being on and its standard error, arrays (unit,)."""
        on = occupancy(
            spikes.chain,
            spikes.unit,
            spikes.time,
            chains=spikes.chains,
            units=spikes.n_units,
            window=self.calibration.window,
            start=self.settle,
            stop=spikes.stop,
        ).moments.diagonal(axis1=1, axis2=2)
        return on.mean(axis=0), on.std(axis=0, ddof=1) / np.sqrt(len(on))

    def intervals(self, spikes: SpikeTrains, unit: int) -> NDArray[np.float64]:
        """Return the interspike intervals of one unit, all chains together [s]."""
        mine = (spikes.unit == unit) & (spikes.time >= self.settle)
        same = np.diff(spikes.chain[mine]) == 0
        return np.diff(spikes.time[mine])[same]


def network(
    calibration: Calibration, laser: LaserParameters, pump: NDArray[np.float64]
) -> LaserNetwork:
    """Return lasers that do not know of each other."""
    return LaserNetwork(
        parameters=laser,
        pump=pump,
        coupling=np.zeros((len(pump), len(pump))),
        kernel=SynapticKernel(kick=0, sustain=0, duration=calibration.window),
        window=calibration.window,
        detection_threshold=calibration.detection_threshold,
        driven_pump=(0.0, 0.0),
    )


@numba.njit(nogil=True, error_model="numpy")
def _field_lane(
    rng: np.random.Generator,
    gg: Any,
    ntg: Any,
    ga: Any,
    nta: Any,
    kappa: Any,
    dg: Any,
    da: Any,
    pump: Any,
    pump_noise: Any,
    dt: float,
    look: Any,
    high: Any,
    terms: Any,
    ng: Any,
    fired: Any,
) -> Any:
    ex, ey, na = rng.standard_normal(), rng.standard_normal(), 0.0
    excited, spikes = False, 0
    for grid in range(len(fired)):
        peak = 0.0
        for _ in range(look):
            gain, absorber = gg * (ng - ntg), ga * (na - nta)
            into_g, into_a = gg * ng, ga * na
            # The field, as in the engine: half of the growth, noise, half of the growth.
            w = np.exp(0.25 * (gain + absorber - kappa) * dt)
            amplitude = np.sqrt(0.5 * (into_g + into_a) * dt)
            xi, eta = amplitude * rng.standard_normal(), amplitude * rng.standard_normal()
            ex, ey = w * ex, w * ey
            brought = 2 * (ex * xi + ey * eta)  # photons that the noise brings, less their mean
            ex, ey = w * (ex + xi), w * (ey + eta)
            photons = ex * ex + ey * ey
            # Carriers relax at a fixed photon number.
            loss_g, loss_a = dg + gg * photons, da + ga * photons
            rest_g, rest_a = (pump + gg * photons * ntg) / loss_g, ga * photons * nta / loss_a
            variance_g, variance_a = pump_noise, 0.0
            if terms & SHOT:
                variance_g += pump + dg * ng
            if terms & ABSORBER_SHOT:
                variance_a = max(da * na - absorber * photons, 0.0)
            ng_noise = np.sqrt(variance_g * dt) * rng.standard_normal()
            na_noise = np.sqrt(variance_a * dt) * rng.standard_normal()
            if terms & GAIN_PARTITION:
                ng_noise -= into_g / (into_g + into_a) * brought
            if terms & ABSORBER_PARTITION:
                na_noise -= into_a / (into_g + into_a) * brought
            ng = max(rest_g + (ng - rest_g) * np.exp(-loss_g * dt) + ng_noise, 0.0)
            na = max(rest_a + (na - rest_a) * np.exp(-loss_a * dt) + na_noise, 0.0)
            peak = max(peak, photons)
        if peak > high:
            if not excited:
                fired[spikes] = grid + 1
                spikes += 1
            excited = True
        elif photons < 0.25 * high:
            excited = False
    return spikes


def field_equation(bench: Bench, targets: tuple[float, ...], terms: int, total: float) -> SpikeTrains:
    """Return the spikes of the field equation with chosen noise of the carriers."""
    laser, pump, dt, grid = bench.laser, bench.pump(targets), 0.25 * ps, 2 * ps
    steps = round(bench.duration(bench.time) / grid)
    chains, units = round(total / (steps * grid)), len(pump)
    seeds = np.random.SeedSequence([bench.seed, terms]).spawn(chains * units)

    def run(lane: int) -> NDArray[np.float64]:
        rng = np.random.Generator(np.random.SFC64(seeds[lane]))
        mine = pump[lane % units]
        fired = np.empty(steps, np.int64)
        count = _field_lane(
            rng,
            laser.gain_coefficient,
            laser.gain_transparency,
            laser.absorber_coefficient,
            laser.absorber_transparency,
            laser.cavity_loss_rate,
            1 / laser.gain_lifetime,
            1 / laser.absorber_lifetime,
            mine,
            2 * laser.pump_noise**2 / laser.gain_lifetime,
            dt,
            round(grid / dt),
            bench.calibration.detection_threshold,
            terms,
            min(mine * laser.gain_lifetime, laser.threshold_carriers) * rng.uniform(0.5, 0.9),
            fired,
        )
        return fired[:count] * grid

    with ThreadPoolExecutor(bench.threads) as pool:
        times = list(pool.map(run, range(chains * units)))
    lane = np.repeat(np.arange(chains * units), [len(t) for t in times])
    time = np.concatenate(times)
    chain, unit = (lane // units).astype(np.int32), (lane % units).astype(np.int32)
    order = np.lexsort((unit, time, chain))
    labels = tuple(range(units))
    return SpikeTrains(chain[order], unit[order], time[order], labels, chains, 0.0, steps * grid)


def convergence(bench: Bench) -> None:
    """Print what leap and time step change in the event-by-event process."""
    print("\n## The reference itself: leap and time step, at the pump of p = 0.5\n")
    print("| leap | time step [ps] | activation | photons out per spike | ns per event |")
    print("|---|---|---|---|---|")
    for leap, step in ((0, 0.5), (0.05, 0.5), (0.1, 0.5), (0.2, 0.5), (0.4, 0.5), (0.1, 0.25)):
        begin = time.process_time()
        run = bench.jumps((0.5,), bench.time / 3, leap=leap, time_step=step * ps)
        spent = time.process_time() - begin
        p, error = bench.activation(run.spikes)
        fired = np.bincount(run.spikes.chain, minlength=CHAINS)
        lost = run.events[:, 0, Event.CAVITY_LOSS]
        photons = lost.sum() / fired.sum()
        photons_error = np.std(lost - photons * fired) * np.sqrt(CHAINS) / fired.sum()
        cost = spent / run.events[..., : Event.PUMP].sum() / 1e-9
        print(
            f"| {leap or 'none'} | {step} | {p[0]:.4f} ± {error[0]:.4f} "
            f"| {photons:.0f} ± {photons_error:.0f} | {cost:.0f} |",
        )


def curves(bench: Bench, keep: bool) -> SpikeTrains:
    """Print and keep activation and intervals of both; return the spikes event by event."""
    jumps = bench.jumps(TARGETS, bench.time).spikes
    field = bench.engine(TARGETS, 8 * bench.time)
    (p, p_error), (q, q_error) = bench.activation(jumps), bench.activation(field)
    difference, error = q - p, np.hypot(p_error, q_error)
    print("\n## Activation\n")
    print("| P τ_g [carriers] | events | field equation | difference |")
    print("|---|---|---|---|")
    for k, carriers in enumerate(bench.carriers(TARGETS)):
        print(
            f"| {carriers:.0f} | {p[k]:.4f} ± {p_error[k]:.4f} | {q[k]:.4f} ± {q_error[k]:.4f} "
            f"| {difference[k]:+.4f} ± {error[k]:.4f} |"
        )
    worst = np.abs(difference).max()
    print(
        f"\nLargest difference {worst:.4f} ({'within' if worst <= CLOSE else 'beyond'} {CLOSE}); "
        f"χ² = {np.sum((difference / error) ** 2):.1f} over {len(p)} pumps."
    )
    print("\n## Intervals\n")
    print(
        "| activation | intervals: events, field | mean [ns] | deviation [ns] | KS distance "
        "| of the same law at 5 % |"
    )
    print("|---|---|---|---|---|---|")
    kept = []
    for target in INTERVALS_AT:
        unit = TARGETS.index(target)
        a, b = bench.intervals(jumps, unit), bench.intervals(field, unit)
        kept.append((a, b))
        distance = ks_2samp(a, b).statistic
        chance = 1.358 * np.sqrt(1 / len(a) + 1 / len(b))
        print(
            f"| {p[unit]:.2f} | {len(a)}, {len(b)} | {a.mean() / ns:.3f}, {b.mean() / ns:.3f} "
            f"| {a.std() / ns:.3f}, {b.std() / ns:.3f} | {distance:.4f} | {chance:.4f} |"
        )
    if keep:
        found = {"pump": bench.carriers(TARGETS) / bench.laser.threshold_carriers, "close": CLOSE}
        found |= {"events": p, "events_error": p_error, "field": q, "field_error": q_error}
        stored.write(f"noise-{bench.laser.name}", found | histograms(kept))
    return jumps


def histograms(kept: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> dict[str, Any]:
    """Return densities of the intervals of both, up to where 99 % of them lie."""
    edges = [np.linspace(0, np.quantile(b, 0.99), 45) for _, b in kept]
    densities = [
        [
            np.histogram(each, edge)[0] / len(each) / np.diff(edge)
            for edge, each in zip(edges, run, strict=True)
        ]
        for run in zip(*kept, strict=True)
    ]
    return {
        "at": np.array(INTERVALS_AT),
        "edges": np.array(edges),
        "events_density": np.array(densities[0]),
        "field_density": np.array(densities[1]),
    }


def terms(bench: Bench, jumps: SpikeTrains) -> None:
    """Print the activation with one noise term more in each line."""
    print("\n## Which noise it is: the field equation in float64, time step 0.25 ps\n")
    print("| noise of the carriers | " + " | ".join(f"p ≈ {p}" for p in TERMS_AT) + " |")
    print("|---" * (1 + len(TERMS_AT)) + "|")

    def row(name: str, p: NDArray[np.float64], error: NDArray[np.float64]) -> None:
        cells = [f"{x:.4f} ± {e:.4f}" for x, e in zip(p, error, strict=True)]
        print(f"| {name} | " + " | ".join(cells) + " |")

    for name, flags in TERMS.items():
        row(name, *bench.activation(field_equation(bench, TERMS_AT, flags, bench.time)))
    p, error = bench.activation(jumps)
    same = [TARGETS.index(target) for target in TERMS_AT]
    row("event by event", p[same], error[same])


def light(bench: Bench) -> None:
    """Print mean and second-order coherence of the light, below and above threshold."""
    print("\n## Statistics of the light\n")
    print(
        "| laser | mean photons: events | field | R/(κ − G − A) "
        "| g2(0): events | field | of its noise numbers |"
    )
    print("|---|---|---|---|---|---|---|")
    chains = 4 * CHAINS
    bare = bench.laser.replace(absorber_transparency=0.0)
    for name, laser, ratio in (
        ("pumped at half its threshold", bench.laser, 0.5),
        ("without absorber, at half", bare, 0.5),
        ("without absorber, at ten times", bare, 10.0),
    ):
        pump = np.array([ratio * laser.threshold_carriers / laser.gain_lifetime])
        duration, settle = 30 * laser.gain_lifetime, 10 * laser.gain_lifetime
        run = simulate_jumps(
            laser, pump, duration, threshold=1e9, chains=chains, seed=bench.seed, sample_every=1,
            threads=bench.threads,
        )  # fmt: skip
        kept = run.samples[:, 0, round(settle / (2 * ps)) :].astype(np.float64)
        ng, na, n = np.moveaxis(kept, -1, 0)
        recording = Recording(units=(0,), chains=tuple(range(chains)), start=settle, stop=duration)
        wave = simulate(
            network(bench.calibration, laser, pump), duration, chains=chains, seed=bench.seed,
            threads=bench.threads, recording=recording,
        ).waveforms  # fmt: skip
        s = wave.photons[:, 0].astype(np.float64)
        spontaneous = laser.gain_coefficient * ng.mean() + laser.absorber_coefficient * na.mean()
        transparent = (
            laser.gain_coefficient * laser.gain_transparency
            + laser.absorber_coefficient * laser.absorber_transparency
        )
        lost = laser.cavity_loss_rate + transparent - spontaneous
        expected = f"{spontaneous / lost:.3f}" if ratio < 1 else ""
        # A linear mode that is driven by numbers whose fourth moment is 3 - 0.34, one pair per step.
        coherence = lost * bench.calibration.time_step
        cheap = f"{2 - 0.17 * np.tanh(coherence / 2):.3f}" if ratio < 1 else ""
        print(
            f"| {name} | {ratio_of(n, 1)} | {ratio_of(s, 1)} | {expected} "
            f"| {ratio_of(n * (n - 1), n)} | {ratio_of(s * s, s)} | {cheap} |",
        )


def ratio_of(x: NDArray[np.float64], y: NDArray[np.float64] | int) -> str:
    """Return ⟨x⟩/⟨y⟩² with its standard error over the chains, as text."""
    x, y = x.mean(axis=1), np.mean(np.broadcast_to(y, x.shape), axis=1)
    ratio = x.mean() / y.mean() ** 2
    spread = x / x.mean() - 2 * y / y.mean()
    error = ratio * spread.std(ddof=1) / np.sqrt(len(x))
    return f"{ratio:.4f} ± {error:.4f}" if ratio < 10 else f"{ratio:.1f} ± {error:.1f}"


def main() -> None:
    """Run the study."""
    sys.stdout.reconfigure(line_buffering=True)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--laser", default="fast-absorber", help="preset (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, kept nowhere")
    parser.add_argument("--light", action="store_true", help="only the statistics of the light")
    parser.add_argument("--threads", type=int, default=available_threads())
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    calibration = Calibration.preset(options.laser)
    total = (2.5e3 if options.quick else 25e3) * ns
    bench = Bench(calibration, total, options.threads, options.seed)
    begin = time.perf_counter()
    print(f"# {options.laser}, window {calibration.window / ns:g} ns")
    light(bench)
    if not options.light:
        convergence(bench)
        terms(bench, curves(bench, not options.quick))
    print(f"\n{time.perf_counter() - begin:.0f} s on {options.threads} threads")


if __name__ == "__main__":
    main()
