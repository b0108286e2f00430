"""Which integration step is small enough: rates and activations against 0.05 ps in double precision.

The reference is another program: plain Euler–Maruyama for the field, explicit Euler for the carriers,
Gaussian noise, double precision, 0.05 ps. Each laser is measured at three pumps; the engine at several
steps. Differences carry the standard error of both runs. The largest step whose rate is within 2 % and
whose activation is within 0.01 (both taken with their error) is printed; calibrations are measured, and
hold, at the default. Seven minutes on two cores.

    python studies/time_step.py [--preset fast-absorber] [--reference 100]
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus import Calibration, LaserParameters
from photinus._core.compilation import kernel
from photinus._core.threads import available_threads
from photinus.calibration.reduction import uncoupled
from photinus.devices.laser import LASER_PRESETS
from photinus.engines.laser.simulator import Simulator, largest_time_step
from photinus.engines.laser.step import REARM
from photinus.units import ns, ps

LOG_ODDS = (-2.0, 0.0, 2.0)
REFERENCE_STEP = 0.05 * ps
STEPS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Steps of the engine [ps]; those above its limit are left out."""
CHAINS = 512
SETTLE = 10 * ns
RATE, ACTIVATION = 0.02, 0.01


@kernel
def euler(
    state: Any, pump: Any, p: Any, dt: float, steps: Any, high: Any, seed: int, times: Any
) -> Any:
    """Advance one laser by plain Euler–Maruyama; return its spikes' number, their steps in `times`."""
    gg, ga, ntg, nta, kappa, tg, ta, shot, pump_noise = p
    np.random.seed(seed)  # noqa: NPY002
    ex, ey, ng, na = state
    low = REARM * high
    excited = False
    count = 0
    for step in range(steps):
        into_g, into_a = gg * max(ng, 0.0), ga * max(na, 0.0)
        emission = into_g + into_a
        photons = ex * ex + ey * ey
        net_g, net_a = gg * (ng - ntg), ga * (na - nta)
        growth = 0.5 * (net_g + net_a - kappa) * dt
        size = np.sqrt(0.5 * emission * dt)
        dx, dy = size * np.random.normal(), size * np.random.normal()  # noqa: NPY002
        brought = 2 * (ex * dx + ey * dy)
        ng += (pump - ng / tg - net_g * photons) * dt - brought * into_g / max(emission, 1e-30)
        variance = (pump_noise + shot * max(pump + ng / tg, 0.0)) * dt
        ng += np.sqrt(variance) * np.random.normal()  # noqa: NPY002
        na += (-na / ta - net_a * photons) * dt - brought * into_a / max(emission, 1e-30)
        ex += growth * ex + dx
        ey += growth * ey + dy
        photons = ex * ex + ey * ey
        if photons > high and not excited:
            times[count] = step
            count += 1
        excited = photons > high or (excited and photons >= low)
    return count


def reference(calibration: Calibration, drive: float, laser_time: float) -> list[NDArray[np.float64]]:
    """Return the spike times of lasers simulated for `laser_time` together, one array each [s]."""
    laser = calibration.laser
    p = (
        laser.gain_coefficient,
        laser.absorber_coefficient,
        laser.gain_transparency,
        laser.absorber_transparency,
        1 / laser.photon_lifetime,
        laser.gain_lifetime,
        laser.absorber_lifetime,
        float(laser.carrier_noise),
        2 * laser.pump_noise**2 / laser.gain_lifetime,
    )
    each = 500 * ns
    steps = round(each / REFERENCE_STEP)

    def run(k: int) -> NDArray[np.float64]:
        times = np.empty(100_000)
        start = (1.0, 0.0, 0.7 * drive, 0.0)
        pump = drive / laser.gain_lifetime
        assert calibration.detection_threshold is not None
        threshold = calibration.detection_threshold
        count = euler(start, pump, p, REFERENCE_STEP, steps, threshold, k, times)
        found = times[:count] * REFERENCE_STEP
        return np.asarray(found[found > SETTLE])

    with ThreadPoolExecutor(available_threads()) as pool:
        return list(pool.map(run, range(max(2, round(laser_time / each)))))


def measures(intervals: NDArray[np.float64], window: float) -> NDArray[np.float64]:
    """Return rate [1/s], its error, activation, its error, from intervals between spikes [s]."""
    n, mean, on = len(intervals), intervals.mean(), np.minimum(intervals, window)
    activation = on.mean() / mean
    residual = on - activation * intervals
    return np.array(
        [
            1 / mean,
            intervals.std() / mean / np.sqrt(n) / mean,
            activation,
            residual.std() / mean / np.sqrt(n),
        ]
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default=LASER_PRESETS[0], choices=LASER_PRESETS)
    parser.add_argument("--reference", type=float, default=100.0, help="laser-µs of each reference run")
    options = parser.parse_args()
    calibration = Calibration.preset(options.preset)
    window = calibration.window
    drives = calibration.drive_at(np.array(LOG_ODDS))
    exact = []
    for drive in drives:
        spikes = reference(calibration, float(drive), 1000 * options.reference * ns)
        exact.append(measures(np.concatenate([np.diff(times) for times in spikes]), window))
    print(f"{options.preset}: reference {REFERENCE_STEP / ps:g} ps, rate [1/ns] and activation")
    for log_odds, (rate, rate_error, on, on_error) in zip(LOG_ODDS, exact, strict=True):
        found = f"{rate * ns:.4f} ± {rate_error * ns:.4f}, {on:.4f} ± {on_error:.4f}"
        print(f"  log-odds {log_odds:+.0f}: {found}")
    print("step [ps]   log-odds   rate error ± s.e.      activation error ± s.e.")
    largest = None
    limit = largest_time_step(LaserParameters.preset(options.preset))
    for step in STEPS:
        if step * ps > limit * 1.0001:
            print(f"{step:9.2f}   above the engine's limit of {limit / ps:.3g} ps")
            continue
        simulator = Simulator(
            uncoupled(calibration, drives), chains=CHAINS, seed=3, time_step=step * ps
        )
        simulator.advance(20 * window)
        spikes = simulator.advance(2 * options.reference * 1000 * ns / CHAINS + 50 * window)
        good = True
        for unit, log_odds in enumerate(LOG_ODDS):
            rate, rate_error, on, on_error = measures(spikes.intervals()[unit], window)
            true = exact[unit]
            off = rate / true[0] - 1
            error = np.hypot(rate_error, true[1]) / true[0]
            on_off, both = on - true[2], np.hypot(on_error, true[3])
            print(
                f"{step:9.2f} {log_odds:+10.0f} {100 * off:+10.2f} % ± {100 * error:.2f} % "
                f"{on_off:+14.4f} ± {both:.4f}"
            )
            good &= abs(off) + error < RATE and abs(on_off) + both < ACTIVATION
        if good:
            largest = step
    print(f"largest step within {RATE:.0%} and {ACTIVATION}: {largest} ps")


if __name__ == "__main__":
    main()
