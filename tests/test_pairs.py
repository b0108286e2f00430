"""The pair table, the weights and biases that make up for it, and what is predicted from it."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import photinus as ph
from photinus.calibration import pairs as measuring
from photinus.errors import InvalidInput
from photinus.machines.evidence import Evidence
from photinus.networks.couplings import dense
from photinus.translation.distortion import Context, Pairs, distorted, lifted_biases
from photinus.translation.drives import drive_and_strength, evidence_drive
from photinus.translation.fields import states_met
from photinus.translation.law import Curve, Shown, stationary
from photinus.translation.lines import Lines, Seen
from photinus.translation.pairs import PairTable
from photinus.translation.rules import followed, translate
from tests import machines
from tests.narrow import there

AXIS = np.linspace(-4, 4, 9)


def table(
    rng: np.random.Generator | None = None, *, weaker: float = 0.0, activation: Any = ()
) -> PairTable:
    """Return a table drawn at random, or of weights that come out weaker by a part."""
    shape = (2, 9, 9, 9)
    weight, middle = np.zeros((2, *shape))
    if rng is not None:
        weight, middle = 0.2 * rng.normal(size=(2, *shape))
        weight = 0.5 * (weight + weight.swapaxes(2, 3))
    else:
        weight -= weaker * AXIS[:, None, None]
    return PairTable(
        activation=activation,
        delay=np.array([0.0, 0.25]),
        weight=AXIS,
        middle=AXIS,
        weight_change=weight,
        middle_change=middle,
    )


def whole(machine: ph.BoltzmannMachine) -> Context:
    """Return all states of a machine as a context."""
    z, p = machine.states().astype(float), machine.joint()
    return Context(z, p, z @ machine.weights + machine.biases)


def joint_of(biases: Any, weights: Any) -> Any:
    return ph.BoltzmannMachine(weights, biases).joint()


# The table


def test_between_its_points_a_table_is_linear_but_for_small_weights() -> None:
    from scipy.interpolate import RegularGridInterpolator, lagrange

    rng = np.random.default_rng(1)
    found = table(rng)
    at = rng.uniform([0, -4, -4, -4], [0.25, 4, 4, 4], (60, 4))
    near = np.abs(at[:, 1]) < 1
    assert 10 < near.sum() < 40
    axes = (found.delay, found.weight, found.middle, found.middle)

    def wanted(array: Any, point: Any) -> float:
        line = RegularGridInterpolator(axes, array)
        if abs(point[1]) >= 1:
            return line(point)[0]
        # Beside weight 0 a parabola goes through it and both its neighbours.
        values = [line([point[0], w, *point[2:]])[0] for w in (-1, 0, 1)]
        return float(lagrange([-1, 0, 1], values)(point[1]))

    weight, own, other = found.changes(*at.T)
    turned = at[:, [0, 1, 3, 2]]
    for values, array, where in (
        (weight, found.weight_change, at),
        (own, found.middle_change, at),
        (other, found.middle_change, turned),
    ):
        np.testing.assert_allclose(values, [wanted(array, x) for x in where], atol=1e-12)
    # The twin: own and other are not the same thing.
    assert np.abs(own - other).max() > 0.1


def test_a_table_without_weight_zero_is_linear_throughout() -> None:
    whole_table = table(np.random.default_rng(3))
    kept = np.delete(np.arange(9), 4)
    found = dataclasses.replace(
        whole_table,
        weight=AXIS[kept],
        weight_change=whole_table.weight_change[:, kept],
        middle_change=whole_table.middle_change[:, kept],
    )
    low, half, high = found.changes(0.0, np.array([-1.0, 0.0, 1.0]), np.array(0.5), np.array(2.0))[0]
    assert half == pytest.approx((low + high) / 2)


def test_beyond_its_ends_a_table_stays() -> None:
    found = table(np.random.default_rng(2))
    inside = found.changes(0.25, np.array([4.0]), np.array([-4.0]), np.array([1.5]))
    beyond = found.changes(0.9, np.array([1e6]), np.array([-50.0]), np.array([1.5]))
    np.testing.assert_array_equal(inside, beyond)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"weight": [1.0, 1.0]}, "pairs.weight must hold at least two numbers that rise"),
        ({"delay": [0.0]}, "pairs.delay must hold at least two numbers that rise"),
        ({"weight_change": np.zeros((2, 2))}, "pairs.weight_change must have 4 dimension"),
        ({"middle_change": np.zeros((2, 9, 9, 8))}, "pairs.middle_change must have shape"),
    ],
)
def test_a_table_that_is_none_is_refused(changes: dict[str, Any], sentence: str) -> None:
    values = {name: getattr(table(), name) for name in PairTable.__dataclass_fields__}
    with pytest.raises(InvalidInput, match=sentence):
        PairTable(**{**values, **changes})


def test_tables_go_through_files(calibration: ph.Calibration, tmp_path: Path) -> None:
    kept = table(np.random.default_rng(3), activation=calibration.activation)
    path = tmp_path / "c.json"
    dataclasses.replace(calibration, pairs=kept).save(path)
    loaded = there(ph.Calibration.load(path).pairs)
    np.testing.assert_allclose(loaded.weight_change, kept.weight_change, atol=6e-5)
    np.testing.assert_array_equal(loaded.middle, kept.middle)
    dataclasses.replace(calibration, pairs=None).save(path)
    assert ph.Calibration.load(path).pairs is None
    with pytest.raises(InvalidInput, match="pairs.activation"):
        dataclasses.replace(calibration, pairs=table(activation=[0.1, 0.9]))


# How it is measured


def test_joints_tell_weights_and_middles() -> None:
    """Pairs that show 0.8 of their weights, and whose units lean by 0.1 and their place in the grid."""
    grid = measuring._Grid.of()
    weight, one, other = grid.values
    seen = []
    for w, i, j in zip(weight, one, other, strict=True):
        lean = np.array([0.1 + 0.01 * i, 0.1 + 0.01 * j]) * w
        upper = 0.8 * w
        biases = np.array([i, j]) + lean - upper / 2
        seen.append(joint_of(biases, np.array([[0, upper], [upper, 0]])))
    # The prior pulls rare states a little, smoothing nothing that is flat.
    weights, middles = measuring._table(np.array(seen), grid, 1e7)
    upto = measuring.WEIGHTS[:, None, None]
    expected = -0.2 * upto * np.ones((len(upto), 9, 9))
    np.testing.assert_allclose(weights, expected, atol=2e-3)
    lean = (0.1 + 0.01 * AXIS[:, None]) * upto * np.ones((len(upto), 9, 9))
    np.testing.assert_allclose(middles, lean, atol=2e-3)


def test_smoothing_keeps_planes_and_takes_noise_away() -> None:
    rng = np.random.default_rng(4)
    axes = (measuring.WEIGHTS, AXIS, AXIS)
    plane = 0.1 * measuring.WEIGHTS[:, None, None] - 0.05 * AXIS[:, None] + 0.02 * AXIS
    noise = rng.normal(size=plane.shape) * 0.3
    precision = np.full(plane.shape, 1 / 0.3**2)
    np.testing.assert_allclose(measuring._smooth(plane, precision, axes), plane, atol=1e-9)
    left = measuring._smooth(plane + noise, precision, axes) - plane
    assert left.std() < 0.1
    # Points that were not measured follow the others.
    precision[::2] = 0.0
    np.testing.assert_allclose(
        measuring._smooth(np.where(precision > 0, plane, 7.0), precision, axes), plane, atol=1e-9
    )


def test_pairs_are_measured_alike_on_any_number_of_threads() -> None:
    neuron = ph.Calibration.preset("lif-hcs")
    one, two = (
        measuring.measure_pairs(neuron, chains=8, windows=1, seed=3, threads=threads).to_dict()
        for threads in (1, 2)
    )
    assert one == two
    with pytest.raises(InvalidInput, match="windows"):
        measuring.measure_pairs(neuron, windows=0)


# What neurons are given


def naive_errors(
    machine: ph.BoltzmannMachine, table: PairTable, given: Any, biases: Any, delay: float = 0.0
) -> Any:
    """Return by how much log-odds are off, loop by loop: array (state, unit)."""
    z, p, n = machine.states().astype(float), machine.joint(), machine.n_units
    error = np.zeros(z.shape)
    for i, j in itertools.permutations(range(n), 2):
        if not machine.weights[i, j]:
            continue
        some = [[p[(z[:, i] == a) & (z[:, j] == b)].sum() for b in (0, 1)] for a in (0, 1)]
        joint = np.array(some)
        typical = [
            0.5 * np.log(joint[1, 0] * joint[1, 1] / joint[0, 0] / joint[0, 1]),
            0.5 * np.log(joint[0, 1] * joint[1, 1] / joint[0, 0] / joint[1, 0]),
        ]
        for s, state in enumerate(z):
            field = state @ given + biases
            own = field[i] + given[i, j] * (0.5 - state[j])
            other = field[j] + given[i, j] * (0.5 - state[i])
            weight, middle, _ = table.changes(
                delay,
                given[i, j],
                0.75 * own + 0.25 * typical[0],
                0.75 * other + 0.25 * typical[1],
            )
            error[s, i] += middle + (state[j] - 0.5) * weight
    return error


@pytest.mark.parametrize("kind", ["dense", "star", "some_isolated", "restricted"])
def test_errors_are_those_of_a_loop(kind: str) -> None:
    rng = np.random.default_rng(5)
    machine = machines.machine(kind, 5, rng, scale=1.5)
    drawn = table(rng)
    context, pairs = whole(machine), Pairs.between(machine.weights, drawn, 0.1)
    weights = machine.weights[pairs.one, pairs.other]
    changes = pairs.changes(context, pairs.middles(context, context.field, weights), weights)
    np.testing.assert_allclose(
        pairs.errors(context, changes),
        naive_errors(machine, drawn, machine.weights, machine.biases, 0.1),
        atol=1e-12,
    )


@pytest.mark.parametrize("sign", ["mixed", "positive", "negative"])
def test_weaker_synapses_are_made_stronger(sign: str) -> None:
    """Where pairs show 0.8 of each weight, the weights given are 1/0.8 of the machine's."""
    machine = machines.machine("dense", 5, np.random.default_rng(6), scale=2.0, sign=sign)
    pairs = Pairs.between(machine.weights, table(weaker=0.2))
    given = distorted(whole(machine), machine.biases, machine.weights, pairs)
    np.testing.assert_allclose(given.weights, machine.weights / 0.8, rtol=2e-3)


