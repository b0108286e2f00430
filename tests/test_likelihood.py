"""log Z: enumerated, summed over one side, annealed forwards and back."""

import numpy as np
import pytest

from photinus import BoltzmannMachine
from photinus.errors import InvalidInput
from photinus.learning import likelihood
from photinus.learning.likelihood import log_partition


def layered(sizes: tuple[int, ...], seed: int = 0, scale: float = 1.0) -> BoltzmannMachine:
    """Return a machine with couplings between neighbouring layers."""
    rng = np.random.default_rng(seed)
    layer = np.repeat(np.arange(len(sizes)), sizes)
    w = np.triu(rng.normal(0, scale, (len(layer),) * 2), 1) * (np.abs(layer[:, None] - layer) == 1)
    return BoltzmannMachine(w + w.T, rng.normal(0, scale, len(layer)))


@pytest.fixture
def annealed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let machines be annealed however small they are."""
    monkeypatch.setattr(likelihood, "_exact", lambda machine: None)


@pytest.mark.parametrize("sizes", [(7, 5), (4, 5, 3), (2, 3, 3, 2)])
@pytest.mark.parametrize("scale", [0.5, 1.5])
def test_annealing_finds_the_partition_function(
    annealed: None, sizes: tuple[int, ...], scale: float
) -> None:
    machine = layered(sizes, scale=scale)
    exact = machine.log_partition()
    found = log_partition(machine, chains=400, temperatures=300, seed=1)
    assert found.method == "annealed"
    assert found.reverse is not None
    # Six standard errors, 1e-9 for a normal error; the error itself must be small to mean something.
    assert abs(found.value - exact) < 6 * found.error
    assert found.error < 0.05
    # Exact states make the reverse estimate an upper bound on average, as good as the forward one.
    rng = np.random.default_rng(2)
    states = machine.states()[rng.choice(2**machine.n_units, 400, p=machine.joint())]
    back = log_partition(machine, chains=400, temperatures=300, states=states, seed=1)
    assert back.reverse is not None
    assert abs(back.reverse - exact) < 6 * 0.05
    assert back.value == found.value


def test_one_step_is_seen_by_the_reverse_check(annealed: None) -> None:
    machine = layered((8, 6), scale=2.5)
    exact = machine.log_partition()
    rng = np.random.default_rng(2)
    states = machine.states()[rng.choice(2**machine.n_units, 200, p=machine.joint())]
    gaps = []
    for temperatures in (1, 1000):
        found = log_partition(machine, chains=200, temperatures=temperatures, states=states, seed=1)
        assert found.reverse is not None
        gaps.append(found.reverse - found.value)
    # In one step the weights have a wide spread, and forward and reverse part by nats.
    assert gaps[0] > 1 > 0.2 > abs(gaps[1])
    assert abs(found.value - exact) < 0.2


def test_a_base_near_the_machine_is_better(annealed: None) -> None:
    rng = np.random.default_rng(0)
    machine = BoltzmannMachine(layered((8, 6), scale=0.1).weights, rng.normal(0, 3, 14))
    good = log_partition(machine, chains=100, temperatures=20, base=machine.biases)
    bad = log_partition(machine, chains=100, temperatures=20, base=np.zeros(14))
    assert good.error < bad.error / 3
    assert good.value == pytest.approx(machine.log_partition(), abs=6 * good.error)


@pytest.mark.parametrize("hidden", [3, 13])
def test_the_smaller_side_is_summed_exactly(hidden: int) -> None:
    machine = layered((16, hidden), seed=4)
    found = log_partition(machine)
    assert (found.method, found.error, found.reverse) == ("exact", 0.0, None)
    if machine.n_units <= 24:
        assert found.value == pytest.approx(machine.log_partition(), rel=1e-12)
    # 16 + 13 units are too many to enumerate: against one unit summed out after the other.
    h = (np.arange(2**hidden)[:, None] >> np.arange(hidden)) & 1
    field = h @ machine.weights[16:, :16] + machine.biases[:16]
    logs = h @ machine.biases[16:] + np.logaddexp(0, field).sum(axis=1)
    assert found.value == pytest.approx(float(np.logaddexp.reduce(logs)), rel=1e-12)


def test_any_machine_of_24_units_is_exact() -> None:
    rng = np.random.default_rng(0)
    w = np.triu(rng.normal(0, 0.2, (22, 22)), 1)
    machine = BoltzmannMachine(w + w.T, np.zeros(22))
    assert log_partition(machine).value == machine.log_partition()


@pytest.mark.parametrize("across", [False, True])
def test_a_machine_close_to_a_tree_is_exact(across: bool) -> None:
    """A ladder of 2 × 30 units, against powers of a 4 × 4 matrix; diagonals make odd cycles."""
    steps, w = 30, np.zeros((60, 60))
    for k in range(steps):
        w[2 * k, 2 * k + 1] = 0.7  # a rung
        if k + 1 < steps:
            w[2 * k, 2 * k + 2] = w[2 * k + 1, 2 * k + 3] = -1.1
            w[2 * k, 2 * k + 3] = 0.4 * across
    found = log_partition(BoltzmannMachine(w + w.T, np.full(60, 0.3)))
    assert (found.method, found.error, found.reverse) == ("exact", 0.0, None)
    z = (np.arange(4)[:, None] >> np.arange(2)) & 1
    own = 0.7 * z.prod(axis=1) + 0.3 * z.sum(axis=1)
    between = z @ np.array([[-1.1, 0.4 * across], [0, -1.1]]) @ z.T
    total = np.exp(own)
    for _ in range(steps - 1):
        total = (total @ np.exp(between)) * np.exp(own)
    assert found.value == pytest.approx(float(np.log(total.sum())), rel=1e-12)


def test_what_cannot_be_annealed_is_refused() -> None:
    w = np.ones((30, 30)) - np.eye(30)
    with pytest.raises(InvalidInput, match="must be close to a tree, or bipartite.*cycle of odd"):
        log_partition(BoltzmannMachine(w, np.zeros(30)))
    wide = layered((30, 25))
    with pytest.raises(InvalidInput, match="chains must be from 2 to"):
        log_partition(wide, chains=1)
    with pytest.raises(InvalidInput, match="temperatures must be from 1 to"):
        log_partition(wide, temperatures=0)
    with pytest.raises(InvalidInput, match="base must have 55 entries"):
        log_partition(wide, base=np.zeros(3))
    with pytest.raises(InvalidInput, match="states must have shape"):
        log_partition(wide, states=np.zeros((4, 3)))
