"""What Photinus needs of a device, as checks that anybody can run on theirs.

A device is known by its parameters; see `photinus.devices.Device`. The checks build small networks from
them, and simulate these: no calibration is needed.
"""

import json
import os
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import files
from photinus._core import gauge as gauges
from photinus.devices import (
    Network,
    Parameters,
    network_from_dict,
    parameters_from_dict,
    simulator,
)
from photinus.spikes.trains import SpikeTrains
from photinus.testing.neurons import (
    CHAINS,
    LABELS,
    NAMES,
    WINDOWS,
    DeviceSubject,
    check_refused,
    count,
    coupled_network,
    dense,
    device_subject,
    rates_of,
    same_spikes,
    step_of,
)
from photinus.testing.verdict import require, run_all


def check_device(parameters: Parameters, **options: Any) -> None:
    """Check that a device does what building, calibrating and sampling networks of it needs.

    Parameters
    ----------
    parameters
        Of one neuron; its device is found by the name in ``parameters.device``.
    **options
        What `photinus.devices.assemble` is to get instead of the usual: ``kernel``, ``window``.

    Raises
    ------
    Unfit
        With a sentence of each check that failed. All runs have fixed seeds, so a device that passes
        once passes again.

    Examples
    --------
    >>> from photinus.devices import preset
    >>> from photinus.testing import check_device
    >>> check_device(preset("lif-hcs"))  # doctest: +SKIP
    """
    run_all(DEVICE_CHECKS, device_subject(parameters, **options), str(parameters.device))


# What a neuron and a network are


def check_parameters(subject: DeviceSubject) -> None:
    """Check that parameters go through JSON and come back equal, and know their device."""
    parameters, device = subject.parameters, subject.device
    require(device.name == parameters.device, "a device must have the name that its parameters give")
    document = json.loads(files.to_json(parameters.to_dict()))
    require(parameters_from_dict(document) == parameters, "parameters must come back from to_dict")
    for name in device.presets:
        known = device.preset(name)
        require(known.device == device.name, f"preset {name!r} must be of the device")
        require(known.name == name, f"preset {name!r} must have this name, got {known.name!r}")


def check_setting(subject: DeviceSubject) -> None:
    """Check that what a calibration starts from is possible."""
    found = subject.setting
    low, high = found.bracket
    require(low < high, f"the bracket must rise, got {found.bracket}")
    require(low >= subject.device.least_drive, "the bracket must not begin below the smallest drive")
    for name in ("time_constant", "time_step", "window", "decay"):
        value = getattr(found, name)
        require(value is None or value > 0, f"{name} must be above 0, got {value}")
    steps = found.time_constant / found.time_step
    require(steps > 1, f"the time step must be below the time constant, which has {steps:g} of them")


def check_network_of_device(subject: DeviceSubject) -> None:
    """Check that a network has what it was built from, in files, too."""
    coupling = np.array([[0, 1.0, -0.5], [0.25, 0, 0], [0, -1.0, 0]]) * step_of(subject)
    network = subject.network(subject.levels[1], coupling)
    _check_network(subject, network, coupling)
    document = network_from_dict(network.to_dict())
    _check_network(subject, document, coupling)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "network.json")
        network.save(path)
        _check_network(subject, subject.device.load_network(path), coupling)
    other = network.driven(np.full(3, subject.levels[2]), 2 * coupling)
    require(np.allclose(other.drive, subject.levels[2]), "a driven copy must have the other drives")
    require(np.allclose(dense(other), 2 * coupling), "a driven copy must have the other couplings")
    _check_network(subject, network, coupling)
    require(len(network.settings()) == 3, "settings must say one thing of each neuron")


def _check_network(subject: DeviceSubject, network: Network, coupling: NDArray[np.float64]) -> None:
    require(network.device == subject.device.name, "a network must have the name of its device")
    require(network.parameters == subject.parameters, "a network must have the parameters given")
    require((network.labels, network.n_units) == (LABELS, 3), "a network must have the labels given")
    require(np.allclose(network.drive, subject.levels[1]), "a network must have the drives given")
    require(np.allclose(dense(network), coupling), "a network must have the couplings given")
    holding = np.allclose(network.holding[1], subject.levels[2])
    require(holding, f"holding must be the drives given, got {network.holding}")
    missing = [name for name in network.ARRAYS if name not in network.to_dict()]
    require(missing in ([], ["synapses"]), f"ARRAYS must be in to_dict, but {missing} are not")


