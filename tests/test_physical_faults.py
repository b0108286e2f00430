"""Gain compression, drivers that rise, spectra of pump noise, self-heating: against naive programs.

Statistical tests reject correct code with probability ALPHA = 1e-6 each and have a twin that must fail.
"""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.stats import chi2, norm

from photinus import BoltzmannMachine, Calibration, InvalidInput, LaserNetwork, sample, translate
from photinus._core.streams import ChainsFrom, seed_sequence
from photinus.devices.laser import LaserParameters, quiet_state, spike
from photinus.engines.disturbances import Disturbed
from photinus.engines.jumps import simulate_jumps
from photinus.engines.laser import loop
from photinus.engines.laser.block import LaserBlock
from photinus.engines.laser.simulator import TIME_STEP, Simulator
from photinus.engines.simulation import simulate
from photinus.engines.slow import RATIO, Flicker
from photinus.networks.drift import drifted
from photinus.networks.fabrication import with_thresholds
from photinus.networks.imperfections import Imperfections
from photinus.spikes.trains import Recording, SpikeTrains
from photinus.units import ns, parse, ps
from tests import naive
from tests.conftest import ALPHA, same_spikes
from tests.machines import uniform
from tests.narrow import there
from tests.test_simulation import (
    DEVICE,
    GRID,
    KERNELS,
    dark_network,
    delivered,
    enlarged,
    network,
)

CALIBRATION = Calibration.preset()
Z = norm.isf(ALPHA / 2)


def designed(n: int, seed: int = 0) -> LaserNetwork:
    found = translate(uniform(n, seed), CALIBRATION)
    assert isinstance(found, LaserNetwork)
    return found


# ---------------------------------------------------------------------------- gain compression


def test_a_compressed_spike_follows_the_rate_equations() -> None:
    """A device 1e6 times larger has next to no noise; its gain falls by a third at the peak."""
    p = enlarged(1e6, gain_compression=0.5e-6 / spike(DEVICE).peak_photons)
    pump = 2 * p.threshold_carriers / p.gain_lifetime
    n = network([0.0], parameters=p).replace(pump=[pump])
    w = simulate(n, 3 * ns, seed=4, recording=Recording(units=(0,), stop=3 * ns)).waveforms
    assert w is not None
    photons, gain, absorber = (
        x[0, 0].astype(float) for x in (w.photons, w.gain_carriers, w.absorber_carriers)
    )
    late = w.time > 1 * ns
    start = int(np.argmax(late & (photons > 1e-3 * photons[late].max())))
    window = slice(start, start + round(100 * ps / GRID))
    time = w.time[window] - w.time[start]

    def reference(laser: LaserParameters) -> NDArray[np.float64]:
        rates = naive.rate_equations(laser, pump)
        begin = [photons[start], gain[start], absorber[start]]
        growth = rates(0.0, np.array(begin))[0] / begin[0]
        begin[0] *= np.exp(growth * TIME_STEP / 2)  # the field stands half a step behind
        options: dict[str, Any] = {"rtol": 1e-9, "atol": 1.0, "dense_output": True}
        x = there(solve_ivp(rates, (0, 110 * ps), begin, method="LSODA", **options).sol)
        return np.array([x(time - TIME_STEP / 2)[0], x(time)[1]])

    light, carriers = reference(p)
    assert abs(photons[window] - light).max() < 0.03 * light.max()
    assert abs(gain[window] - carriers).max() < 0.02 * np.ptp(carriers)
    # Twin: without compression the spike is another one.
    light, carriers = reference(p.replace(gain_compression=0.0))
    assert abs(photons[window] - light).max() > 0.1 * light.max()


@pytest.mark.parametrize("compression", [0.0, 1e-4, 1e-2])
@pytest.mark.parametrize("pumped", [0.5, 1.2, 3.0])
def test_the_quiet_state_is_at_rest(compression: float, pumped: float) -> None:
    laser = DEVICE.replace(gain_compression=compression)
    pump = pumped * laser.threshold_carriers / laser.gain_lifetime
    found = quiet_state(laser, pump)
    state = np.array([found.photons, found.gain_carriers, found.absorber_carriers])
    rates = naive.rate_equations(laser, pump)
    assert np.abs(rates(0.0, state)).max() < 1e-8 * pump
    steps = 1e-6 * state
    jacobian = np.array(
        [
            (np.array(rates(0.0, state + h)) - np.array(rates(0.0, state - h))) / (2 * h.sum())
            for h in np.diag(steps)
        ]
    ).T
    eigenvalues = np.linalg.eigvals(jacobian)
    np.testing.assert_allclose(
        np.sort_complex(found.eigenvalues), np.sort_complex(eigenvalues), rtol=1e-4
    )