def test_marginals_are_kept_in_the_mean() -> None:
    """The log-odds given are off by nothing in the mean, weighted by σ(1 - σ)."""
    rng = np.random.default_rng(7)
    machine = machines.machine("dense", 5, rng, scale=1.5)
    drawn, context = table(rng), whole(machine)
    pairs = Pairs.between(machine.weights, drawn)
    given = distorted(context, machine.biases, machine.weights, pairs)
    z, field = context.states, context.field
    choice = machine.joint()[:, None] / (2 + 2 * np.cosh(field))

    def mean(biases: Any, weights: Any) -> Any:
        shown = z @ weights + biases + naive_errors(machine, drawn, weights, biases)
        return (choice * (shown - field)).sum(axis=0) / choice.sum(axis=0)

    assert np.abs(mean(given.biases, given.weights)).max() < 5e-3
    # The twin: without it they are.
    assert np.abs(mean(machine.biases, machine.weights)).max() > 0.02
    # And with other couplings, biases alone do it.
    lifted = lifted_biases(context, machine.biases, machine.weights, pairs)
    assert np.abs(mean(lifted, machine.weights)).max() < 5e-3


def test_without_a_table_the_rule_is_the_measured_one(calibration: ph.Calibration) -> None:
    bare = dataclasses.replace(calibration, pairs=None)
    machine = machines.gaussian(6, seed=8)
    paired, measured = (
        translate(machine, bare, rule=rule, gauge="none") for rule in ("paired", "measured")
    )
    np.testing.assert_array_equal(paired.drive, measured.drive)
    np.testing.assert_array_equal(paired.coupling, measured.coupling)
    with_table = dataclasses.replace(bare, pairs=table(weaker=0.1, activation=calibration.activation))
    assert (
        translate(machine, with_table, rule="paired", gauge="none").coupling != measured.coupling
    ).any()
    np.testing.assert_array_equal(
        translate(machine, with_table, rule="measured", gauge="none").drive, measured.drive
    )


