"""LIF neurons with the names and units of PyNN, as its scripts and the files of `sbs` have them.

A file of `sbs` is a neuron's parameters, or a sampler's configuration: the neuron beside its noise
sources. Units are PyNN's: ms, mV, nF, µS, nA and spikes per second.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

from photinus._core import validate
from photinus.devices.lif.parameters import (
    STEPS_PER_TIME_CONSTANT,
    FreeMembrane,
    LifParameters,
    free_membrane,
)
from photinus.errors import InvalidInput
from photinus.units import ms, mV

NEEDED = ("cm", "tau_m", "tau_refrac", "tau_syn_E", "tau_syn_I", "v_rest", "v_reset", "v_thresh")
"""What every neuron must have."""
REVERSALS = ("e_rev_E", "e_rev_I")
"""What neurons with conductances have beside it."""
WITHOUT_EFFECT = ("i_offset", "tau_refrac_virtual", "pynn_model", "_type")
"""What is taken and changes nothing: the drive is set by translation, and the rest is naming."""
SOURCES = ("rates", "weights")
NOISE = (*SOURCES, "noise")
"""What its noise is told by."""
NANO = 1e-9
MICRO = 1e-6
LONGEST_STEP = 0.1 * ms


def is_pynn(document: Any) -> bool:
    """Return whether a document names a neuron as PyNN or `sbs` does.

    Examples
    --------
    >>> from photinus.devices.lif import is_pynn
    >>> is_pynn({"cm": 0.2, "tau_m": 1.0}), is_pynn({"membrane_time": 1e-3})
    (True, False)
    """
    return isinstance(document, Mapping) and ("neuron_parameters" in document or "tau_m" in document)


def from_pynn(document: Mapping[str, Any], *, name: str = "custom") -> LifParameters:
    """Return the neuron of PyNN's parameters, or of a file of `sbs`.

    Parameters
    ----------
    document
        Names and values of PyNN's IF_cond_exp or IF_curr_exp: cm [nF], tau_m, tau_refrac, tau_syn_E,
        tau_syn_I [ms], v_rest, v_reset, v_thresh [mV], and of conductances e_rev_E, e_rev_I [mV].
        Noise sources stand beside them: ``rates`` [1/s] and ``weights``, in µS or nA. Negative ones
        inhibit. In place of sources, ``noise`` is the standard deviation of the free membrane [V].
        Or the document of an `sbs` sampler, with ``neuron_parameters`` and ``source_config``.
    name
        What to call the neuron.

    Raises
    ------
    InvalidInput
        If an entry is missing or unknown, the synapses are not exponential, both synaptic times
        differ, or the noise is not known.

    Notes
    -----
    Conductances go through `free_membrane`. A source of current w and rate ν adds to the variance of
    the free membrane (Petrovici et al. 2016, Phys. Rev. E 94, 042312)::

        ν (w/C)² (τ_m τ_s)²/(2 (τ_m + τ_s))

    Examples
    --------
    >>> from photinus.devices.lif import LifParameters, from_pynn
    >>> cell = {"cm": 0.2, "tau_m": 1.0, "tau_refrac": 10.0, "tau_syn_E": 10.0, "tau_syn_I": 10.0}
    >>> potentials = {"v_rest": -50.0, "v_reset": -50.001, "v_thresh": -50.0}
    >>> reversal = {"e_rev_E": 0.0, "e_rev_I": -100.0}
    >>> noise = {"rates": [3000.0, 3000.0], "weights": [-0.001, 0.001]}
    >>> neuron = from_pynn({**cell, **potentials, **reversal, **noise})
    >>> preset = LifParameters.preset("lif-hcs")
    >>> f"{neuron.noise:.6f}" == f"{preset.noise:.6f}", neuron.reset == preset.reset
    (True, True)
    """
    values, noise = _parts(validate.instance("document", document, Mapping))
    if not str(values.get("pynn_model", "exp")).endswith("exp"):
        raise InvalidInput(
            f"pynn_model must have exponential synapses, got {validate.shown(values['pynn_model'])}"
        )
    cell = _cell(values)
    tau = cell["tau_syn_E"] * ms
    if cell["tau_syn_I"] != cell["tau_syn_E"]:
        raise InvalidInput(
            f"tau_syn_I must be tau_syn_E ({cell['tau_syn_E']:g} ms), got {cell['tau_syn_I']:g} ms"
        )
    membrane = _membrane(cell, noise, tau)
    times = (membrane.time_constant, tau, cell["tau_refrac"] * ms)
    return LifParameters(
        name=name,
        membrane_time=membrane.time_constant,
        synaptic_time=tau,
        refractory_time=cell["tau_refrac"] * ms,
        threshold=cell["v_thresh"] * mV,
        reset=cell["v_reset"] * mV,
        noise=membrane.deviation,
        time_step=min(LONGEST_STEP, *(each / STEPS_PER_TIME_CONSTANT for each in times)),
    )


def _parts(document: Mapping[str, Any]) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """Return the neuron and its noise, wherever a document has them."""
    if "neuron_parameters" not in document:
        neuron = {name: value for name, value in document.items() if name not in NOISE}
        return neuron, {name: document[name] for name in NOISE if name in document}
    calibration = document.get("calibration") or {}
    sources = document.get("source_config") or calibration.get("source_config") or {}
    neuron = validate.instance("neuron_parameters", document["neuron_parameters"], Mapping)
    return dict(neuron), validate.instance("source_config", sources, Mapping)


def _cell(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers that a neuron is made of, checked by name."""
    for name in values:
        validate.one_of("entry of a neuron", name, (*NEEDED, *REVERSALS, *WITHOUT_EFFECT))
    for name in NEEDED:
        if values.get(name) is None:
            raise InvalidInput(f"a neuron of PyNN must include {name}, which is missing")
    held = (*NEEDED, *(name for name in REVERSALS if values.get(name) is not None))
    cell = {name: validate.number(name, values[name]) for name in held}
    for name in ("cm", "tau_m", "tau_refrac", "tau_syn_E", "tau_syn_I"):
        validate.positive(name, cell[name])
    return cell