def test_compressed_lasers_fire_as_often_as_event_by_event() -> None:
    """Spikes per chain, Welch's z; the compression is what halves the gain at 7 peaks of light."""
    laser = DEVICE.replace(gain_compression=5e-5)
    pump = CALIBRATION.midpoint / laser.gain_lifetime
    threshold = CALIBRATION.detection_threshold
    assert threshold is not None
    events = simulate_jumps(laser, [pump], 25 * ns, threshold=threshold, chains=150, seed=1)
    counted = np.bincount(events.spikes.chain, minlength=150)

    def z(parameters: LaserParameters) -> float:
        n = network([0.0], parameters=parameters, detection_threshold=threshold)
        found = simulate(n.replace(pump=[pump]), 25 * ns, chains=2000, seed=2)
        count = np.bincount(found.chain, minlength=2000)
        error = math.hypot(count.std() / math.sqrt(2000), counted.std() / math.sqrt(150))
        return float(abs(count.mean() - counted.mean()) / error)

    assert z(laser) < Z
    assert z(DEVICE) > Z


def test_compression_is_off_by_default_to_the_bit() -> None:
    n = designed(3)
    assert all(block.compression is None for block in Simulator(n, chains=4)._blocks)
    same = n.replace(devices=tuple(d.replace(gain_compression=0.0) for d in n.each_device()))
    assert same_spikes(simulate(n, 5 * ns, chains=4, seed=1), simulate(same, 5 * ns, chains=4, seed=1))
    assert "gain_compression" not in DEVICE.to_dict()
    strong = DEVICE.replace(gain_compression=1e-4)
    assert LaserParameters.from_dict(strong.to_dict()) == strong


def test_compression_beyond_nothing_changes_little() -> None:
    """What is compiled for compressed lasers has the law of the others where there is none."""
    n = designed(3)
    faint = Imperfections(gain_compression=1e-15).apply(n)
    plain, other = (simulate(x, 20 * ns, chains=400, seed=s) for x, s in ((n, 1), (faint, 2)))
    counts = [np.bincount(s.chain, minlength=400) for s in (plain, other)]
    error = math.sqrt(sum(c.var() / 400 for c in counts))
    assert abs(counts[0].mean() - counts[1].mean()) < Z * error


# ---------------------------------------------------------------------------- drivers that rise


@pytest.mark.parametrize("kernel", KERNELS[:5])
def test_a_driver_is_a_low_pass_of_one_pole(kernel: Any) -> None:
    """Filters commute: carriers of a laser without light are those of a quick driver, low-passed.

    Allowed is what single precision costs, as where drivers are quick.
    """
    coupling = np.zeros((3, 3))
    coupling[1, 0], coupling[2, 0] = 4000.0, -2000.0
    rise = 60 * ps
    n = dark_network(coupling, 0.0, kernel).replace(rise_time=rise)
    s, found, quick = delivered(n)
    expected = np.empty_like(quick)
    for chain in range(len(quick)):
        for unit in range(3):
            lag = 0.0
            rest = n.pump[unit] * n.parameters.gain_lifetime
            # What the start has brought decays at once: it is in the carriers, not in the driver.
            recorded = there(s.waveforms).time
            time = recorded - recorded[0]
            start = (found[chain, unit, 0] - rest) * np.exp(-time / n.parameters.gain_lifetime)
            for k, carriers in enumerate(quick[chain, unit] - rest - start):
                lag += (1 - np.exp(-GRID * np.log(9) / rise)) * (carriers - lag)
                expected[chain, unit, k] = rest + start[k] + lag
    np.testing.assert_allclose(found, expected, rtol=0, atol=12)
    assert abs(found - quick).max() > 200  # twin: no driver is that quick


