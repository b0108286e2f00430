"""Photinus behind dimod's interface: its own suite, the law, and what is told of each read."""

from collections.abc import Hashable
from typing import Any
from unittest import TestCase

import dimod
import numpy as np
import pytest
from dimod.exceptions import SamplerUnknownArgWarning

import photinus as ph
from photinus.interop.dimod import PhotonicSampler
from tests.narrow import there, untyped

pytestmark = pytest.mark.filterwarnings("ignore::photinus.TranslationWarning")

# The chi-square bound below is the only statistical one.
FALSE_ALARM = 1e-5


@dimod.testing.load_sampler_bqm_tests(PhotonicSampler)
class TestDimodsOwnSuite(TestCase):
    """Filled by the decorator."""


@dimod.testing.load_sampler_bqm_tests(PhotonicSampler("gibbs"))
class TestDimodsOwnSuiteOnGibbs(TestCase):
    """Filled by the decorator."""


def test_the_suite_has_its_tests() -> None:
    assert sum(name.startswith("test_sample") for name in vars(TestDimodsOwnSuite)) == 32


@pytest.mark.parametrize("substrate", ["laser-reduced", "lif", "ideal", "gibbs", "exact"])
def test_it_keeps_the_interface(substrate: str) -> None:
    sampler = PhotonicSampler(substrate)
    dimod.testing.assert_sampler_api(sampler)
    assert repr(sampler) == f"PhotonicSampler({substrate!r})"
    with sampler as same:
        assert same is sampler


def model(vartype: str, kind: Any = dimod.BinaryQuadraticModel) -> Any:
    """Return an asymmetric model of four oddly named variables, with an offset."""
    names: list[Hashable] = [("a", 1), 7, "c", frozenset({2})]
    found = kind(vartype)
    for name, bias in zip(names, [0.4, -0.7, 0.2, -0.1], strict=True):
        found.add_variable(name, bias)
    for i, j, bias in [(0, 1, 0.5), (1, 2, -0.6), (3, 0, 0.35), (2, 3, 0.45)]:
        found.add_interaction(names[i], names[j], bias)
    found.offset = -2.5
    return found


def law(bqm: Any, beta: float) -> dict[tuple[int, ...], float]:
    """Return p ∝ exp(-β H) by dimod's own enumeration, variables in the order of the model."""
    every = dimod.ExactSolver().sample(bqm)
    weights = np.exp(-beta * (every.record.energy - every.record.energy.min()))
    order = [every.variables.index(name) for name in bqm.variables]
    states = every.record.sample[:, order]
    return {tuple(s): w for s, w in zip(states.tolist(), weights / weights.sum(), strict=True)}


def misfit(found: Any, bqm: Any, beta: float) -> float:
    """Return χ² of independent reads."""
    order = [found.variables.index(name) for name in bqm.variables]
    rows, counts = np.unique(found.record.sample[:, order], axis=0, return_counts=True)
    seen = dict(zip(map(tuple, rows.tolist()), counts, strict=True))
    expected = {state: len(found) * p for state, p in law(bqm, beta).items()}
    return float(sum((seen.get(state, 0) - n) ** 2 / n for state, n in expected.items()))


@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
@pytest.mark.parametrize("beta", [1.0, 2.5])
@pytest.mark.parametrize("kind", [dimod.BinaryQuadraticModel, dimod.DictBQM, dimod.Float32BQM])
def test_reads_have_the_law_of_the_model(vartype: str, beta: float, kind: Any) -> None:
    from scipy.stats import chi2

    bqm = model(vartype, kind)
    found = PhotonicSampler("exact").sample(bqm, num_reads=20_000, beta=beta, seed=5, fidelity=False)
    bound = chi2.isf(FALSE_ALARM, 15)
    assert misfit(found, bqm, beta) < bound
    # Another temperature, and the other kind of variable, are told apart.
    assert misfit(found, bqm, beta * 1.2) > bound
    dimod.testing.assert_sampleset_energies(found.slice(30), bqm, precision=4)
    assert found.vartype is bqm.vartype
    assert list(found.variables) == list(bqm.variables)
    assert found.info["beta"] == beta


def test_lasers_draw_from_the_model() -> None:
    bqm = dimod.BinaryQuadraticModel({"a": 0.3, "b": -0.2}, {("a", "b"): -0.4}, 1.0, "SPIN")
    found = PhotonicSampler().sample(bqm, num_reads=6400, seed=2)
    exact = law(bqm, 1.0)
    agree = float((found.record.sample[:, 0] == found.record.sample[:, 1]).mean())
    # 64 chains; 6 standard errors of at least 3 000 effective draws, and 0.02 that translation may miss.
    assert abs(agree - sum(p for s, p in exact.items() if s[0] == s[1])) < 0.02 + 6 * 0.5 / 3000**0.5
    assert found.info["fidelity"]["grade"]
    assert found.info["timing"]["chip_time"] > 0


