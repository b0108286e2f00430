"""Evidence: parsed once, carried as one object, the same thing in every form in which it is given."""

import itertools
import pickle
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus import devices
from photinus.engines.reduced.simulator import ReducedSimulator
from photinus.errors import InvalidInput
from photinus.machines.evidence import Evidence
from photinus.reference.exact import sample_exact
from photinus.reference.gibbs import sample_gibbs
from photinus.reference.ideal import sample_ideal
from tests.conftest import same_spikes
from tests.machines import GRAPHS, machine
from tests.narrow import lasers

LABELS = ("rain", 7, "wet", "cold")
GIVEN: dict[Any, Any] = {"cold": [0, 1, 1], 7: 1}


def test_positions_rise_and_values_follow_them() -> None:
    evidence = Evidence.of(GIVEN, LABELS, 3)
    assert evidence.positions.tolist() == [1, 3]
    assert evidence.values.tolist() == [[1, 0], [1, 1], [1, 1]]
    assert evidence.values.dtype == np.uint8
    assert evidence.free.tolist() == [0, 2]
    assert evidence.units == (7, "cold")
    assert (evidence.chains, len(evidence), bool(evidence)) == (3, 2, True)
    assert not Evidence.of(None, LABELS)


def test_it_comes_out_as_it_went_in() -> None:
    evidence = Evidence.of(GIVEN, LABELS, 3)
    known = evidence.to_dict()
    assert known[7] == 1
    assert isinstance(known[7], int)
    assert known["cold"].tolist() == [0, 1, 1]
    again = Evidence.of(known, LABELS, 3)
    assert np.array_equal(again.positions, evidence.positions)
    assert np.array_equal(again.values, evidence.values)
    assert Evidence.of(evidence, LABELS, 3) is evidence


def test_parts_and_distinct_ones() -> None:
    evidence = Evidence.of({"rain": [0, 1, 0, 1], "wet": [1, 1, 1, 0]}, LABELS, 4)
    assert evidence.part(slice(1, 3)).values.tolist() == [[1, 1], [0, 1]]
    assert evidence.part(slice(2)).repeated(2).values.tolist() == [[0, 1], [0, 1], [1, 1], [1, 1]]
    distinct, which = evidence.distinct()
    assert distinct.chains == 3
    assert np.array_equal(distinct.values[which], evidence.values)
    assert [one.chains for one in evidence.each()] == [1, 1, 1, 1]


def test_common_evidence_is_that_of_one_chain() -> None:
    assert Evidence.of({"rain": [1, 1, 1], 7: 0}, LABELS, 3).common().to_dict() == {"rain": 1, 7: 0}
    with pytest.raises(InvalidInput, match="evidence of unit 'cold' differs between chains"):
        Evidence.of(GIVEN, LABELS, 3).common()


def test_states_are_filled() -> None:
    evidence = Evidence.of(GIVEN, LABELS, 3)
    assert evidence.states().tolist() == [[0, 1, 0, 0], [0, 1, 0, 1], [0, 1, 0, 1]]
    drawn = np.full((3, 2, 4), 9, np.uint8)
    evidence.fill(drawn)
    assert (drawn[:, :, [0, 2]] == 9).all()
    assert (drawn[:, :, 1] == 1).all()
    assert drawn[:, :, 3].tolist() == [[0, 0], [1, 1], [1, 1]]


def test_nobody_can_change_it() -> None:
    given = np.array([0, 1, 1])
    evidence = Evidence.of({"rain": given}, LABELS, 3)
    given[:] = 0
    assert evidence.values[:, 0].tolist() == [0, 1, 1]
    for array in (evidence.values, evidence.positions, evidence.part(slice(2)).values):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
    assert pickle.loads(pickle.dumps(evidence)).to_dict()["rain"].tolist() == [0, 1, 1]


@pytest.mark.parametrize("kind", GRAPHS)
def test_the_machine_given_evidence_is_the_enumerated_conditional(kind: str) -> None:
    """Against the states of the whole machine that agree with the evidence."""
    rng = np.random.default_rng(3)
    whole = machine(kind, 7, rng)
    known = rng.choice(7, 3, replace=False)
    values = rng.integers(0, 2, (2, 3))
    evidence = Evidence.of(
        {whole.labels[k]: values[:, i] for i, k in enumerate(known)}, whole.labels, 2
    )
    biases = whole.biases_given(evidence)
    for k, one in enumerate(evidence.each()):
        rest = whole.conditional(one)
        kept = (whole.states()[:, known] == values[k]).all(axis=1)
        expected = whole.joint()[kept]
        np.testing.assert_allclose(rest.joint(), expected / expected.sum(), rtol=1e-9)
        np.testing.assert_allclose(biases[k], rest.biases, rtol=1e-12, atol=1e-12)
    assert whole.conditional({}) is whole


@pytest.mark.parametrize("substrate", ["laser", "laser-reduced", "lif", "gibbs", "exact", "ideal"])
def test_both_names_and_all_forms_give_the_same(substrate: str) -> None:
    weights: Any = [[0, 1, 0.5], [1, 0, -1], [0.5, -1, 0]]
    target = ph.BoltzmannMachine(weights, [0.1, -0.2, 0], list("abc"))
    options: dict[str, Any] = {"chains": 3, "draws": 6, "burn_in": 1, "seed": 5}
    forms: list[Any] = [
        {"clamp": {"c": 1, "a": [0, 1, 1]}},
        {"evidence": {"a": [0, 1, 1], "c": [1, 1, 1]}},
        {"evidence": Evidence.of({"a": [0, 1, 1], "c": 1}, target.labels, 3)},
    ]
    runs = [ph.sample(target, substrate, **options, **form) for form in forms]
    for one, other in itertools.pairwise(runs):
        assert np.array_equal(one.states, other.states)
    assert runs[0].states[:, :, 0].tolist() == [[0] * 6, [1] * 6, [1] * 6]
    assert runs[0].clamp["c"] == 1
    other = ph.sample(target, substrate, **options, evidence={"a": [1, 0, 1], "c": 1})
    assert not np.array_equal(runs[0].states, other.states)


