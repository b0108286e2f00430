"""Drivers that bend: the curve, both engines, the fit, what documents and ledgers say of them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq

from photinus import BoltzmannMachine, Calibration, InvalidInput, calibrate, sample
from photinus._core import files
from photinus.calibration.straight import straightened
from photinus.devices.laser import LaserParameters
from photinus.devices.laser.driver import Driver
from photinus.devices.synapse import SynapticKernel
from photinus.engines.laser import Simulator, loop
from photinus.engines.reduced.simulator import ReducedSimulator
from photinus.engines.simulation import simulate
from photinus.hardware.ledger import Ledger
from photinus.networks.lasers import LaserNetwork
from photinus.spikes.trains import Recording
from photinus.units import ps
from tests.conftest import same_spikes
from tests.narrow import there
from tests.test_simulation import GRID, MIDPOINT, SLOPE, dark_network, network

Floats = NDArray[np.float64]
PLAIN = LaserParameters.preset()
KNEE, SOFTNESS = MIDPOINT - 3 * SLOPE, 2.5 * SLOPE


def behind(laser: LaserParameters, knee: float = KNEE, softness: float = SOFTNESS) -> LaserParameters:
    """Return a laser behind a driver whose knee and softness are drives [carriers]."""
    knee, softness = (laser.current(x / laser.gain_lifetime) for x in (knee, softness))
    return laser.replace(driver_knee=knee, driver_softness=softness)


def test_a_driver_follows_its_input_above_the_knee_and_idles_below() -> None:
    driver = Driver(10.0, 2.0)
    assert driver.pump(1e4) == pytest.approx(1e4, abs=1e-3)
    assert driver.pump(-1e4) == pytest.approx(10.0, abs=1e-3)
    assert driver.pump(10.0) == pytest.approx(11.0)
    # The other branch of the splitter, y z = s²/4, y - z = x - k, found by search.
    for x in (3.0, 9.0, 12.0):
        y = brentq(lambda y, x=x: y - 1 / y - (x - 10), 1e-9, 100)
        assert driver.pump(x) == pytest.approx(10 + y)
        assert driver.input(10 + y) == pytest.approx(x)
    np.testing.assert_array_equal(Driver().pump([-2.0, 3.0]), [0.0, 3.0])
    assert Driver(1.0).bends
    assert Driver(0.0, 1.0).bends
    assert not Driver().bends


def test_a_laser_behind_a_driver_is_one_with_the_pump_that_it_makes() -> None:
    """Without synapses the two agree to the bit; a plain laser with the input as its pump does not."""
    given = network([-3.0, -1.0, 0.0, 2.0], parameters=behind(PLAIN))
    plain = given.replace(parameters=PLAIN, pump=given.supplied)
    assert (plain.pump > given.pump).all()
    bent, same, other = (
        simulate(n, 5e-9, chains=4, seed=1, threads=1)
        for n in (given, plain, given.replace(parameters=PLAIN))
    )
    assert len(bent) > 50
    assert same_spikes(bent, same)
    assert not same_spikes(bent, other)


def carriers(n: LaserNetwork, spikes: Floats, time: Floats, start: float, unit: int) -> Floats:
    """Return N_g of a dark laser behind a driver, fed by laser 0; a step after the other."""
    laser, kernel = n.parameters, n.kernel
    driver = laser.driver
    height = kernel.sustain * n.coupling[unit, 0] / laser.gain_lifetime
    found, now, before, level = [start], start, float("nan"), n.pump[unit]
    last = -1e9
    for t in time[:-1]:
        active = ((spikes < t + GRID / 2) & (spikes + kernel.duration > t + GRID / 2)).any()
        before, level = level, n.pump[unit] + height * active
        for spike in spikes[np.abs(spikes - t) < GRID / 2]:
            low, high = driver.pump([before, level])
            share = (
                (high - low) / (level - before)
                if level != before
                else (driver.pump(level + 1e-4 * level) - high) / (1e-4 * level)
            )
            now += share * kernel.kick * n.coupling[unit, 0] * min(1, (spike - last) / kernel.duration)
            last = spike
        steady = float(driver.pump(level)) * laser.gain_lifetime
        now = steady + (now - steady) * np.exp(-GRID / laser.gain_lifetime)
        found.append(now)
    return np.array(found)


def test_pulses_and_kicks_pass_the_driver() -> None:
    """Pumps follow the bent input, kicks are as much smaller as the change of the pump that they go
    with; told from a driver that lets kicks pass whole, and from none."""
    coupling = np.zeros((3, 3))
    coupling[1, 0], coupling[2, 0] = 4000.0, -4000.0
    dark = dark_network(
        coupling, np.zeros((3, 3)), SynapticKernel(kick=0.5, sustain=2.0, duration=100 * ps)
    )
    n = dark.replace(parameters=behind(dark.parameters, 3.1e4, 8e3))
    n = n.replace(pump=n.pump)
    recording = Recording(units=(0, 1, 2), chains=(0,), stop=3e-9)
    s = simulate(n, 3e-9, seed=3, recording=recording, threads=1)
    waveforms = there(s.waveforms)
    spikes, time = s.time[s.unit == 0], waveforms.time
    assert (np.diff(spikes) < 90 * ps).sum() >= 2
    assert (np.diff(spikes) > 110 * ps).sum() >= 2
    for unit in (1, 2):
        found = waveforms.gain_carriers[0, unit].astype(float)
        expected = carriers(n, spikes, time, found[0], unit)
        np.testing.assert_allclose(found, expected, rtol=0, atol=12)
        whole = n.replace(kernel=replace(n.kernel, kick=1.0))
        assert abs(found - carriers(whole, spikes, time, found[0], unit)).max() > 100
        wire = n.replace(parameters=dark.parameters)
        assert abs(found - carriers(wire, spikes, time, found[0], unit)).max() > 100


def test_heating_goes_through_the_driver() -> None:
    n = network([-3.0, 0.0], np.array([[0, 1.0], [1, 0]]), parameters=behind(PLAIN))
    hot = Simulator(n, chains=2, seed=5, threads=1)
    hot.advance(1e-9)
    hot.heat(np.full((2, 2), -SLOPE), 0.5)
    (block,) = hot._blocks
    tiles = block.f.reshape(-1, block.f.size // len(block.drive), len(block.drive))
    driver = n.parameters.driver
    given = (block.base_pump + block.drive)[:4] / hot.time_step
    np.testing.assert_allclose(tiles[0, loop.PUMP, :4] / hot.time_step, driver.pump(given), rtol=1e-6)


def test_lasers_held_off_get_no_idle_current() -> None:
    n = network([0.0, 0.0], parameters=behind(PLAIN, MIDPOINT + 2 * SLOPE, SLOPE))
    off = Simulator(n, chains=8, seed=5, clamp={0: 0}, clamp_mode="laser", threads=1)
    spikes = off.advance(2e-8)
    assert 0 not in spikes.unit
    assert (spikes.unit == 1).sum() > 100


def test_the_driver_fitted_makes_log_odds_straight(calibration: Calibration) -> None:
    """The measured curve is off a straight line by more than half a log-odds; behind the driver by
    less than a seventh over ±4."""
    u = np.linspace(-4, 4, 81)

    def bend(curve: Floats) -> float:
        line = np.polynomial.Polynomial.fit(u, curve, 1)
        return float(np.abs(curve - line(u)).max() / line.convert().coef[1])

    pump = calibration.drive_at(u)
    laser = straightened(calibration)
    driver = laser.driver.scaled(laser.gain_lifetime)
    assert bend(pump) > 0.5
    assert bend(driver.input(pump)) < 0.14
    with pytest.raises(InvalidInput, match="laser"):
        straightened(Calibration.preset("lif-hcs"))
    with pytest.raises(InvalidInput, match="straight must be False"):
        calibrate(Calibration.preset("lif-hcs").parameters, straight=True)
    with pytest.raises(InvalidInput, match="reach"):
        calibrate(PLAIN, reach=0.5)


def test_documents_hold_a_driver_only_where_it_bends(calibration: Calibration) -> None:
    bent = behind(PLAIN)
    assert "driver_knee" not in PLAIN.to_dict()
    assert LaserParameters.from_dict(json.loads(files.to_json(bent.to_dict()))) == bent
    assert not calibration.fits(bent)
    assert calibration.fits(PLAIN)
    with pytest.raises(InvalidInput, match="driver_knee"):
        calibration.require(bent)
    with pytest.raises(InvalidInput, match="driver_softness"):
        PLAIN.replace(driver_softness=-1e-6)
    n = network([0.0], parameters=bent)
    assert LaserNetwork.from_dict(n.to_dict()).parameters == bent


def test_the_ledger_counts_what_lasers_get(calibration: Calibration) -> None:
    laser = straightened(calibration)
    driver = laser.driver.scaled(laser.gain_lifetime)
    machine = BoltzmannMachine(np.zeros((2, 2)), [-3.0, 1.0])
    drive = driver.input(calibration.drive_at(np.array([-3.0, 1.0])))
    n = network([0.0, 0.0], parameters=laser).driven(drive)
    run = sample(machine, network=n, chains=2, draws=30, seed=1, threads=1)
    counted = {line.name: line.count for line in Ledger.of_samples(run).lines}["pump"]
    wanted = calibration.drive_at(np.array([-3.0, 1.0])).sum() / laser.gain_lifetime
    assert counted == pytest.approx(wanted, rel=1e-9)
    assert counted != pytest.approx(n.pump.sum(), rel=0.01)


def test_reduced_lasers_behind_a_driver(calibration: Calibration) -> None:
    """Without synapses nearly all spikes are those of plain lasers with the pumps that it makes."""
    laser = straightened(calibration)
    drive = laser.driver.scaled(laser.gain_lifetime).input(
        calibration.drive_at(np.array([-3.0, -1.0, 0.0, 2.0]))
    )
    given = network(np.zeros(4), parameters=laser, window=calibration.window).driven(drive)
    plain = given.replace(parameters=PLAIN, pump=given.supplied)
    bent, same, other = (
        ReducedSimulator(n, calibration.require_reduced(), chains=8, seed=1).advance(2e-7)
        for n in (given, plain, given.replace(parameters=PLAIN))
    )
    assert len(bent) == pytest.approx(len(same), rel=1e-3)
    assert len(other) < 0.9 * len(same)
