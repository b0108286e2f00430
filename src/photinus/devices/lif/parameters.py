"""The parameters of a leaky integrate-and-fire neuron, its preset, and where they come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, ClassVar, NamedTuple

from photinus._core import files, validate
from photinus._core.display import Displayed
from photinus._core.records import RARE, changed, document_of, fields_from, settle
from photinus.errors import InvalidInput
from photinus.units import Allowed, ms

KIND = "lif-parameters"
PLAUSIBLE = {
    "membrane_time": Allowed("s", 1e-8, 10.0, 10e-3),
    "synaptic_time": Allowed("s", 1e-8, 10.0, 10e-3),
    "refractory_time": Allowed("s", 1e-8, 10.0, 10e-3),
    "noise_time": Allowed("s", 1e-8, 100.0, 10e-3),
    "time_step": Allowed("s", 1e-10, 1.0, 1e-4),
    "threshold": Allowed("V", -2.0, 2.0, 50e-3),
    "reset": Allowed("V", -2.0, 2.0, 50e-3),
    "noise": Allowed("V", 0.0, 1.0, 1e-3),
}
"""Values that a neuron can have, with a factor of ten on either side. They go from silicon that runs a
hundred thousand times as fast as the brain to slow synapses."""
STEPS_PER_TIME_CONSTANT = 4
"""Integration steps that every time constant must last at least."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class LifParameters(Displayed):
    """A leaky integrate-and-fire neuron under high-rate noise; every quantity in SI, or with a unit.

    The membrane follows τ_m dV/dt = V̄ + I + X - V. V̄ is the drive (the mean free potential), I the
    synaptic current in volts. X is an Ornstein-Uhlenbeck noise that gives the free membrane the
    standard deviation σ. At V >= θ the neuron fires and V is held at its reset for τ_ref, while noise
    and synapses go on. In the high-conductance state τ_m is so short that the membrane follows its
    input (Petrovici et al. 2016, Phys. Rev. E 94, 042312).

    Raises
    ------
    InvalidInput
        If a value is outside its range or, unless `forced`, not plausible (`PLAUSIBLE`).

    Examples
    --------
    >>> from photinus.devices.lif import LifParameters
    >>> neuron = LifParameters.preset("lif-hcs")
    >>> round(1e3 * neuron.membrane_time, 3), round(1e3 * neuron.noise, 3)
    (0.769, 1.015)
    >>> LifParameters.presets(), LifParameters.from_dict(neuron.to_dict()) == neuron
    (('lif-hcs',), True)
    """

    device: ClassVar[str] = "lif"
    """Kind of neuron, see `photinus.devices`."""
    name: str = "custom"
    """What to call the neuron."""
    membrane_time: float
    """τ_m, time constant of the membrane with all mean conductances open [s], > 0."""
    synaptic_time: float
    """τ_syn, time constant of the synaptic current [s], > 0."""
    refractory_time: float
    """τ_ref, time for which a spike holds the membrane at its reset [s], > 0."""
    threshold: float
    """θ, membrane potential at which the neuron fires [V]."""
    reset: float
    """Membrane potential after a spike [V], below the threshold."""
    noise: float
    """σ, standard deviation of the free membrane potential [V], >= 0."""
    noise_time: float = None  # type: ignore[assignment]
    """Correlation time of the noise X [s], > 0; by default τ_syn, as for noise that comes in by
    synapses."""
    time_step: float = 0.1 * ms
    """Default integration step [s], > 0, at most a quarter of every time constant."""
    forced: bool = field(default=False, compare=False, metadata=RARE)
    """Whether values that are possible and not plausible are taken."""

    def __post_init__(self) -> None:
        if not isinstance(self.forced, bool):
            raise InvalidInput(f"forced must be True or False, got {self.forced!r}")
        if self.noise_time is None:
            settle(self, noise_time=self.synaptic_time)
        for name, plausible in PLAUSIBLE.items():
            check = _CHECKS.get(name, validate.positive)
            value = check(name, getattr(self, name), plausible.unit)
            settle(self, **{name: value if self.forced else plausible.check(name, value)})
        if self.reset >= self.threshold:
            raise InvalidInput(
                f"reset must be below the threshold ({self.threshold:g} V), got {self.reset:g} V"
            )
        if not isinstance(self.name, str):
            raise InvalidInput(f"name must be a string, got {self.name!r}")
        self.check_time_step(self.time_step)

    @classmethod
    def preset(cls, name: str = "lif-hcs", **changes: Any) -> "LifParameters":
        """Return a preset, with some values changed: ``preset("lif-hcs", refractory_time=20e-3)``.

        Parameters
        ----------
        name
            "lif-hcs": membrane time and noise that `free_membrane` gives for the conductance-based
            neuron of the tutorial of `sbs`. That has 0.2 nF, a leak of 1 ms to -50 mV, and reversal
            potentials of 0 and -100 mV. One excitatory and one inhibitory source have 3 kHz and 1 nS.
            τ_syn = τ_ref = 10 ms, the threshold is -50 mV, the reset 1 µV below.
        **changes
            New values, as in `replace`.

        Raises
        ------
        InvalidInput
            For an unknown preset or parameter, or a value outside its range.
        """
        validate.one_of("preset", name, _BY_NAME)
        return _BY_NAME[name].replace(**changes) if changes else _BY_NAME[name]

    @staticmethod
    def presets() -> tuple[str, ...]:
        """Return the names of the presets."""
        return tuple(_BY_NAME)

    def replace(self, **changes: Any) -> "LifParameters":
        """Return a copy with some values changed; a changed preset is "custom" unless named.

        `noise_time` stays as it is unless it is named.

        Raises
        ------
        InvalidInput
            For an unknown parameter or a value outside its range.
        """
        return changed(self, changes, entry="LIF parameter", presets=_BY_NAME)

    def to_dict(self) -> dict[str, Any]:
        """Return the values for JSON, with a schema number; `forced` only if it is."""
        return document_of(self, KIND)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "LifParameters":
        """Return the parameters that `to_dict` wrote.

        Raises
        ------
        InvalidInput
            For an unknown or missing entry, or another schema.
        """
        return cls(
            **fields_from(
                cls, values, what="LIF parameters", entry="LIF parameter", schema=files.SCHEMAS[KIND]
            )
        )

    @property
    def noise_input(self) -> float:
        """Standard deviation of X [V]: σ sqrt(1 + τ_m/τ_noise), since the membrane smooths it."""
        return self.noise * sqrt(1 + self.membrane_time / self.noise_time)

    def check_time_step(self, time_step: float) -> float:
        """Return `time_step` [s] if the neuron can be integrated with it.

        Raises
        ------
        InvalidInput
            If it is longer than a quarter of the shortest time constant.
        """
        time_step = validate.positive("time_step", time_step, "s")
        shortest = min(TIME_CONSTANTS, key=lambda name: float(getattr(self, name)))
        limit = getattr(self, shortest) / STEPS_PER_TIME_CONSTANT
        if time_step > limit:
            raise InvalidInput(
                f"time_step must be at most {limit / ms:.3g} ms (a quarter of {shortest}), "
                f"got {time_step / ms:.3g} ms"
            )
        return time_step


