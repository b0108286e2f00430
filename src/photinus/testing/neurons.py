"""Small networks of a device that is checked, and what their runs show."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core.display import Displayed
from photinus.devices import (
    Device,
    Network,
    Parameters,
    Setting,
    assemble,
    device_of,
    setting,
    simulator,
)
from photinus.devices.synapse import SynapticKernel
from photinus.errors import InvalidInput
from photinus.spikes.trains import SpikeTrains
from photinus.testing.verdict import Unfit, require

CHAINS, WINDOWS = 64, 12
"""Of most runs. Differences of firing that are looked at are of many standard deviations."""
HALVINGS = 7
"""Of the bracket, on the way to a drive of half as many spikes."""
LABELS = ("a", 1, "Ω")
NAMES = ("chain", "unit", "time")


@dataclass(frozen=True, repr=False)
class DeviceSubject(Displayed):
    """A device that is checked.

    Examples
    --------
    >>> from photinus.devices import preset
    >>> from photinus.testing import DeviceSubject
    >>> subject = DeviceSubject(preset("lif-hcs"))
    >>> subject.device.name, subject.network([subject.levels[1]]).n_units
    ('lif', 3)
    """

    parameters: Parameters
    options: dict[str, Any] = field(default_factory=dict)
    """What `assemble` needs beside the usual: another ``kernel`` or ``window``."""

    @property
    def device(self) -> Device:
        """The device of the parameters."""
        return device_of(self.parameters)

    @functools.cached_property
    def setting(self) -> Setting:
        """Where the activation of these neurons is, and what their synapses are."""
        return setting(self.parameters)

    @functools.cached_property
    def levels(self) -> tuple[float, float, float]:
        """Drives of silence, of half as many spikes as at regular firing, and of that."""
        low, high = self.setting.bracket
        half = 0.5 * len(self.run(self.network(high)))
        below, above = low, high
        for _ in range(HALVINGS):
            middle = 0.5 * (below + above)
            below, above = (
                (middle, above) if len(self.run(self.network(middle))) < half else (below, middle)
            )
        return low, above, high

    def network(self, drive: Any, coupling: Any = None) -> Network:
        """Return a network of three neurons with these drives, uncoupled by default."""
        found, level = self.setting, np.broadcast_to(np.asarray(drive, np.float64), 3)
        window = found.window or 2 * found.time_constant
        kernel = SynapticKernel(
            kick=0.0, sustain=1.0, duration=found.decay or window, shape=found.synapse
        )
        usual = {"kernel": kernel, "window": window, "driven": found.bracket}
        return assemble(
            self.parameters,
            drive=level.copy(),
            coupling=np.zeros((3, 3)) if coupling is None else np.asarray(coupling, np.float64),
            detection_threshold=found.detection_threshold,
            labels=LABELS,
            **{**usual, **self.options},
        )

    def run(self, network: Network, windows: float = WINDOWS, **options: Any) -> SpikeTrains:
        """Return the spikes of a run of so many state windows."""
        usual = {"chains": CHAINS, "seed": 1}
        return simulator(network, **{**usual, **options}).advance(windows * network.window)


def device_subject(parameters: Parameters, **options: Any) -> DeviceSubject:
    """Return what each of `DEVICE_CHECKS` takes; arguments as in `check_device`.

    Examples
    --------
    >>> from photinus.devices import preset
    >>> from photinus.testing import DEVICE_CHECKS, device_subject
    >>> subject = device_subject(preset("lif-hcs"))
    >>> DEVICE_CHECKS["parameters"](subject)
    """
    return DeviceSubject(parameters, options)


def same_spikes(a: SpikeTrains, b: SpikeTrains) -> bool:
    """Return whether two runs have the same spikes."""
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in NAMES)


def rates_of(spikes: SpikeTrains) -> NDArray[np.float64]:
    """Return spikes per chain of each of the three units."""
    return np.bincount(spikes.unit, minlength=3) / spikes.chains


def dense(network: Network) -> NDArray[np.float64]:
    """Return the couplings of a network as an array (unit, unit)."""
    coupling = network.coupling
    return np.asarray(coupling.toarray() if hasattr(coupling, "toarray") else coupling, np.float64)


def step_of(subject: DeviceSubject) -> float:
    """Return a tenth of what lies between silence and firing: a coupling that matters."""
    return 0.1 * (subject.levels[2] - subject.levels[0])


def coupled_network(subject: DeviceSubject) -> Network:
    """Return three neurons between silence and firing that act on each other."""
    step = step_of(subject)
    coupling = np.array([[0, step, -step], [step, 0, 0.5 * step], [-step, 0.5 * step, 0]])
    return subject.network(subject.levels[1], coupling)


def count(what: NDArray[np.bool_]) -> int:
    """Return how many are true."""
    return int(np.count_nonzero(what))


def check_refused(call: Callable[[], Any], word: str) -> None:
    """Raise Unfit unless a call raises InvalidInput with a word in its message."""
    try:
        call()
    except InvalidInput as error:
        require(word in str(error), f"a refusal must name {word!r}, got {str(error)!r}")
        return
    except Exception as error:
        raise Unfit(f"a bad {word!r} must raise InvalidInput, got {error!r:.80}") from error
    raise Unfit(f"a bad {word!r} must be refused")