def test_units_alone_have_the_drive_of_their_bias(calibration: ph.Calibration) -> None:
    kept = dataclasses.replace(calibration, pairs=table(weaker=0.1, activation=calibration.activation))
    machine = ph.BoltzmannMachine(np.zeros((3, 3)), [-1.0, 0.0, 1.2])
    np.testing.assert_allclose(
        translate(machine, kept, rule="paired", gauge="none").drive,
        calibration.drive_at(machine.biases),
        rtol=1e-9,
    )


def test_known_partners_bring_exactly_their_weight(calibration: ph.Calibration) -> None:
    """A unit whose partners are all known feels nothing that comes and goes."""
    kept = dataclasses.replace(
        calibration, pairs=table(np.random.default_rng(9), activation=calibration.activation)
    )
    machine = machines.gaussian(4, seed=9)
    network = translate(machine, kept, rule="paired", gauge="none")
    known = {label: k % 2 for k, label in enumerate(machine.labels[1:])}
    evidence = Evidence.of(known, machine.labels, 1)
    drive = evidence_drive(machine, kept, network, evidence, rule="paired")
    field = machine.biases[0] + machine.weights[0, 1:] @ [0, 1, 0]
    assert drive[0, 0] == pytest.approx(float(kept.drive_at(np.array([field]))[0]), rel=1e-9)