def test_reads_tell_when_and_for_how_long() -> None:
    bqm = model("SPIN")
    found = PhotonicSampler("laser-reduced").sample(bqm, num_reads=100, chains=10, burn_in=5, seed=1)
    record, tau = found.record, ph.Calibration.preset().window
    assert len(found) == 100
    assert sorted(zip(record.chain, record.draw, strict=True)) == [
        (c, d) for c in range(10) for d in range(10)
    ]
    np.testing.assert_allclose(record.time, (5 + record.draw + 1) * tau, rtol=1e-12)
    assert (record.dwell_time > 0).all()
    assert (record.dwell_time <= 10 * tau * (1 + 1e-9)).all()
    few = PhotonicSampler("laser-reduced").sample(bqm, num_reads=7, chains=3, burn_in=4, seed=1)
    assert len(few) == 7
    assert set(few.record.chain) == {0, 1, 2}
    gibbs = PhotonicSampler("gibbs").sample(bqm, num_reads=7, seed=1)
    assert "time" not in gibbs.record.dtype.names
    assert gibbs.info["timing"]["chip_time"] is None


def test_a_seed_gives_the_same_reads() -> None:
    bqm, sampler = model("BINARY"), PhotonicSampler()
    first, again, other = (sampler.sample(bqm, num_reads=20, seed=s, fidelity=False) for s in (3, 3, 4))
    np.testing.assert_array_equal(first.record.sample, again.record.sample)
    assert (first.record.sample != other.record.sample).any()
    assert "fidelity" not in first.info
    fresh = sampler.sample(bqm, num_reads=20, fidelity=False)
    rerun = sampler.sample(bqm, num_reads=20, fidelity=False, seed=int(fresh.info["seed_entropy"]))
    np.testing.assert_array_equal(fresh.record.sample, rerun.record.sample)


@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
@pytest.mark.parametrize("given", ["SPIN", "BINARY"])
def test_chains_start_where_they_are_told(vartype: str, given: str) -> None:
    names = list(model(vartype).variables)
    # So cold that no chain leaves its start.
    couplings = {(names[i], names[j]): -30.0 for i in range(4) for j in range(i)}
    stuck = dimod.BinaryQuadraticModel(dict.fromkeys(names, 0), couplings, 0, "SPIN")
    stuck = stuck.change_vartype(untyped(vartype), inplace=False)
    low, high = (-1, 1) if given == "SPIN" else (0, 1)
    states = [dict.fromkeys(reversed(names), value) for value in (low, high, high, low)]
    start = dimod.SampleSet.from_samples(states, vartype=given, energy=0)
    found = PhotonicSampler("gibbs").sample(stuck, initial_states=start, seed=0)
    assert (found.record.sample > 0).all(axis=1).tolist() == [False, True, True, False]
    tiled = PhotonicSampler("gibbs").sample(
        stuck, initial_states=start, initial_states_generator="tile", num_reads=6, seed=0
    )
    assert (tiled.record.sample > 0).all(axis=1).tolist() == [False, True, True, False, False, True]


def test_no_variable_and_one() -> None:
    empty = PhotonicSampler().sample(dimod.BinaryQuadraticModel({}, {}, 1.5, "SPIN"), num_reads=3)
    assert empty.record.energy.tolist() == [1.5] * 3
    one = PhotonicSampler().sample_qubo({("x", "x"): -1.0}, num_reads=5, seed=0)
    assert list(one.variables) == ["x"]
    assert len(one) == 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_reads": 0}, "num_reads must be at least 1, got 0"),
        ({"num_reads": 2.5}, "num_reads must be a whole number, got 2.5"),
        ({"beta": 0}, "beta must be above 0, got 0"),
        ({"beta": "cold"}, "beta must be"),
        ({"chains": 5, "num_reads": 2}, "chains must be from 1 to 2, got 5"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"burn_in": -1}, "burn_in must be at least 0"),
        ({"fidelity": "yes"}, "fidelity must be True or False"),
        ({"initial_states": {"z": 1}}, "initial_states must fit the model: mismatch between variables"),
        ({"initial_states": [[0, 1]]}, "initial_states must fit the model"),
        ({"initial_states_generator": "tiel"}, r"did you mean 'tile'\?"),
    ],
)
def test_bad_arguments_are_one_sentence(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ph.InvalidInput, match=message):
        PhotonicSampler("gibbs").sample(model("SPIN"), **changes)


