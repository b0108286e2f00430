"""Networks with a gauge, on every substrate: a run is that of the flipped machine, told in z.

A machine sampled in a gauge, and the flipped machine sampled without, put the same lasers to the same
work: with one seed the spikes are the same to the bit, and the states are each other's flips.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus import devices
from photinus._core import gauge as gauges
from photinus.calibration import Calibration
from photinus.devices.synapse import SynapticKernel
from photinus.learning.loop import DeviceChains
from photinus.networks.imperfections import Imperfections
from photinus.samplers.sampling import Interrupted
from photinus.translation import recover
from tests.conftest import same_spikes
from tests.machines import machine
from tests.progress import Impatient

LABELS = ["a", 1, "Ω", "b"]
GAUGE = gauges.checked([True, False, True, False], 4)
GIVEN = machine("dense", 4, np.random.default_rng(11), scale=1.5)
MACHINE = ph.BoltzmannMachine(GIVEN.weights, GIVEN.biases, LABELS)
SMALL: dict[str, Any] = {"chains": 12, "draws": 24, "burn_in": 8, "seed": 5, "threads": 1}
PRESETS = {"laser": "fast-absorber", "laser-reduced": "fast-absorber", "lif": "lif-hcs"}
LASERS = ("laser", "laser-reduced")


@pytest.fixture(params=[*PRESETS, "refractory"])
def substrate(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a spiking substrate, or of the device of another package."""
    place = "tests.outside:RefractoryDevice"
    monkeypatch.setitem(devices.registry.BUILT_IN, "refractory", place)
    return str(request.param)


def calibrated(substrate: str) -> Calibration:
    """Return the calibration of a substrate's neurons; those of another package are ideal."""
    if substrate in PRESETS:
        return Calibration.preset(PRESETS[substrate])
    neuron, u = devices.device("refractory").preset("plain"), np.linspace(-6, 6, 49)
    nothing, window = np.zeros(49), neuron.window
    return Calibration(
        parameters=neuron, window=window, detection_threshold=None, midpoint=0.0, slope=1.0,
        kernel=SynapticKernel(kick=0.0, sustain=1.0, duration=window), bias_range=(-5, 5),
        weight_range=(-2, 2), drive=u, activation=1 / (1 + np.exp(-u)), time_step=window / 20,
        midpoint_error=0.0, slope_error=0.0, residual=0.0, kernel_error={}, network_kl=0.0,
        windows_tried=np.array([window]), windows_kl=np.zeros(1), activation_error=nothing,
        mean_interval=nothing + np.nan, interval_cv=nothing + np.nan, seed="0", version="0",
        shortest_interval=nothing + np.nan,
    )  # fmt: skip


def twins(substrate: str, evidence: Any = None, **options: Any) -> tuple[ph.Samples, ph.Samples]:
    """Return samples of the machine in the gauge, and of the flipped machine in none."""
    options = {**SMALL, "calibration": calibrated(substrate), **options}
    start = np.random.default_rng(2).integers(2, size=(SMALL["chains"], 4)).astype(np.uint8)
    known = {LABELS.index(label): value for label, value in (evidence or {}).items()}
    flipped = {LABELS[k]: value ^ int(GAUGE[k]) for k, value in known.items()}
    return (
        ph.sample(MACHINE, substrate, gauge=GAUGE, evidence=evidence, initial=start, **options),
        ph.sample(
            MACHINE.flipped(GAUGE),
            substrate,
            gauge="none",
            evidence=flipped,
            initial=gauges.flip_states(start, GAUGE),
            **options,
        ),
    )


def check(z: ph.Samples, y: ph.Samples) -> None:
    """Check that z is y, told in z."""
    assert same_spikes(z.spikes, y.spikes)
    np.testing.assert_array_equal(z.states, gauges.flip_states(y.states, GAUGE))
    assert 0 < z.states.mean() < 1
    assert z.network is not None
    assert (gauges.of(z.network) == GAUGE).all()
    if z.spikes is None:
        return
    np.testing.assert_allclose(z.joint(), gauges.flip_joint(y.joint(), GAUGE), atol=1e-12)
    moments = gauges.flip_moments(y.chain_moments(), GAUGE)
    np.testing.assert_allclose(z.chain_moments(), moments, atol=1e-12)
    diagonal = np.diagonal(moments, axis1=1, axis2=2)
    np.testing.assert_allclose(z.chain_marginals(), diagonal, atol=1e-12)
    halves = [samples.chain_moments(pieces=2) for samples in (z, y)]
    np.testing.assert_allclose(halves[0], gauges.flip_moments(halves[1], GAUGE), atol=1e-12)