def test_partners_that_are_known_lift_nothing() -> None:
    """Where too much is asked to solve for all, a unit is lifted by its free partners alone."""
    calibration = ph.Calibration.preset()
    machine = machines.machine("dense", 12, np.random.default_rng(13), scale=1.0)
    free = np.arange(6)
    lines = Lines.of(machine, calibration, "paired")
    known = {label: k % 2 for k, label in enumerate(machine.labels[6:])}
    target = machine.conditional(known)
    states, p = target.states().astype(float), target.joint()
    seen = Seen(states, p, states @ target.weights + target.biases, target.biases, target.weights)
    right, few = (lines.met(seen, free, 1.0, times).drive for times in (1, 10**6))
    bare = dataclasses.replace(lines.given, lifts=np.zeros_like(lines.given.lifts))
    twin = dataclasses.replace(lines, given=bare).met(seen, free, 1.0, 10**6).drive
    off, twin_off = (np.sqrt(np.mean((x - right) ** 2)) / calibration.slope for x in (few, twin))
    assert off < 0.02
    assert off < 0.5 * twin_off


def small_weights(n: int, seed: int) -> ph.BoltzmannMachine:
    """Return all pairs coupled by 0.05 to 0.2, with either sign."""
    rng = np.random.default_rng(seed)
    size = rng.uniform(0.05, 0.2, (n, n)) * rng.choice([-1, 1], (n, n))
    return ph.BoltzmannMachine(np.triu(size, 1) + np.triu(size, 1).T, rng.uniform(-1, 1, n))


def test_auto_follows_pairs_in_large_machines_of_small_weights_only(
    calibration: ph.Calibration,
) -> None:
    random = np.random.default_rng(0)
    upper = np.triu(random.uniform(-1, 1, (65, 65)), 1)
    weights, biases = upper + upper.T, np.zeros(65)
    assert (
        followed("auto", calibration, ph.BoltzmannMachine(weights[:64, :64], biases[:64])) == "paired"
    )
    assert followed("auto", calibration, ph.BoltzmannMachine(weights, biases)) == "measured"
    assert followed("auto", calibration, ph.BoltzmannMachine(weights / 2, biases)) == "paired"
    assert followed("auto", calibration, ph.BoltzmannMachine(0 * weights, biases)) == "paired"