def test_drivers_are_quick_by_default_and_go_on_from_a_state() -> None:
    n = designed(3)
    assert all(block.late.size == 0 for block in Simulator(n, chains=4)._blocks)
    assert "rise_time" not in n.to_dict()
    slow = Imperfections(driver_rise_time=50 * ps).apply(n)
    assert LaserNetwork.from_dict(slow.to_dict()).rise_time == slow.rise_time == 50 * ps
    assert Imperfections(driver_rise_time=120 * ps).apply(slow).rise_time == pytest.approx(130 * ps)
    first = Simulator(slow, chains=6, seed=1)
    whole = Simulator(slow, chains=6, seed=1).advance(10 * ns)
    begin = first.advance(4.002 * ns)
    second = Simulator(slow, chains=6, seed=5)
    second.restore(first.state())
    assert same_spikes(whole, SpikeTrains.joined([begin, second.advance(5.998 * ns)]))


def test_a_heated_driver_rises_in_its_time() -> None:
    """The pump after a change of the drives goes 90 % of the way in ln 10/ln 9 of the rise time."""
    n = designed(1).replace(rise_time=100 * ps)
    simulator = Simulator(n, chains=1, seed=1)
    simulator.advance(GRID)
    simulator.heat(n.drive[None], 1.0)
    simulator.advance(100 * ps * math.log(10) / math.log(9))
    at = loop.at(0, loop.PUMP)
    (block,) = simulator._blocks
    assert block.f[at] / (n.pump[0] * TIME_STEP) == pytest.approx(1.9, abs=0.005)


# ---------------------------------------------------------------------------- spectra of pump noise


def test_white_noise_gives_carriers_their_variance() -> None:
    """Var N_g = S P² τ_g/4 without light: χ² of samples 5 lifetimes apart, 400 lasers."""
    density = 1e-13
    n = dark_network(np.zeros((2, 2)), 0.0, KERNELS[0], carriers=1e5)
    p = n.parameters.replace(carrier_noise=False, pump_noise=0.0, forced=True)
    n = n.replace(parameters=p)
    built = Imperfections(pump_noise_density=density).apply(n)
    recording = Recording(units=(0,), chains=tuple(range(400)), start=6 * ns, stop=6 * ns + 2 * GRID)
    found = simulate(built, 7 * ns, chains=400, seed=3, recording=recording).waveforms
    assert found is not None
    carriers = found.gain_carriers[:, 0, 0].astype(float)
    expected = density * n.pump[0] ** 2 * p.gain_lifetime / 4
    statistic = ((carriers - carriers.mean()) ** 2).sum() / expected
    assert chi2.ppf(ALPHA / 2, 399) < statistic < chi2.isf(ALPHA / 2, 399)
    assert not chi2.ppf(ALPHA / 2, 399) < statistic / 2 < chi2.isf(ALPHA / 2, 399)
    assert Imperfections(pump_noise_density=0.0).apply(n).devices == ()


def flicker(chains: int, corner: float, density: float) -> Flicker:
    faults = Imperfections(pump_noise_density=density, pump_noise_corner=corner)
    simulator = Simulator(designed(1), chains=chains, seed=1)
    found = Disturbed(simulator, faults, 2)._flicker
    assert found is not None
    return found


@pytest.mark.parametrize("spans", [3.0, 30.0, 200.0])
def test_flicker_has_the_structure_function_of_its_spectrum(spans: float) -> None:
    """Mean square change over a time, 2 ∫ h/f (1 - cos 2πft) df: χ² of 2000 chains, and 4 % for
    processes a factor of 4 apart in place of all of them."""
    corner, density = 1e8, 1e-12
    noise = flicker(2000, corner, density)
    before = noise.move(0)
    steps = noise.every * max(1, round(spans / corner / (noise.every * GRID)))
    moved = noise.move(steps) - before
    expected = drifted(steps * GRID, flicker=density * corner, bandwidth=corner) ** 2
    ratio = np.sum(moved**2) / expected
    low, high = chi2.ppf(ALPHA / 2, 2000), chi2.isf(ALPHA / 2, 2000)
    assert 0.96 * low < ratio < 1.04 * high
    assert not 0.96 * low < 1.3 * ratio < 1.04 * high


