"""Neurons that stand for 1 - z: laws, evidence, states and moments in either coordinates."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import photinus as ph
from photinus._core import gauge as gauges
from photinus.calibration import Calibration
from photinus.diagnostics.distance import kl_divergence
from photinus.faces.figures import plots
from photinus.learning.loop import DeviceChains
from photinus.machines.evidence import Evidence
from photinus.translation import choose_gauge, curvature
from tests import machines
from tests.narrow import lasers

KINDS = tuple(machines.GRAPHS)


def relabelled(machine: ph.BoltzmannMachine, gauge: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the law of y, state by state, from energies of z."""
    n = machine.n_units
    law = np.zeros(2**n)
    for index in range(2**n):
        y = np.array([index >> k & 1 for k in range(n)])
        z = np.where(gauge, 1 - y, y)
        law[index] = -float(machine.energy(z))
    law = np.exp(law - law.max())
    return np.asarray(law / law.sum())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e3])
def test_the_flipped_machine_has_the_relabelled_law(kind: str, scale: float) -> None:
    rng = np.random.default_rng([KINDS.index(kind), int(scale)])
    for n in (1, 2, 5, 7):
        machine = machines.machine(kind, n, rng, scale=scale, shuffled=True)
        gauge = rng.random(n) < 0.5
        flipped = machine.flipped(gauge)
        law = relabelled(machine, gauge)
        np.testing.assert_allclose(flipped.joint(), law, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(
            gauges.flip_joint(machine.joint(), gauge), law, rtol=1e-9, atol=1e-12
        )
        np.testing.assert_allclose(
            flipped.pair_moments(),
            gauges.flip_moments(machine.pair_moments(), gauge),
            rtol=1e-9,
            atol=1e-12,
        )
        y = flipped.states()
        z = gauges.flip_states(y, gauge)
        offset = machine.energy(z) - flipped.energy(y)
        np.testing.assert_allclose(offset, offset[0], rtol=1e-9, atol=1e-9 * scale)


def test_flipping_a_weight_alone_is_not_enough() -> None:
    """The twin: without the change of the partners' biases the law is another one."""
    machine = machines.gaussian(4, seed=1)
    sign = np.array([-1, 1, 1, 1])
    wrong = ph.BoltzmannMachine(np.outer(sign, sign) * machine.weights, sign * machine.biases)
    law = relabelled(machine, sign < 0)
    assert np.abs(wrong.joint() - law).max() > 0.01


def test_flipping_twice_is_flipping_never() -> None:
    rng = np.random.default_rng(3)
    for _ in range(100):
        machine = machines.anywhere(rng)
        gauge = rng.random(machine.n_units) < 0.5
        again = machine.flipped(gauge).flipped(gauge)
        np.testing.assert_array_equal(again.weights, machine.weights)
        size = np.abs(machine.weights).sum(axis=1) + np.abs(machine.biases)
        assert (np.abs(again.biases - machine.biases) <= 1e-14 * size).all()
        assert again.labels == machine.labels


def test_flipping_nothing_is_the_same_machine() -> None:
    machine = machines.gaussian(4)
    assert machine.flipped(np.zeros(4, bool)) is machine
    assert machine.flipped(()) is machine


def test_moments_and_joint_are_those_of_flipped_states() -> None:
    rng = np.random.default_rng(4)
    states = (rng.random((3, 50, 6)) < 0.3).astype(np.uint8)
    gauge = gauges.checked([True, False, True, True, False, False], 6)
    turned = gauges.flip_states(states, gauge)
    assert (turned == np.where(gauge, 1 - states, states)).all()
    moments = np.einsum("cdi,cdj->cij", states, states) / 50
    wanted = np.einsum("cdi,cdj->cij", turned, turned) / 50
    np.testing.assert_allclose(gauges.flip_moments(moments, gauge), wanted, atol=1e-15)
    joint, other = (
        np.bincount((z @ (1 << np.arange(6))).ravel(), minlength=64) / z[..., 0].size
        for z in (states, turned)
    )
    np.testing.assert_array_equal(gauges.flip_joint(joint, gauge), other)


def test_evidence_flips_with_its_machine() -> None:
    """What is left of a machine given evidence has the same law in either coordinates."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        machine = machines.machine("dense", 6, rng, scale=2.0)
        gauge = gauges.checked(rng.random(6) < 0.5, 6)
        known = rng.choice(6, 3, replace=False)
        evidence = Evidence.of({int(k): rng.integers(2, size=2) for k in known}, machine.labels, 2)
        flipped = evidence.flipped(gauge)
        assert (flipped.positions == evidence.positions).all()
        assert (flipped.flipped(gauge).values == evidence.values).all()
        for z, y in zip(evidence.each(), flipped.each(), strict=True):
            law = machine.conditional(z).joint()
            other = machine.flipped(gauge).conditional(y).joint()
            np.testing.assert_allclose(
                gauges.flip_joint(other, gauge[evidence.free]), law, rtol=1e-9, atol=1e-12
            )


@pytest.mark.parametrize("wrong", [[True], [[True, False]], [0, 2], "auto", None, [0.5, 1.0]])
def test_a_gauge_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(ph.InvalidInput, match="gauge"):
        machines.gaussian(2).flipped(wrong)


# Which gauge is chosen


def test_each_unit_chooses_the_better_line(calibration: Calibration) -> None:
    """The cost of a flip is that of the flipped machine's own line, whatever the others do."""
    machine = machines.machine("dense", 5, np.random.default_rng(6), scale=2.0, bias=3.0)
    as_is, flipped = curvature(machine, calibration)
    rng = np.random.default_rng(8)
    for _ in range(5):
        gauge = rng.random(5) < 0.5
        own, other = curvature(machine.flipped(gauge), calibration)
        np.testing.assert_allclose(own, np.where(gauge, flipped, as_is), rtol=1e-6)
        np.testing.assert_allclose(other, np.where(gauge, as_is, flipped), rtol=1e-6)
    chosen = choose_gauge(machine, calibration, "per-unit")
    assert (chosen == (flipped < as_is)).all()
    assert 0 < chosen.sum() < 5


def test_units_take_turns_where_it_is_all_the_same(calibration: Calibration) -> None:
    """Two modes, all on and all off: a machine that is its own complement."""
    chosen = choose_gauge(machines.two_modes(6, 1.0), calibration, "per-unit")
    assert chosen.tolist() == [False, True] * 3
    alone = ph.BoltzmannMachine(np.zeros((4, 4)), np.zeros(4))
    assert not choose_gauge(alone, calibration, "per-unit").any()


def test_a_straight_curve_leaves_nothing_to_choose(calibration: Calibration) -> None:
    u = np.linspace(-8, 8, 81)
    table: dict[str, Any] = {
        name: np.resize(getattr(calibration, name), 81)
        for name in ("activation_error", "mean_interval", "interval_cv", "shortest_interval")
    }
    straight = dataclasses.replace(
        calibration,
        drive=calibration.midpoint + calibration.slope * u,
        activation=1 / (1 + np.exp(-u)),
        pairs=None,
        **table,
    )
    machine = machines.machine("dense", 5, np.random.default_rng(7), scale=1.0)
    assert curvature(machine, straight).max() < 1e-12
    assert curvature(machine, calibration).max() > 1e-5


def test_the_second_order_cost_is_that_of_a_sum_over_states(calibration: Calibration) -> None:
    """Against the definition, state by state, with the line fitted by NumPy."""
    machine = machines.machine("dense", 4, np.random.default_rng(9), scale=2.0)
    found = curvature(machine, calibration)[1]
    p, z = machine.joint(), machine.states()
    for k in range(4):
        u = -(z @ machine.weights[k] + machine.biases[k])
        x = calibration.drive_at(u)
        weight = p / (1 + np.exp(u)) / (1 + np.exp(-u))
        slope, middle = np.polyfit(u, x, 1, w=np.sqrt(weight))
        rise = (calibration.drive_at(u + 0.05) - calibration.drive_at(u - 0.05)) / 0.1
        cost = 0.5 * (weight * ((middle + slope * u - x) / rise) ** 2).sum()
        assert found[k] == pytest.approx(cost, rel=1e-4)


def test_likely_neurons_are_on_more_than_half_of_the_time(calibration: Calibration) -> None:
    rng = np.random.default_rng(10)
    for n in (1, 6, 30):
        machine = machines.machine("sparse", n, rng, scale=2.0)
        flipped = machine.flipped(choose_gauge(machine, calibration, "likely"))
        if n <= 14:
            assert (flipped.marginals() >= 0.5).all()
        else:
            mean = ph.sample(flipped, "gibbs", chains=64, draws=100, seed=1).marginals()
            assert (mean > 0.4).all()


def test_auto_flips_where_curvature_costs_most_and_else_nothing(calibration: Calibration) -> None:
    """Strong excitation at low biases: the bent foot. Gentle machines: no reason to flip."""
    weights = 1.0 * (1 - np.eye(6))
    low = ph.BoltzmannMachine(weights, np.full(6, -3.0))
    assert choose_gauge(low, calibration, "auto").any()
    gentle = machines.machine("dense", 6, np.random.default_rng(1), scale=0.3)
    assert not choose_gauge(gentle, calibration, "auto").any()
    large = machines.machine("dense", 20, np.random.default_rng(1), scale=2.0)
    assert not choose_gauge(large, calibration, "auto").any()
    assert not choose_gauge(low, calibration, "none").any()


def test_straight_lasers_are_not_flipped_for_nothing(calibration: Calibration) -> None:
    """Two modes that are their own complement: bent lasers gain by flips, straight ones lose."""
    machine = machines.two_modes(5, 0.9)
    straight = Calibration.preset("straight")
    assert choose_gauge(machine, calibration, "auto").any()
    assert not choose_gauge(machine, straight, "auto").any()
    assert not choose_gauge(machine, straight, "auto", corrected=True).any()
    assert choose_gauge(machine, straight, "per-unit").any()


def test_nothing_is_flipped_for_what_pairs_make_up_for() -> None:
    """A strong ferromagnet on straight lasers: KL 0.003 as it is, 0.015 flipped, by the paired rule."""
    straight = Calibration.preset("straight")
    upper = np.triu(4 * np.random.default_rng(91_510).uniform(0, 1, (5, 5)), 1)
    weights = upper + upper.T
    machine = ph.BoltzmannMachine(weights, -weights.sum(axis=1) / 2)
    flips = choose_gauge(machine, straight, "per-unit")
    # Twin: by the measured rule they would pay.
    none, flipped = (
        ph.predict(machine, straight, ph.translate(machine, straight, rule="measured", gauge=gauge)).kl
        for gauge in ("none", flips)
    )
    assert none > 3 * flipped
    assert not choose_gauge(machine, straight, "auto").any()


def test_without_a_pair_table_strong_machines_keep_their_gauge(calibration: Calibration) -> None:
    plain = dataclasses.replace(calibration, pairs=None)
    for seed in range(5):
        strong = machines.machine("dense", 5, np.random.default_rng(seed), scale=4.0)
        assert not choose_gauge(strong, plain, "auto").any()
    low = ph.BoltzmannMachine(1.0 * (1 - np.eye(6)), np.full(6, -3.0))
    assert choose_gauge(low, plain, "auto").any()


def test_the_gauge_that_is_chosen_samples_better(calibration: Calibration) -> None:
    """Lasers, full physics, at the machine of the last test; 64 × 200 draws.

    KL of 0.005 and more against a third of that; from seed to seed it moves by 0.001.
    """
    machine = ph.BoltzmannMachine(1.0 * (1 - np.eye(6)), np.full(6, -3.0))
    kl = {
        gauge: kl_divergence(
            ph.sample(machine, gauge=gauge, chains=128, draws=200, seed=1).free_joint(), machine.joint()
        )
        for gauge in ("none", "auto")
    }
    assert kl["auto"] < 0.7 * kl["none"]


@pytest.mark.parametrize(
    ("gauge", "message"),
    [
        ("per unit", "gauge must be one of 'auto', 'none', 'per-unit', 'likely'"),
        ([True], "gauge must have one entry per unit \\(3\\), got shape \\(1,\\)"),
        ([0, 1, 2], "gauge must be 0 or 1, got 2"),
        (None, "gauge must be 0 or 1, got None"),
    ],
)
def test_what_is_no_gauge_is_refused(calibration: Calibration, gauge: Any, message: str) -> None:
    machine = machines.gaussian(3)
    for call in (
        lambda: ph.translate(machine, calibration, gauge=gauge),
        lambda: ph.sample(machine, "laser-reduced", gauge=gauge),
        lambda: ph.refine(machine, calibration, gauge=gauge),
        lambda: DeviceChains(calibration, gauge=gauge)(machine),
    ):
        with pytest.raises(ph.InvalidInput, match=f"^{message}"):
            call()


def test_a_network_brings_its_own_gauge(calibration: Calibration) -> None:
    machine = machines.gaussian(3)
    network = ph.translate(machine, calibration, gauge=[True, False, False])
    with pytest.raises(
        ph.InvalidInput, match="^gauge must be 'auto' with a network, which has its own"
    ):
        ph.sample(machine, network=network, gauge="none")
    samples = ph.sample(machine, network=network, chains=2, draws=2, burn_in=0, seed=1)
    assert lasers(samples.network).gauge.tolist() == [True, False, False]


# What is shown of it


def test_commands_say_who_stands_for_what(run: Any) -> None:
    machine = ph.BoltzmannMachine(1.0 * (1 - np.eye(3)), [-3, -3, 2], ["rain", "wet", "x"])
    machine.save("m.json")
    code, out, _ = run("translate", "m.json", "--gauge", "likely")
    assert code == 0
    assert "2 of 3 lasers stand for 1 - z: rain, wet." in out
    code, out, _ = run("translate", "m.json", "--gauge", "none", "--force")
    assert "All lasers stand for z." in out
    small = ("--chains", 8, "--draws", 20, "--burn-in", 5, "--substrate", "laser-reduced")
    code, out, _ = run("sample", "m.json", "--gauge", "likely", *small)
    assert code == 0
    assert "2 of 3 lasers stand for 1 - z: rain, wet." in " ".join(out.replace("│", " ").split())
    code, _, err = run("translate", "m.json", "--gauge", "often", "--force")
    assert code == 2
    assert err.count("\n") == 1
    assert "gauge must be one of" in err


def test_raster_draws_the_states_of_units() -> None:
    machine = ph.BoltzmannMachine([[0, 0], [0, 0]], [-1.0, 1.0], ["rain", "wet"])
    samples = ph.sample(
        machine, "laser-reduced", gauge=[True, False], chains=1, draws=40, burn_in=4, seed=1
    )
    figure = plots.raster(samples)
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["rain (1 − z)", "wet"]
    for bars, share in zip(axes.collections, samples.marginals(), strict=True):
        on = np.zeros(20_000, bool)
        grid = np.linspace(0, axes.get_xlim()[1], len(on))
        for path in bars.get_paths():
            across = np.asarray(path.vertices)[:, 0]
            on |= (grid >= across.min()) & (grid < across.max())
        assert on.mean() == pytest.approx(share, abs=1e-3)


def test_the_ledger_counts_spikes_of_lasers_not_of_units() -> None:
    machine = ph.BoltzmannMachine([[0, 0], [0, 0]], [-3.0, -3.0])
    spikes = [
        ph.sample(machine, "laser", gauge=gauge, chains=16, draws=60, burn_in=4, seed=1).ledger()
        for gauge in ([False, False], [True, True])
    ]
    few, many = (ledger.counts.spikes for ledger in spikes)
    assert many > 5 * few
    known = {0: 0}
    options: dict[str, Any] = {"chains": 4, "draws": 20, "burn_in": 4, "seed": 1, "evidence": known}
    off = ph.sample(machine, "laser", evidence_mode="laser", gauge=[False, False], **options).ledger()
    on = ph.sample(machine, "laser", evidence_mode="laser", gauge=[True, False], **options).ledger()
    assert on.counts.pump > 1.5 * off.counts.pump