# What a network does


def check_drive(subject: DeviceSubject) -> None:
    """Check that neurons are silent at low drive, fire at high drive, and are sorted and in range."""
    low, _, high = subject.levels
    network = subject.network([low, high, low])
    spikes = subject.run(network)
    rates = rates_of(spikes)
    require(rates[1] > 2, f"a neuron must fire at the upper end, got {rates[1]:g} spikes")
    quiet = max(rates[0], rates[2])
    require(quiet < 0.2 * rates[1], f"a neuron must be silent at the lower end, got {quiet:g} spikes")
    require(spikes.labels == LABELS, "spikes must have the labels of the network")
    order = np.lexsort((spikes.unit, spikes.time, spikes.chain))
    require(bool((order == np.arange(len(spikes))).all()), "spikes must be sorted by chain, then time")
    end = spikes.stop
    require(bool(spikes.time.min() >= 0 and spikes.time.max() <= end), "spikes must be within the run")
    require(abs(end - WINDOWS * network.window) < network.window, "a run must end where it was to end")


def check_couplings(subject: DeviceSubject) -> None:
    """Check that a neuron that fires excites or inhibits those behind its synapses."""
    _, middle, high = subject.levels
    alone = rates_of(subject.run(subject.network([high, middle, middle])))
    coupling = np.zeros((3, 3))
    coupling[1, 0], coupling[2, 0] = 4 * step_of(subject), -4 * step_of(subject)
    coupled = rates_of(subject.run(subject.network([high, middle, middle], coupling)))
    require(bool(coupled[1] > alone[1]), f"excitation must add spikes: {alone[1]:g}, {coupled[1]:g}")
    require(coupled[2] < alone[2], f"inhibition must cost spikes: {alone[2]:g}, {coupled[2]:g}")


def check_device_seed(subject: DeviceSubject) -> None:
    """Check that spikes depend on the seed, not on threads, nor on how many chains there are."""
    network = coupled_network(subject)
    first = subject.run(network, threads=1)
    require(len(first) > 0, "there must be spikes between silence and firing")
    require(same_spikes(first, subject.run(network, threads=1)), "a seed must give the same spikes")
    require(same_spikes(first, subject.run(network, threads=2)), "threads must not change spikes")
    require(not same_spikes(first, subject.run(network, seed=2)), "another seed must change spikes")
    few = subject.run(network, chains=5)
    mine = first.chain < 5
    alike = all(np.array_equal(getattr(first, name)[mine], getattr(few, name)) for name in NAMES)
    require(alike, "the first of more chains must be the same")


def check_pieces(subject: DeviceSubject) -> None:
    """Check that neither cutting the time nor a state that is restored changes spikes."""
    network = coupled_network(subject)
    options: dict[str, Any] = {"chains": 8, "seed": 1}
    whole = simulator(network, **options).advance(WINDOWS * network.window)
    cut = simulator(network, **options)
    parts = [cut.advance(4 * network.window)]
    state = {name: np.array(values) for name, values in cut.state().items()}
    parts.append(cut.advance(WINDOWS * network.window - cut.time))
    require(same_spikes(SpikeTrains.joined(parts), whole), "cutting the time must not change spikes")
    again = simulator(network, **options)
    again.restore(state)
    parts[1] = again.advance(WINDOWS * network.window - again.time)
    require(same_spikes(SpikeTrains.joined(parts), whole), "a restored state must go on with the same")
    check_refused(lambda: simulator(network, chains=9, seed=1).restore(state), "state")


def check_evidence(subject: DeviceSubject) -> None:
    """Check that known units keep their values, chain by chain, and that their partners feel it."""
    coupling = np.zeros((3, 3))
    coupling[1, 0] = 4 * step_of(subject)
    network = subject.network(subject.levels[1], coupling)
    known = np.arange(CHAINS) % 2
    for mode in ("pump", "laser"):
        evidence = {LABELS[0]: known}
        spikes = subject.run(network, evidence=evidence, evidence_mode=mode)
        partner = [count(spikes.unit[known[spikes.chain] == v] == 1) for v in (0, 1)]
        require(partner[1] > partner[0], f"partners must feel evidence ({mode!r}), got {partner}")
        spent = [count(spikes.unit[known[spikes.chain] == v] == 0) for v in (0, 1)]
        if mode == "pump":
            require(spent == [0, 0], f"a unit that is left out must have no spikes, got {spent}")
        else:
            require(5 * spent[0] < spent[1], f"a known unit must be silent or fire, got {spent}")