def test_plain(substrate: str) -> None:
    check(*twins(substrate))


@pytest.mark.parametrize("mode", ["pump", "laser"])
def test_evidence(substrate: str, mode: str) -> None:
    evidence = {"a": np.arange(12) % 2, 1: 1}
    z, y = twins(substrate, evidence, evidence_mode=mode)
    assert (z.states[:, :, 0] == (np.arange(12) % 2)[:, None]).all()
    assert (z.states[:, :, 1] == 1).all()
    assert same_spikes(z.spikes, y.spikes)
    np.testing.assert_array_equal(z.states, gauges.flip_states(y.states, GAUGE))
    alone = {"a": 1, 1: 1}
    check(*twins(substrate, alone, evidence_mode=mode))


def test_tempering(substrate: str) -> None:
    check(*twins(substrate, {"a": 1}, tempering=ph.Tempering(hottest=3.0, period=8)))


def test_linear_rule(substrate: str) -> None:
    z, y = twins(substrate, rule="linear")
    check(z, y)
    assert z.network is not None
    found = recover(z.network, calibrated(substrate))
    np.testing.assert_allclose(found.weights, MACHINE.weights, atol=1e-9)
    np.testing.assert_allclose(found.biases, MACHINE.biases, atol=1e-9)
    assert found.labels == MACHINE.labels


@pytest.mark.parametrize("name", LASERS)
def test_imperfections(name: str) -> None:
    faults = Imperfections(weight_bits=4, pump_drift=0.02, lost_spikes=0.1, shared_pump_noise=0.01)
    check(*twins(name, {"a": 1}, imperfections=faults))


def test_stored_stopped_and_resumed(substrate: str, tmp_path: Path) -> None:
    options = {**SMALL, "calibration": calibrated(substrate), "gauge": GAUGE, "evidence": {"a": 1}}
    whole = ph.sample(MACHINE, substrate, **options)
    path = tmp_path / "run.zarr"
    with pytest.raises(Interrupted):
        in_pieces(ph.sample, MACHINE, substrate, path=path, progress=Impatient(12), **options)
    stopped = ph.load(path)
    assert not stopped.complete
    assert 0 < stopped.draws < whole.draws
    resumed = ph.sample(MACHINE, substrate, path=path, resume=True, **options)
    loaded = ph.load(path)
    for one in (resumed, loaded):
        assert one.network is not None
        assert (gauges.of(one.network) == GAUGE).all()
        np.testing.assert_array_equal(one.states, whole.states)
        np.testing.assert_array_equal(one.joint(), whole.joint())
        assert same_spikes(one.spikes, whole.spikes)