def _membrane(cell: Mapping[str, float], noise: Mapping[str, Any], tau: float) -> FreeMembrane:
    """Return the free membrane: with sources of noise, or a leak with noise of a given size."""
    capacitance, leak_time = cell["cm"] * NANO, cell["tau_m"] * ms
    rest = cell["v_rest"] * mV
    if "noise" in noise:
        return FreeMembrane(leak_time, rest, validate.positive("noise", noise["noise"], "V"))
    if any(noise.get(name) is None for name in SOURCES):
        raise InvalidInput("a neuron of PyNN must include rates and weights of its noise, or noise [V]")
    rates = _column("rates", noise["rates"])
    weights = _column("weights", noise["weights"])
    validate.same_length("weights", weights, "rates", len(rates))
    if all(name in cell for name in REVERSALS):
        potentials = (cell["e_rev_I"] * mV, cell["e_rev_E"] * mV)
        return free_membrane(
            capacitance=capacitance,
            leak_conductance=capacitance / leak_time,
            leak_potential=rest,
            synaptic_time=tau,
            rates=rates,
            weights=[abs(weight) * MICRO for weight in weights],
            reversal_potentials=[potentials[weight > 0] for weight in weights],
        )
    pairs = zip(rates, weights, strict=True)
    jumps = sum(rate * (weight * NANO / capacitance) ** 2 for rate, weight in pairs)
    deviation = leak_time * tau * sqrt(jumps / (2 * (leak_time + tau)))
    return FreeMembrane(leak_time, rest, deviation)


def _column(name: str, values: Any) -> Sequence[float]:
    """Return a list of numbers."""
    return [validate.number(name, value) for value in validate.listed(name, values)]