def test_auto_follows_pairs_wherever_they_are_known(calibration: ph.Calibration) -> None:
    known, strong = small_weights(30, 1), ph.BoltzmannMachine([[0, 4.5], [4.5, 0]], [0, 0])
    assert followed("auto", calibration, known) == "paired"
    assert followed("auto", calibration, strong) == "measured"
    assert followed("paired", calibration, strong) == "paired"
    bare = dataclasses.replace(calibration, pairs=None)
    assert followed("auto", bare, known) == followed("paired", bare, known) == "measured"


@pytest.mark.filterwarnings("ignore::photinus.TranslationWarning")
def test_small_weights_of_a_large_machine_gain_from_pairs() -> None:
    """Errors of 200 marginals: rms 0.0077 and 0.0050; that of Gibbs sampling alone is 0.002."""
    machine = small_weights(200, 5)
    run: dict[str, Any] = {"chains": 64, "seed": 1, "threads": 2}
    right = ph.sample(machine, "gibbs", draws=1000, **run).marginals()
    off = {
        rule: ph.sample(machine, "laser-reduced", draws=200, rule=rule, **run).marginals() - right
        for rule in ("measured", "auto")
    }
    assert np.sqrt(np.mean(off["auto"] ** 2)) < 0.8 * np.sqrt(np.mean(off["measured"] ** 2))
    assert abs(off["auto"].mean()) < 0.5 * abs(off["measured"].mean())


def test_few_states_tell_what_many_do() -> None:
    """Eight states of a large machine: what is given hardly depends on which."""
    machine, table = small_weights(60, 2), ph.Calibration.preset().pairs
    assert table is not None
    pairs = Pairs.between(machine.weights, table)
    states, p = states_met(machine)
    field = states @ machine.weights + machine.biases
    many, few = (
        distorted(Context.of(states, p, field, count), machine.biases, machine.weights, pairs)
        for count in (2**12, 2**20)
    )
    assert np.abs(many.weights - few.weights).max() < 0.01
    assert np.std(few.biases - many.biases) < 0.004


def test_heated_synapses_follow_what_pairs_show(calibration: ph.Calibration) -> None:
    """A curve that is straight, and pairs that show 0.8 of each weight: a strength of 1/T."""
    straight = dataclasses.replace(
        calibration,
        activation=calibration.logistic(calibration.drive),
        pairs=table(weaker=0.2, activation=calibration.logistic(calibration.drive)),
    )
    machine = machines.machine("dense", 4, np.random.default_rng(10), scale=1.0)
    nobody = Evidence.of(None, machine.labels, 1)
    drive, strength = drive_and_strength(machine, straight, nobody, temperature=2.0, rule="paired")
    assert strength == pytest.approx(0.5, rel=5e-3)
    network = translate(machine, straight, rule="paired", gauge="none")
    cold, _ = drive_and_strength(machine, straight, nobody, rule="paired")
    np.testing.assert_allclose(cold[0], network.drive, atol=0.01 * calibration.slope)
    # Drives are halfway between those at T = 1 and that of half activation.
    halfway = 0.5 * (network.drive + calibration.midpoint)
    np.testing.assert_allclose(drive[0], halfway, atol=0.03 * calibration.slope)


# The law that is foretold


def test_the_law_of_right_log_odds_is_the_machine() -> None:
    machine = machines.machine("dense", 6, np.random.default_rng(11), scale=3.0)
    field = machine.states() @ machine.weights + machine.biases
    np.testing.assert_allclose(stationary(field), machine.joint(), atol=1e-12)


def test_the_law_of_any_log_odds_is_what_jumps_settle_to() -> None:
    """Log-odds that no machine has: powers of the chain's matrix, made state by state."""
    rng = np.random.default_rng(12)
    field = rng.normal(size=(8, 3))
    step = np.zeros((8, 8))
    for state in range(8):
        for k in range(3):
            rate = 1.0 if state >> k & 1 else np.exp(field[state, k])
            step[state ^ (1 << k), state] += 0.01 * rate
        step[state, state] += 1 - step[:, state].sum()
    settled = np.linalg.matrix_power(step, 2**16)[:, 0]
    np.testing.assert_allclose(stationary(field), settled, atol=1e-9)
    off = machines.gaussian(3, seed=1).joint()
    assert np.abs(stationary(field) - off).max() > 0.01