def in_pieces(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call with runs that are stored every few draws."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("photinus.samplers.spiking.LASER_STEPS_PER_PIECE", 1.0)
        patch.setattr("photinus.samplers.spiking.LASER_STEPS_PER_CHUNK", 1.0)
        return call(*arguments, **options)


def test_chains_on_workers() -> None:
    options: dict[str, Any] = {**SMALL, "gauge": GAUGE, "evidence": {"a": 1}}
    alone = ph.sample(MACHINE, "laser-reduced", **options)
    with ProcessPoolExecutor(1) as pool:
        spread = ph.sample(MACHINE, "laser-reduced", pool=pool, **options)
    np.testing.assert_array_equal(spread.states, alone.states)
    np.testing.assert_array_equal(spread.joint(), alone.joint())
    assert same_spikes(spread.spikes, alone.spikes)


def test_simulate_speaks_of_z(substrate: str) -> None:
    found = ph.translate(MACHINE, calibrated(substrate), gauge=GAUGE)
    bare = gauges.given(found, gauges.NONE)
    options: dict[str, Any] = {"chains": 6, "seed": 1, "threads": 1}
    for mode in ("pump", "laser"):
        z = ph.simulate(
            found, 20 * found.window, evidence={"a": 1, 1: 0}, evidence_mode=mode, **options
        )
        y = ph.simulate(bare, 20 * found.window, evidence={"a": 0, 1: 0}, evidence_mode=mode, **options)
        assert same_spikes(z, y)
        np.testing.assert_allclose(
            z.joint(found.window), gauges.flip_joint(y.joint(found.window), GAUGE), atol=1e-12
        )
        for part, own in ((z.between(5 * found.window), y.between(5 * found.window)),
                          (z.of_units([2, 1]), y.of_units([2, 1]))):  # fmt: skip
            marginals = own.marginals(found.window)
            wanted = np.where(part.gauge, 1 - marginals, marginals)
            np.testing.assert_allclose(part.marginals(found.window), wanted, atol=1e-12)


def test_files(substrate: str, tmp_path: Path) -> None:
    found = ph.translate(MACHINE, calibrated(substrate), gauge=GAUGE)
    path = tmp_path / "network.json"
    found.save(path)
    loaded = devices.load_network(path)
    assert (gauges.of(loaded) == GAUGE).all()
    np.testing.assert_array_equal(loaded.drive, found.drive)
    document = found.to_dict()
    del document["gauge"]
    assert not gauges.of(devices.network_from_dict(document)).any()


def test_older_versions_read_what_has_no_gauge_and_refuse_the_rest(calibration: Calibration) -> None:
    assert ph.translate(MACHINE, calibration, gauge="none").to_dict()["schema"] == 1
    assert "gauge" not in ph.translate(MACHINE, calibration, gauge="none").to_dict()
    assert ph.translate(MACHINE, calibration, gauge=GAUGE).to_dict()["schema"] == 2


def test_refinement(calibration: Calibration) -> None:
    """The same corrections to the same lasers, and errors that are told in z."""
    options: dict[str, Any] = {"chains": 32, "draws": 40, "most_rounds": 4, "seed": 3, "threads": 1}
    z = ph.refine(MACHINE, calibration, gauge=GAUGE, **options)
    y = ph.refine(MACHINE.flipped(GAUGE), calibration, gauge="none", **options)
    assert (gauges.of(z.network) == GAUGE).all()
    np.testing.assert_array_equal(z.network.drive, y.network.drive)
    np.testing.assert_array_equal(z.network.coupling, y.network.coupling)
    for one, other in zip(z.rounds, y.rounds, strict=True):
        assert (one.kl, one.divergence, one.misfit) == (other.kl, other.divergence, other.misfit)
        assert one.marginal_error == pytest.approx(other.marginal_error, abs=1e-12)
    # Where the worst pair is flipped as a whole, its error is the same in both.
    assert any(a.pair_error != b.pair_error for a, b in zip(z.rounds, y.rounds, strict=True))
    more = ph.refine(MACHINE, calibration, network=z.network, **options)
    assert (gauges.of(more.network) == GAUGE).all()
    assert more.rounds[0].marginal_error < 0.1


def test_differences_of_moments_flip() -> None:
    rng = np.random.default_rng(1)
    one, other = (np.einsum("si,sj->ij", s, s) / 50 for s in rng.integers(2, size=(2, 50, 4)))
    i, j = np.triu_indices(4, 1)
    rows, columns = np.r_[np.arange(4), i], np.r_[np.arange(4), j]
    turned = gauges.flip_moments(one, GAUGE) - gauges.flip_moments(other, GAUGE)
    found = gauges.flip_differences((one - other)[rows, columns], rows, columns, GAUGE)
    np.testing.assert_allclose(found, turned[rows, columns], atol=1e-15)


def test_learning_in_the_loop(calibration: Calibration) -> None:
    """A chip in a gauge shows the states of the machine it is given, free and with data."""
    chip = DeviceChains(calibration, chains=400, windows=20, gauge=GAUGE, seed=1)
    mean = np.mean([chip(MACHINE) for _ in range(3)], axis=(0, 1))
    # Six standard errors of 1200 draws, and 0.03 for what translation misses at these weights.
    np.testing.assert_allclose(mean, MACHINE.marginals(), atol=6 * 0.5 / np.sqrt(1200) + 0.03)
    given = chip.given(MACHINE, np.tile(np.array([1, 0], np.float32), (400, 1)))
    exact = MACHINE.conditional({"a": 1, 1: 0}).marginals()
    np.testing.assert_allclose(given.mean(axis=0)[2:], exact, atol=0.1)
    assert (given[:, :2] == [1, 0]).all()
    again = DeviceChains(calibration, chains=400, windows=20, seed=1)
    again.restore(chip.state())
    np.testing.assert_array_equal(again(MACHINE), chip(MACHINE))


def test_states_of_a_chip_go_on_in_its_gauge(calibration: Calibration) -> None:
    """Two deep modes: chains stay where they are, though half of the lasers are flipped."""
    n = 8
    deep = ph.BoltzmannMachine(2.5 * (1 - np.eye(n)), np.full(n, -2.5 * (n - 1) / 2))
    chip = DeviceChains(calibration, chains=40, windows=3, gauge=np.arange(n) < 4, seed=1)
    up = np.arange(40) < 20
    states = np.repeat(up[:, None], n, axis=1).astype(np.uint8)
    chip.restore({"calls": np.array(0), "states": states})
    for _ in range(3):
        assert ((chip(deep).mean(axis=1) > 0.5) == up).mean() > 0.9