def test_bad_models_and_constructions_are_one_sentence() -> None:
    with pytest.raises(ph.InvalidInput, match="bqm must be a BinaryQuadraticModel, got 3"):
        PhotonicSampler().sample(3)
    with pytest.raises(ph.InvalidInput, match=r"did you mean 'laser'\?"):
        PhotonicSampler("lasre")
    with pytest.raises(ph.InvalidInput, match="got 'draws' here"):
        PhotonicSampler(draws=3)
    with pytest.raises(ph.InvalidInput, match="calibration must be a Calibration or None"):
        PhotonicSampler(calibration=untyped("mine"))
    infinite = dimod.BinaryQuadraticModel({"a": float("inf")}, {}, 0, "SPIN")
    with pytest.raises(ph.InvalidInput, match="biases must be finite"):
        PhotonicSampler().sample(infinite)
    integers = dimod.SampleSet.from_samples([dict.fromkeys(model("SPIN").variables, 2)], "INTEGER", 0)
    with pytest.raises(ph.InvalidInput, match="initial_states must hold values 0 and 1, or spins"):
        PhotonicSampler("gibbs").sample(model("SPIN"), initial_states=integers)


def test_an_unknown_argument_is_left_out_with_a_warning() -> None:
    with pytest.warns(SamplerUnknownArgWarning, match="annealing_time"):
        PhotonicSampler("gibbs").sample(model("SPIN"), annealing_time=20)


def test_the_sample_set_survives_dimods_files() -> None:
    found = PhotonicSampler().sample(
        dimod.BinaryQuadraticModel({"a": 0.3}, {("a", "b"): 1}, 0, "SPIN"), num_reads=4, seed=1
    )
    back = dimod.SampleSet.from_serializable(found.to_serializable())
    np.testing.assert_array_equal(back.record.sample, found.record.sample)
    assert back.info["fidelity"]["verdict"] == found.info["fidelity"]["verdict"]


def test_composed_samplers_take_it() -> None:
    composed = untyped(dimod).TrackingComposite(PhotonicSampler("gibbs"))
    found = composed.sample(model("SPIN"), num_reads=3, seed=1)
    dimod.testing.assert_sampleset_energies(found, model("SPIN"))


# Samples as a sample set


def dwell_by_steps(spikes: ph.SpikeTrains, window: float, start: float, t: float, chain: int) -> float:
    """Return the dwell time around `t` by looking at the state between all moments that could matter."""

    def state(at: float) -> tuple[bool, ...]:
        own = spikes.chain == chain
        return tuple(
            bool(((spikes.time <= at) & (at < spikes.time + window) & own & (spikes.unit == u)).any())
            for u in range(spikes.n_units)
        )

    times = spikes.time[spikes.chain == chain]
    moments = np.unique([start, spikes.stop, *times, *(times + window)])
    moments = moments[(moments >= start) & (moments <= spikes.stop)]
    middles = (moments[1:] + moments[:-1]) / 2
    k = min(int(np.searchsorted(moments, t, side="right")) - 1, len(middles) - 1)
    first = last = k
    while first > 0 and state(middles[first - 1]) == state(middles[k]):
        first -= 1
    while last < len(middles) - 1 and state(middles[last + 1]) == state(middles[k]):
        last += 1
    return float(moments[last + 1] - moments[first])


@pytest.mark.parametrize("substrate", ["laser-reduced", "lif", "ideal"])
def test_dwell_times_are_those_found_step_by_step(substrate: str) -> None:
    machine = ph.BoltzmannMachine([[0, 1, 0], [1, 0, -1], [0, -1, 0]], [0.5, -1, 0.2])
    samples = ph.sample(machine, substrate, chains=3, draws=12, burn_in=4, seed=6, evidence={1: 1})
    found = samples.to_dimod()
    window, free = there(samples.window), there(samples.spikes).of_units(samples.free_units)
    for chain in range(3):
        for draw in range(12):
            t, row = (4 + draw + 1) * window, chain * 12 + draw
            expected = dwell_by_steps(free, window, 4 * window, t, chain)
            assert found.record.dwell_time[row] == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ph.InvalidInput, match="moments must be from"):
        free.dwell_times(window, [0.0, 100 * window])


@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
def test_samples_as_a_sample_set(vartype: str) -> None:
    machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", 3])
    samples = ph.sample(machine, "laser-reduced", chains=4, draws=10, burn_in=5, seed=1)
    found = samples.to_dimod(vartype)
    assert found.vartype is getattr(dimod, vartype)
    assert list(found.variables) == ["rain", 3]
    states = samples.states.reshape(-1, 2).astype(int)
    np.testing.assert_array_equal(found.record.sample, 2 * states - 1 if vartype == "SPIN" else states)
    # Energies of dimod's own model of the same machine.
    bqm = dimod.BinaryQuadraticModel({"rain": -0.5, 3: 1.0}, {("rain", 3): -1.0}, 0.0, "BINARY")
    np.testing.assert_allclose(bqm.energies((states, ["rain", 3])), found.record.energy)
    with pytest.raises(ph.InvalidInput, match="vartype must be one of 'BINARY', 'SPIN', got 'spin'"):
        samples.to_dimod("spin")