def settled_law(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the stationary law by an eigenvector of the generator."""
    count, n = log_odds.shape
    rates = np.zeros((count, count))
    for state in range(count):
        for k in range(n):
            on = state >> k & 1
            rates[state ^ (1 << k), state] += 1.0 if on else np.exp(log_odds[state, k])
    rates -= np.diag(rates.sum(axis=0))
    values, vectors = np.linalg.eig(rates)
    law = np.real(vectors[:, np.argmin(np.abs(values))])
    return np.asarray(law / law.sum())


@pytest.mark.parametrize("n", [1, 5, 6, 7])
def test_laws_of_more_states_than_a_panel(n: int) -> None:
    rng = np.random.default_rng(n)
    log_odds = rng.normal(size=(2**n, n))
    np.testing.assert_allclose(stationary(log_odds), settled_law(log_odds), rtol=1e-7)


@pytest.mark.parametrize("preset", ["fast-absorber", "straight"])
def test_nine_units_are_given_what_the_law_calls_for(preset: str) -> None:
    """The foretold moments are the machine's; by pairs alone they were off by 0.01."""
    machine = machines.two_modes(9, 0.5)
    calibration = ph.Calibration.preset(preset)
    network = ph.translate(machine, calibration, rule="paired", gauge="none")
    told = ph.predict(machine, calibration, network)
    assert told.exact
    for unit, wanted, found in told.marginals:
        assert wanted == pytest.approx(machine.marginals()[machine.labels.index(unit)])
        assert found == pytest.approx(wanted, abs=1e-3)


def test_predicted_marginals_speak_of_units_in_any_gauge(calibration: ph.Calibration) -> None:
    """Twin: those of the neurons are others."""
    machine = machines.machine("dense", 4, np.random.default_rng(3), scale=1.0)
    gauge = np.array([True, False, True, False])
    network = ph.translate(machine, calibration, gauge=gauge)
    told = {unit: (p, q) for unit, p, q in ph.predict(machine, calibration, network).marginals}
    wanted = np.array([told[label][0] for label in machine.labels])
    np.testing.assert_allclose(wanted, machine.marginals(), atol=1e-12)
    assert np.abs(wanted - machine.flipped(gauge).marginals()).max() > 0.05


def test_what_pairs_leave_unsure_is_a_part_of_what_they_tell(calibration: ph.Calibration) -> None:
    machine = machines.machine("dense", 4, np.random.default_rng(4), scale=2.0)
    network = ph.translate(machine, calibration, rule="measured", gauge="none")
    told = ph.predict(machine, calibration, network)
    states = machine.states().astype(float)
    field = states @ machine.weights + machine.biases
    context = Context.of(states, machine.joint(), field, 1)
    curve = Curve.of(calibration.sharpened())
    assert calibration.pairs is not None
    pairs = Pairs.between(machine.weights, calibration.pairs)
    shown = Shown.by(context, network.drive, dense(network.coupling), curve, pairs)
    alone, law = settled_law(shown.alone), settled_law(shown.together)
    assert told.unsure == pytest.approx(0.3 * float(np.sum(alone * np.log(alone / law))), rel=1e-6)
    sure = float(np.sum(law * np.log(law / machine.joint())))
    assert told.kl == pytest.approx(told.unsure + sure, rel=1e-6)
    # Without a pair table nothing is told by it, and nothing of it is unsure.
    plain = dataclasses.replace(calibration, pairs=None)
    assert ph.predict(machine, plain, network).unsure == 0


def test_auto_follows_pairs_of_pulses_that_add_up_for_small_weights_only(
    calibration: ph.Calibration,
) -> None:
    adding = dataclasses.replace(
        calibration, kernel=dataclasses.replace(calibration.kernel, renewing=False)
    )
    weak, strong = (ph.BoltzmannMachine([[0, w], [w, 0]], [0, 0]) for w in (-1.0, 1.5))
    assert followed("auto", adding, weak) == "paired"
    assert followed("auto", adding, strong) == "measured"
    assert followed("auto", calibration, strong) == "paired"