def check_gauge(subject: DeviceSubject) -> None:
    """Check that neurons that stand for 1 - z do the same work, told in z, in files, too."""
    if not subject.device.has_gauge:
        return
    bare, gauge = coupled_network(subject), np.array([True, False, True])
    network = bare.replace(gauge=gauge)
    for one in (network, network_from_dict(network.to_dict())):
        require(bool((gauges.of(one) == gauge).all()), "a network must keep its gauge")
    given, turned = ({LABELS[0]: value, LABELS[1]: 1} for value in (1, 0))
    for mode in ("pump", "laser"):
        told = subject.run(network, evidence=given, evidence_mode=mode)
        same = subject.run(bare, evidence=turned, evidence_mode=mode)
        require(same_spikes(told, same), f"evidence must reach neurons in their gauge ({mode!r})")
        z, y = (spikes.marginals(network.window) for spikes in (told, same))
        agree = np.allclose(z, np.where(gauge, 1 - y, y))
        require(agree, "spikes must carry the gauge, and be read out in z")


def check_heat(subject: DeviceSubject) -> None:
    """Check that drives can be changed and synapses attenuated while a network runs."""
    if not subject.device.can_heat:
        return
    low, middle, high = subject.levels
    network = subject.network(low)
    running = simulator(network, chains=CHAINS, seed=1)
    before = len(running.advance(WINDOWS * network.window))
    running.heat(np.full((CHAINS, 3), high - low), 1.0)
    hot = len(running.advance(WINDOWS * network.window))
    require(hot > 5 * before + CHAINS, f"raised drives must add spikes, got {hot} after {before}")
    coupling = np.zeros((3, 3))
    coupling[1, 0] = 4 * step_of(subject)
    network = subject.network([high, middle, middle], coupling)
    counts = []
    for strength in (1.0, 0.0):
        running = simulator(network, chains=CHAINS, seed=1)
        running.heat(np.zeros((CHAINS, 3)), strength)
        counts.append(rates_of(running.advance(WINDOWS * network.window))[1])
    require(bool(counts[0] > counts[1]), f"synapses at 0 must do nothing, got {counts[1]:g} spikes")


def check_device_refusals(subject: DeviceSubject) -> None:
    """Check that bad arguments raise InvalidInput, in words that name them."""
    network = subject.network(subject.levels[1])
    for options, word in (
        ({"chains": 0}, "chains"),
        ({"seed": -1}, "seed"),
        ({"threads": 0}, "threads"),
        ({"time_step": 0.0}, "time_step"),
        ({"time_step": 1e6 * subject.setting.time_constant}, "time_step"),
        ({"evidence": {"b": 1}}, "b"),
        ({"evidence": {"a": 2}}, "a"),
        ({"evidence": dict.fromkeys(LABELS, 1)}, "free"),
        ({"evidence_mode": "current"}, "evidence_mode"),
        ({"drive": np.zeros((2, 2))}, "drive"),
    ):
        given: dict[str, Any] = {"chains": 2, "seed": 1, **options}
        check_refused(lambda given=given: simulator(network, **given), word)  # type: ignore[misc]
    running = simulator(network, chains=2, seed=1)
    for duration in (0.0, -1.0, float("nan")):
        check_refused(lambda duration=duration: running.advance(duration), "duration")  # type: ignore[misc]
    level = subject.levels[1]
    for drive, coupling, word in (
        ([level, level, np.nan], None, "finite"),
        (level, np.zeros((2, 2)), "coupling"),
        (level, np.full((3, 3), np.inf), "coupling"),
    ):
        check_refused(lambda d=drive, c=coupling: subject.network(d, c), word)  # type: ignore[misc]


DEVICE_CHECKS: dict[str, Callable[[DeviceSubject], None]] = {
    "parameters": check_parameters,
    "setting": check_setting,
    "network": check_network_of_device,
    "drive": check_drive,
    "couplings": check_couplings,
    "seed": check_device_seed,
    "pieces": check_pieces,
    "evidence": check_evidence,
    "gauge": check_gauge,
    "heat": check_heat,
    "refusals": check_device_refusals,
}
"""What `check_device` runs, by title; each takes a `device_subject`."""