def test_flicker_reaches_the_pumps() -> None:
    n = designed(2)
    faults = Imperfections(pump_noise_density=1e-12, pump_noise_corner=1e8)
    simulator = Simulator(n, chains=3, seed=1)
    disturbed = Disturbed(simulator, faults, 2)
    disturbed.advance(20 * ns)
    assert disturbed._flicker is not None
    pumps = np.concatenate([b.base_pump[: b.chains * 2] for b in simulator._blocks]).reshape(3, 2)
    relative = pumps / (n.pump * TIME_STEP) - 1
    np.testing.assert_allclose(relative, disturbed._flicker.value.sum(axis=-1), rtol=1e-9)
    assert relative.std() > 1e-3
    assert RATIO > 1


# ---------------------------------------------------------------------------- self-heating


def naive_temperatures(
    n: LaserNetwork, spikes: SpikeTrains, faults: Imperfections, every: float, pieces: int
) -> NDArray[np.float64]:
    """Return temperatures (chain, unit) after whole pieces, spike by spike."""
    laser, kernel, units = n.parameters, n.kernel, n.n_units
    photon = laser.photon_energy
    light = spike(laser).books.emitted * photon
    coupling = np.asarray(n.coupling)
    resistance, keep = faults.thermal_resistance, math.exp(-every / faults.thermal_time)
    mean = n.pump.mean() * photon - light / (2 * n.window)
    result = np.empty((spikes.chains, units))
    for chain in range(spikes.chains):
        own = [spikes.time[(spikes.chain == chain) & (spikes.unit == u)] for u in range(units)]
        warmth = [resistance * photon * (n.pump[u] - n.pump.mean()) for u in range(units)]
        for piece in range(pieces):
            for u in range(units):
                energy = n.pump[u] * photon * every
                for j in range(units):
                    for k, time in enumerate(own[j]):
                        if not piece * every < time <= (piece + 1) * every * (1 + 1e-12):
                            continue
                        since = time - own[j][k - 1] if k else math.inf
                        share = min(1.0, since / kernel.duration) if kernel.renewing else 1.0
                        pulse = kernel.kick + kernel.sustain * kernel.duration / laser.gain_lifetime
                        energy += coupling[u, j] * pulse * share * photon
                        energy -= light * (j == u)
                steady = resistance * (energy / every - mean)
                warmth[u] = steady + keep * (warmth[u] - steady)
        result[chain] = warmth
    return result


def test_temperatures_are_those_of_a_naive_program() -> None:
    n = designed(4)
    faults = Imperfections(thermal_resistance=1e6, thermal_time=16 * ns)
    disturbed = Disturbed(Simulator(n, chains=5, seed=1), faults, 2)
    heating = disturbed._heating
    assert heating is not None
    every = heating.every * GRID
    parts = [disturbed.advance(d) for d in (0.3 * every, 2.1 * every, 3.6 * every)]
    disturbed.advance(GRID)  # the piece that begins now has the temperatures of six
    expected = naive_temperatures(n, SpikeTrains.joined(parts), faults, every, 6)
    np.testing.assert_allclose(heating.temperature, expected, rtol=1e-6, atol=1e-9)
    assert np.abs(expected).max() > 0.3


def test_a_warm_laser_is_one_of_higher_threshold() -> None:
    n = designed(3)
    factor = np.array([[1.02, 0.99, 1.0], [0.97, 1.01, 1.05]])
    warmed = Simulator(n, chains=2, seed=1)
    warmed.warm(factor)
    (block,) = warmed._blocks
    for chain in range(2):
        other = Simulator(with_thresholds(n, factor[chain]), chains=2, seed=1)
        (wanted,) = other._blocks
        for unit in range(3):
            lane = 3 * chain + unit
            for row in (loop.GG, loop.GROWTH, loop.GROWTH_G, loop.CLEAR_G):
                at = loop.at(lane, row)
                assert block.f[at] == pytest.approx(wanted.f[at], rel=3e-7)
    warmed.warm(np.ones((2, 3)))
    fresh: LaserBlock = Simulator(n, chains=2, seed=1)._blocks[0]
    np.testing.assert_array_equal(block.f, fresh.f)