def test_reference_samplers_take_it_by_label_and_by_position() -> None:
    target = machine("dense", 5, np.random.default_rng(1))
    by_label: dict[str, Any] = {"evidence": {target.labels[3]: [0, 1], target.labels[0]: 1}}
    by_position: dict[str, Any] = {"clamp_units": [3, 0], "clamp_values": [[0, 1], [1, 1]]}
    samplers: list[Any] = [
        (sample_gibbs, {"draws": 5}),
        (sample_exact, {"draws": 5}),
        (sample_ideal, {"duration": 5.0}),
    ]
    for sampler, length in samplers:
        one, other = (
            sampler(target, chains=2, seed=1, **length, **form) for form in (by_label, by_position)
        )
        for a, b in zip(np.atleast_1d(one), np.atleast_1d(other), strict=True):
            assert np.array_equal(a, b)
        with pytest.raises(InvalidInput, match="evidence must be None where clamp_units"):
            sampler(target, chains=2, seed=1, **length, **by_label, **by_position)


def test_two_names_at_once_are_refused() -> None:
    target = machine("dense", 3, np.random.default_rng(1))
    given: dict[Any, int] = {target.labels[0]: 1}
    with pytest.raises(InvalidInput, match="evidence and clamp are the same thing"):
        ph.sample(target, "gibbs", draws=30, evidence=given, clamp=given)


def old_and_new(call: Any, n: Any) -> None:
    """Assert that a call takes evidence and its mode by new names and by those of version 0.1."""
    given = {n.labels[0]: 1}
    by_mode = {}
    for mode in ("pump", "laser"):
        new = call(evidence=given, evidence_mode=mode)
        old = call(clamp=given, clamp_mode=mode)
        assert same_spikes(new, old)
        assert same_spikes(new, call(evidence=given, clamp_mode=mode))
        by_mode[mode] = new
    assert same_spikes(by_mode["pump"], call(evidence=given))
    assert not same_spikes(by_mode["pump"], by_mode["laser"])
    assert not same_spikes(by_mode["pump"], call())
    for both in (
        {"evidence": given, "clamp": given},
        {"evidence_mode": "pump", "clamp_mode": "laser"},
        {"evidence_mode": "laser", "clamp_mode": "laser"},
    ):
        with pytest.raises(InvalidInput, match=" and clamp.* are the same thing: one of them must"):
            call(**both)
    for name in ("evidence_mode", "clamp_mode"):
        with pytest.raises(InvalidInput, match=f"^{name} must be one of 'pump', 'laser', got 'x'"):
            call(**{name: "x"})


@pytest.mark.parametrize("preset", ["fast-absorber", "lif-hcs"])
def test_simulators_take_both_names(preset: str) -> None:
    calibration = ph.Calibration.preset(preset)
    target = ph.BoltzmannMachine(np.array([[0, 2.0], [2.0, 0]]), [0, 0], ["a", "b"])
    network = ph.translate(target, calibration)
    time = 12 * network.window
    options: dict[str, Any] = {"chains": 3, "seed": 2}
    old_and_new(lambda **given: ph.simulate(network, time, **options, **given), network)
    old_and_new(lambda **given: devices.simulator(network, **options, **given).advance(time), network)
    if preset == "fast-absorber":
        law, coupled = calibration.require_reduced(), lasers(network)
        old_and_new(
            lambda **given: ReducedSimulator(coupled, law, **options, **given).advance(time), network
        )
    old_and_new(lambda **given: _spikes(target, calibration, **options, **given), network)


def _spikes(target: ph.BoltzmannMachine, calibration: ph.Calibration, **given: Any) -> Any:
    substrate = calibration.parameters.device
    found = ph.sample(target, substrate, calibration=calibration, draws=12, burn_in=0, **given)
    return found.spikes


def test_machines_take_both_names() -> None:
    target = machine("dense", 4, np.random.default_rng(2))
    given: dict[Any, int] = {target.labels[1]: 1, target.labels[3]: 0}
    for name in ("conditional", "clamp_indices"):
        call = getattr(target, name)
        found = [call(given), call(evidence=given), call(clamp=given)]
        if name == "conditional":
            found = [(each.weights, each.biases) for each in found]
        for one, other in itertools.pairwise(found):
            assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
        with pytest.raises(InvalidInput, match="evidence and clamp are the same thing"):
            call(given, clamp=given)
    assert target.conditional() is target


def test_a_run_goes_on_whatever_the_order_and_the_form(tmp_path: Any) -> None:
    """Stores of version 0.1 keep evidence as it was given; the newer ones in the order of the units."""
    target = machine("dense", 4, np.random.default_rng(1))
    a, b = target.labels[:2]
    options: dict[str, Any] = {"chains": 2, "draws": 30, "burn_in": 2, "seed": 1}
    path = tmp_path / "run.zarr"
    ph.sample(target, "gibbs", **options, clamp={b: 1, a: [0, 1]}, path=path)
    again = ph.sample(
        target, "gibbs", **options, evidence={a: [0, 1], b: [1, 1]}, path=path, resume=True
    )
    assert again.complete
    with pytest.raises(InvalidInput, match="resume needs"):
        ph.sample(target, "gibbs", **options, evidence={a: [1, 1], b: 1}, path=path, resume=True)
