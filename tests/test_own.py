"""Neurons of one's own: one whose law is known, and that of the tutorial."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

import photinus as ph
from photinus.devices import Setting, assemble, device, register, registry, simulator
from photinus.devices.synapse import SynapticKernel
from photinus.engines.own import OwnDevice, to_dict
from photinus.errors import InvalidInput, PhotinusError
from photinus.testing import check_device
from tests.texts import ROOT

TUTORIAL = ROOT / "docs" / "tutorials" / "10_own_neuron.py"
STEPS = 20
"""Of a window."""


@dataclass(frozen=True)
class Escaping:
    """A neuron that is on for a window, and then escapes at the rate exp(u)/τ (Buesing et al. 2011)."""

    device: ClassVar[str] = "escaping"
    name: str = "plain"
    window: float = 1e-9
    to_dict = to_dict


class EscapingDevice(OwnDevice):
    name, noun, plural = "escaping", "neuron", "escaping neurons"
    Neuron = Escaping
    start = (0.0, 1e9)  # the first is what kicks go to

    @staticmethod
    def step(own: Any, state: Any, drive: float, noise: float, time_step: float) -> bool:
        state[1] += time_step / own.window
        if state[1] < 0.999:
            return False
        # A nearly normal number as a uniform one.
        chance = 0.5 * math.erfc(noise / math.sqrt(2))
        odds = math.exp(drive + state[0]) * time_step / own.window
        if chance < odds / (1 + odds):
            state[1] = 0.0
            return True
        return False

    def setting(self, parameters: Escaping) -> Setting:
        return Setting(
            bracket=(-6.0, 6.0),
            time_constant=parameters.window,
            time_step=parameters.window / STEPS,
            detection_threshold=None,
            window=parameters.window,
            synapse="rectangle",
            decay=None,
        )


@pytest.fixture(scope="module", autouse=True)
def known() -> Iterator[None]:
    """Make the devices known to these tests alone."""
    before = dict(registry._REGISTERED)
    register(EscapingDevice())
    yield
    registry._REGISTERED.clear()
    registry._REGISTERED.update(before)
    registry.device.cache_clear()


def network(drive: Any, coupling: Any, **changes: Any) -> Any:
    kernel = SynapticKernel(**{"kick": 0.0, "sustain": 1.0, "duration": 1e-9, **changes})
    return assemble(
        Escaping(),
        drive=np.array(drive, np.float64),
        coupling=np.array(coupling, np.float64),
        kernel=kernel,
        window=1e-9,
        detection_threshold=None,
        driven=(-6.0, 6.0),
        labels=tuple("abcdef"[: len(drive)]),
    )


def test_it_keeps_what_devices_promise() -> None:
    check_device(Escaping())


def test_states_have_the_law_of_the_neuron() -> None:
    """Rectangles as long as the window make a Boltzmann machine of it; a wrong one is told apart."""
    weights = np.array([[0, 1.0, -1.0], [1.0, 0, 0.5], [-1.0, 0.5, 0]])
    machine = ph.BoltzmannMachine(weights, [0.3, -0.4, 0.1], labels=["a", "b", "c"])
    run: dict[str, Any] = {"chains": 256, "draws": 200, "seed": 3}
    found = ph.sample(machine, "escaping", network=network(machine.biases, weights), **run)
    assert (found.fidelity().kl or 1) < 0.002
    other = network(machine.biases, 0.7 * weights)
    wrong = ph.sample(machine, "escaping", network=other, **run)
    assert (wrong.fidelity().kl or 0) > 0.005


@pytest.mark.parametrize("shape", ["rectangle", "exponential"])
@pytest.mark.parametrize("renewing", [True, False])
def test_pulses_have_the_shape_of_the_synapse(shape: str, renewing: bool) -> None:
    """What a regular source puts on its target is the sum of pulses by hand, step by step."""
    if shape == "rectangle" and not renewing:
        with pytest.raises(InvalidInput, match="kernel must renew its pulse where it is a rectangle"):
            network([0.0], [[0.0]], renewing=False)
        return
    duration, kick = 1.55e-9, 0.25
    wired = network([30.0, -30.0], [[0, 0], [1, 0]], shape=shape, renewing=renewing,
                    duration=duration, kick=kick, sustain=0.5)  # fmt: skip
    run = simulator(wired, chains=1, seed=1)
    level, kicks, last, latest = 0.0, 0.0, duration / (1e-9 / STEPS), -(10**9)
    expected: list[tuple[float, float]] = []
    seen: list[tuple[float, float]] = []
    due: list[int] = []
    for step in range(1, 5 * STEPS):
        spikes = run.advance(1e-9 / STEPS)
        if shape == "exponential":
            level *= math.exp(-1 / last)
        elif step - latest == last:
            level = 0.0
        if step in due:
            share = 1.0
            if renewing and shape == "exponential":
                share = 1 - math.exp((latest - step) / last)
            elif renewing:
                share = min(1.0, (step - latest) / last)
            level = 0.5 if shape == "rectangle" else level + 0.5 * share
            kicks += kick * share
            latest = step
        due += [step + 1] if (spikes.unit == 0).any() else []
        state = run.state()
        seen.append((state["put.0"][1], state["f.0"][1, 0]))
        expected.append((level, kicks))
    assert len(due) > 3
    np.testing.assert_allclose(seen, expected, atol=1e-9)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidInput, match="a device must not have a name that Photinus has"):
        register(device("lif"))
    with pytest.raises(InvalidInput, match="must have the members of photinus.devices.Device"):
        register(object())  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="delay must be one number for escaping neurons"):
        device("escaping").assemble(
            Escaping(),
            drive=np.zeros(2),
            coupling=np.zeros((2, 2)),
            kernel=SynapticKernel(kick=0.0, sustain=1.0, duration=1e-9),
            window=1e-9,
            detection_threshold=None,
            driven=(-6.0, 6.0),
            delay=np.zeros((2, 2)),
        )
    with pytest.raises(InvalidInput, match="labels must differ from each other"):
        network([0, 0], np.zeros((2, 2))).replace(labels=("a", "a"))
    with pytest.raises(InvalidInput, match="drive must have at least 1 entry"):
        network([], np.zeros((0, 0)))
    with pytest.raises(PhotinusError, match="left the range of numbers"):
        # Both sources fire at once, and kick beyond the largest number.
        huge = network([30, 30, 0], [[0, 0, 0], [0, 0, 0], [1e308, 1e308, 0]], kick=1.0)
        simulator(huge, chains=1, seed=1).advance(2e-9)


def test_the_neuron_of_the_tutorial_spikes() -> None:
    """`make docs` runs the whole tutorial; here all before it calibrates."""
    blocks = TUTORIAL.read_text().split("# %%")
    end = next(k for k, block in enumerate(blocks) if "ph.calibrate" in block)
    names: dict[str, Any] = {"__name__": "tutorial"}
    exec(compile("# %%".join(blocks[:end]), str(TUTORIAL), "exec", dont_inherit=True), names)
    neuron = names["Diode"]()
    low, high = device(neuron.device).setting(neuron).bracket
    wired = assemble(
        neuron,
        drive=np.array([low, high]),
        coupling=np.zeros((2, 2)),
        kernel=SynapticKernel(kick=0.0, sustain=1.0, duration=1e-9),
        window=0.9e-9,
        detection_threshold=None,
        driven=(low, high),
    )
    rates = simulator(wired, chains=4, seed=1).advance(20e-9).rates().mean(axis=0)
    assert rates[0] < 0.05e9
    assert rates[1] > 1e9
