"""Every substrate passes the checks that others can run on theirs, and wrong ones fail them."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from photinus import devices, testing
from photinus._core.streams import seed_sequence
from photinus.engines.lif.device import LifDevice
from photinus.engines.lif.simulator import LifSimulator
from photinus.networks.lif import LifNetwork
from photinus.reference.exact import sample_exact
from photinus.samplers import Piece, Request, Run, registry
from photinus.samplers.abstract import ExactRun, GibbsRun
from photinus.testing import law
from photinus.testing.law import law_machine


@pytest.mark.parametrize("check", testing.SUBSTRATE_CHECKS)
@pytest.mark.parametrize("name", registry.SUBSTRATES)
def test_substrates_keep_what_sample_promises(name: str, check: str) -> None:
    testing.SUBSTRATE_CHECKS[check](testing.subject(name))


@pytest.fixture(scope="module", params=devices.SHIPPED_PRESETS)
def neuron(request: pytest.FixtureRequest) -> testing.DeviceSubject:
    return testing.device_subject(devices.preset(request.param))


@pytest.mark.parametrize("check", testing.DEVICE_CHECKS)
def test_devices_do_what_networks_need(neuron: testing.DeviceSubject, check: str) -> None:
    testing.DEVICE_CHECKS[check](neuron)


# Devices that are wrong, each in one way


class Wrong(LifDevice):
    """Its simulators are changed by a function."""

    def __init__(self, change: Callable[[Any, dict[str, Any]], Any]) -> None:
        self.change = change

    def simulator(self, network: LifNetwork, **options: Any) -> Any:
        return self.change(network, options)


def seed_ignored(network: LifNetwork, options: dict[str, Any]) -> LifSimulator:
    return LifSimulator(network, **{**options, "seed": 3})


def uncoupled(network: LifNetwork, options: dict[str, Any]) -> LifSimulator:
    return LifSimulator(network.replace(coupling=np.zeros((3, 3))), **options)


def evidence_forgotten(network: LifNetwork, options: dict[str, Any]) -> LifSimulator:
    return LifSimulator(network, **{**options, "evidence": None})


def gauge_forgotten(network: LifNetwork, options: dict[str, Any]) -> LifSimulator:
    return LifSimulator(network.replace(gauge=()), **options)


class Cold(LifSimulator):
    def heat(self, change: Any, strength: Any) -> None:
        pass


class Forgetful(LifSimulator):
    def restore(self, state: Any) -> None:
        self.step = int(state["step"])


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (seed_ignored, "seed"),
        (uncoupled, "couplings"),
        (evidence_forgotten, "evidence"),
        (gauge_forgotten, "gauge"),
        (lambda network, options: Cold(network, **options), "heat"),
        (lambda network, options: Forgetful(network, **options), "pieces"),
    ],
    ids=["seed", "couplings", "evidence", "gauge", "heat", "pieces"],
)
def test_wrong_devices_are_found(change: Any, check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = testing.device_subject(devices.preset("lif-hcs"))
    testing.DEVICE_CHECKS[check](subject)
    monkeypatch.setattr(devices.registry, "device", lambda name: Wrong(change))
    with pytest.raises(testing.Unfit):
        testing.DEVICE_CHECKS[check](subject)


# Substrates that are wrong, each in one way


class SeedIgnored(GibbsRun):
    def __init__(self, request: Request) -> None:
        super().__init__(replaced(request, seed=seed_sequence(0)))


class SeedNeverKept(GibbsRun):
    def __init__(self, request: Request) -> None:
        super().__init__(replaced(request, seed=seed_sequence(None)))


class WeightsHalved(ExactRun):
    def __init__(self, request: Request) -> None:
        given = request.machine
        wrong = type(given)(0.5 * given.weights, given.biases, given.labels)
        super().__init__(replaced(request, machine=wrong))


class EvidenceForgotten(ExactRun):
    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        asked = self.request
        report(asked.burn_in + draws)
        states = sample_exact(asked.machine, chains=asked.chains, draws=draws, seed=asked.seed)
        return Piece(states, None)


class EvidencePainted(EvidenceForgotten):
    """Evidence is written into the states of another law."""

    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        piece = super().advance(draws, report)
        self.request.evidence.fill(piece.states)
        return piece


class StartIgnored(GibbsRun):
    def __init__(self, request: Request) -> None:
        super().__init__(replaced(request, start=np.zeros_like(request.start)))


class StateLost(GibbsRun):
    def restore(self, state: Any) -> None:
        self._done, self._draw = int(state["done"]), int(state["draw"])


class BurnInKept(GibbsRun):
    def __init__(self, request: Request) -> None:
        super().__init__(replaced(request, burn_in=0))


class OneCoin(ExactRun):
    """All chains are the same."""

    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        states = super().advance(draws, report).states
        return Piece(np.broadcast_to(states[:1], states.shape).copy(), None)


class ManyChains(ExactRun):
    """Chain c depends on how many there are."""

    def __init__(self, request: Request) -> None:
        more = np.random.SeedSequence(request.chains)
        super().__init__(replaced(request, seed=more))


class Silent(GibbsRun):
    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        return super().advance(draws, lambda _: None)


class Twos(ExactRun):
    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        return Piece(2 * super().advance(draws, report).states, None)


def replaced(request: Request, **changes: Any) -> Request:
    return dataclasses.replace(request, **changes)


WRONG = [
    (SeedIgnored, "seed"),
    (SeedNeverKept, "seed"),
    (SeedNeverKept, "threads"),
    (SeedNeverKept, "workers"),
    (WeightsHalved, "law"),
    (WeightsHalved, "law given evidence"),
    (EvidenceForgotten, "common evidence"),
    (EvidenceForgotten, "evidence of chains"),
    (EvidencePainted, "law given evidence"),
    (StartIgnored, "start"),
    (StateLost, "resume"),
    (BurnInKept, "burn-in"),
    (OneCoin, "lanes"),
    (ManyChains, "chains"),
    (Silent, "progress"),
    (Twos, "result"),
]


@pytest.mark.parametrize(("kind", "check"), WRONG, ids=lambda value: getattr(value, "__name__", value))
def test_wrong_substrates_are_found(
    kind: type[Run], check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.SUBSTRATES, "wrong", kind)
    with pytest.raises(testing.Unfit):
        testing.SUBSTRATE_CHECKS[check](testing.subject("wrong"))


def test_all_that_is_wrong_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.SUBSTRATES, "wrong", EvidenceForgotten)
    with pytest.raises(testing.Unfit) as found:
        testing.check_substrate("wrong")
    told = str(found.value).splitlines()
    failed = {line.split(": ")[0] for line in told}
    assert {"wrong, common evidence", "wrong, evidence of chains"} <= failed
    assert not failed & {"wrong, law", "wrong, seed", "wrong, refusals"}


def test_the_odds_are_as_stated() -> None:
    """Over right samples, p-values below p come with probability p at most; 2000 of them.

    At p = 0.1, more than 250 instead of at most 200 would come with probability 2e-4.
    """
    machine, rng = law_machine(), np.random.default_rng(1)
    p = [
        law.probability_of(machine.states()[rng.choice(8, 500, p=machine.joint())], machine.joint())
        for _ in range(2000)
    ]
    assert np.count_nonzero(np.array(p) < 0.1) <= 250
    # and they are not there for show: a law that is off by a bias is found with more chains
    wrong = machine.states()[rng.choice(8, 4096, p=0.9 * machine.joint() + 0.1 * np.eye(8)[0])]
    assert law.probability_of(wrong, machine.joint()) < law.FALSE_ALARM
    assert law.probability_of(wrong, machine.joint(), bias=0.1) == 1