def test_heat_makes_lasers_that_are_pumped_harder_fire_less() -> None:
    """A laser whose light stays inside: 1.5 slopes of pump, 6 %, are 0.7 K at 1e6 K/W. That raises
    N_th by a hundredth, and the log-odds fall by a fifth; probabilities have errors of 0.004."""
    machine = BoltzmannMachine(np.zeros((2, 2)), [1.5, -1.5])
    n = translate(machine, CALIBRATION)
    n = n.replace(parameters=n.parameters.replace(output_efficiency=1e-3))
    hot = Imperfections(thermal_resistance=1e6, thermal_time=30 * ns)
    options: dict[str, Any] = {"chains": 200, "draws": 60, "burn_in": 50, "seed": 1, "network": n}
    cold = sample(machine, **options).marginals()
    warm = sample(machine, imperfections=hot, **options).marginals()
    assert cold[0] - warm[0] > 0.02
    assert warm[1] - cold[1] > 0.02


# ---------------------------------------------------------------------------- together

SLOW = Imperfections(
    pump_noise_density=1e-11,
    pump_noise_corner=1e9,
    thermal_resistance=1e6,
    thermal_time=5 * ns,
    shared_pump_noise=0.03,
    driver_rise_time=30 * ps,
    gain_compression=1e-6,
)


def disturbed(n: LaserNetwork, chains: int = 12, seed: Any = 7, threads: int = 1) -> Disturbed:
    return Disturbed(Simulator(n, chains=chains, seed=seed, threads=threads), SLOW, seed)


def test_spikes_do_not_depend_on_how_time_and_work_are_cut() -> None:
    n = SLOW.apply(designed(3), 1)
    whole = disturbed(n).advance(8 * ns)
    assert len(whole) > 50
    assert same_spikes(whole, disturbed(n, threads=2).advance(8 * ns))
    pieces = disturbed(n)
    parts = [pieces.advance(d * ns) for d in (0.3, 1.1, 6.6)]
    assert same_spikes(whole, SpikeTrains.joined(parts))
    last = disturbed(n, chains=4, seed=ChainsFrom(8, seed_sequence(7))).advance(8 * ns)
    np.testing.assert_array_equal(last.time, whole.time[whole.chain >= 8])


def test_a_run_goes_on_from_its_state() -> None:
    n = SLOW.apply(designed(3), 1)
    first = disturbed(n)
    first.advance(3.1 * ns)
    state = first.state()
    rest = first.advance(4 * ns)
    second = disturbed(n)
    second.restore(state)
    assert same_spikes(rest, second.advance(4 * ns))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"gain_compression": -1}, "gain_compression must be from 0 to 1, got -1"),
        ({"driver_rise_time": 1}, "driver_rise_time must be from 0 to 1 µs, got 1 s: did you mean .*"),
        ({"pump_noise_density": 1}, "pump_noise_density must be from 0 to 1e-06 1/Hz, got 1 1/Hz.*"),
        ({"pump_noise_density": "3 dB"}, "pump_noise_density must be a spectral density .*"),
        ({"pump_noise_corner": -1}, "pump_noise_corner must be from 0 to 100 GHz, got -1 Hz"),
        ({"thermal_resistance": "3 K"}, "thermal_resistance must be a thermal resistance .*"),
        (
            {"thermal_resistance": 1e9},
            r"thermal_resistance must be from 0 to 1e\+08 K/W, got 1e\+09 K/W.*",
        ),
        ({"thermal_time": 0}, "thermal_time must be from 1 ns to 1 s, got 0 s"),
    ],
)
def test_bad_values_are_refused_in_one_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{sentence}$"):
        Imperfections.from_dict(values)


def test_reduced_lasers_refuse_what_they_do_not_have() -> None:
    options: dict[str, Any] = {"substrate": "laser-reduced", "chains": 4, "draws": 5, "burn_in": 1}
    for faults, part in (
        (Imperfections(thermal_resistance=1e5), "thermal_resistance must be 0 K/W for reduced lasers"),
        (Imperfections(driver_rise_time=10 * ps), "rise_time must be 0 s for reduced lasers"),
        (Imperfections(gain_compression=1e-6), "devices must be empty for reduced lasers"),
    ):
        with pytest.raises(InvalidInput, match=part):
            sample(uniform(2), imperfections=faults, **options)


def test_units_of_noise_and_heat() -> None:
    assert parse("-130 dB/Hz", "1/Hz") == pytest.approx(1e-13)
    assert parse("2e-14 1/Hz", "1/Hz") == 2e-14
    assert parse("0.1 K/µW", "K/W") == pytest.approx(1e5)