_CHECKS = {
    "threshold": validate.number,
    "reset": validate.number,
    "noise": validate.non_negative,
}
TIME_CONSTANTS = ("membrane_time", "synaptic_time", "refractory_time", "noise_time")
"""Parameters that are times."""


class FreeMembrane(NamedTuple):
    """The membrane below threshold, under noise.

    Examples
    --------
    >>> from photinus.devices.lif import FreeMembrane
    >>> membrane = FreeMembrane(time_constant=1e-3, mean=-0.052, deviation=2e-3)
    >>> f"{membrane.deviation:g} V"
    '0.002 V'
    """

    time_constant: float
    """τ_eff = C/g_tot [s]."""
    mean: float
    """μ, mean potential [V]."""
    deviation: float
    """σ, standard deviation of the potential [V]."""


def free_membrane(
    *,
    capacitance: float,
    leak_conductance: float,
    leak_potential: float,
    synaptic_time: float,
    rates: Sequence[float],
    weights: Sequence[float],
    reversal_potentials: Sequence[float],
) -> FreeMembrane:
    """Return what Poisson noise through conductances makes of a free membrane.

    Parameters
    ----------
    capacitance
        C [F], > 0.
    leak_conductance
        g_l [S], > 0; C over the leak's time constant.
    leak_potential
        E_l [V].
    synaptic_time
        Time constant of all noise synapses [s], > 0.
    rates, weights, reversal_potentials
        For each source of noise: spike rate ν [1/s], conductance w [S] that a spike opens, both >= 0,
        and reversal potential E [V].

    Raises
    ------
    InvalidInput
        If a value is outside its range, or the three lists differ in length.

    Notes
    -----
    With mean conductances w ν τ_syn, and PSPs taken at the mean potential (Petrovici et al. 2016,
    Phys. Rev. E 94, 042312)::

        g_tot = g_l + Σ w ν τ_syn       τ_eff = C/g_tot       μ = (g_l E_l + Σ w ν τ_syn E)/g_tot
        S = w (E - μ)/(C (1/τ_eff - 1/τ_syn))
        σ² = Σ ν S² (τ_syn/2 + τ_eff/2 - 2 τ_eff τ_syn/(τ_eff + τ_syn))

    Here σ² = Σ ν (w (E - μ)/C)² (τ_eff τ_syn)²/(2 (τ_eff + τ_syn)). This is the same and does not
    divide by zero where both times are equal. A leak potential that is higher by x raises μ by x
    g_l/g_tot: drives of `LifNetwork` are mean free potentials, not leak potentials.

    Examples
    --------
    >>> from photinus.devices.lif import free_membrane
    >>> found = free_membrane(
    ...     capacitance=0.2e-9,
    ...     leak_conductance=0.2e-6,
    ...     leak_potential=-0.05,
    ...     synaptic_time=10e-3,
    ...     rates=(3000, 3000),
    ...     weights=(1e-9, 1e-9),
    ...     reversal_potentials=(0, -0.1),
    ... )
    >>> f"{found.time_constant:.2g} s, {found.mean:.3g} V, {found.deviation:.2g} V"
    '0.00077 s, -0.05 V, 0.001 V'
    """
    capacitance = validate.positive("capacitance", capacitance, "F")
    leak = validate.positive("leak_conductance", leak_conductance, "S")
    leak_potential = validate.number("leak_potential", leak_potential)
    tau = validate.positive("synaptic_time", synaptic_time, "s")
    validate.same_length("weights", weights, "rates", len(rates))
    validate.same_length("reversal_potentials", reversal_potentials, "rates", len(rates))
    sources = [
        (
            validate.non_negative("rate", rate, "1/s"),
            validate.non_negative("weight", weight, "S"),
            validate.number("reversal potential", reversal),
        )
        for rate, weight, reversal in zip(rates, weights, reversal_potentials, strict=True)
    ]
    total = leak + sum(weight * rate * tau for rate, weight, _ in sources)
    drawn = sum(weight * rate * tau * reversal for rate, weight, reversal in sources)
    mean = (leak * leak_potential + drawn) / total
    effective = capacitance / total
    jumps = sum(
        rate * (weight * (reversal - mean) / capacitance) ** 2 for rate, weight, reversal in sources
    )
    variance = jumps * (effective * tau) ** 2 / (2 * (effective + tau))
    return FreeMembrane(effective, mean, sqrt(variance))


def _tutorial() -> LifParameters:
    """Return the neuron of the tutorial of `sbs`, with its noise."""
    membrane = free_membrane(
        capacitance=0.2e-9,
        leak_conductance=0.2e-9 / (1 * ms),
        leak_potential=-50e-3,
        synaptic_time=10 * ms,
        rates=(3000, 3000),
        weights=(1e-9, 1e-9),
        reversal_potentials=(0, -100e-3),
    )
    return LifParameters(
        name="lif-hcs",
        membrane_time=membrane.time_constant,
        synaptic_time=10 * ms,
        refractory_time=10 * ms,
        threshold=-50e-3,
        reset=-50.001e-3,
        noise=membrane.deviation,
    )


_BY_NAME = {"lif-hcs": _tutorial()}

LIF_PRESETS = tuple(_BY_NAME)
"""Names of the LIF neurons that ship."""
PRESETS = LIF_PRESETS
"""Their name in version 0.1."""
