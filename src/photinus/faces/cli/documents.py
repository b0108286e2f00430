"""Results for programs (``--json``): numbers as numbers, in SI units, where tables have words."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from photinus.devices import Network
    from photinus.samplers.samples import Samples
    from photinus.tasks.evaluation import Mixing


def of_run(samples: "Samples") -> dict[str, Any]:
    """Return what a run was."""
    from photinus._core.streams import entropy_of

    attributes, spikes = samples.attributes, samples.spikes
    seed = attributes.get("seed_entropy")
    return {
        "substrate": samples.substrate,
        "method": attributes.get("method"),
        "units": samples.machine.n_units,
        "chains": samples.chains,
        "draws": samples.draws,
        "burn_in": samples.burn_in,
        "seed": None if seed is None else entropy_of(seed),
        "complete": samples.complete,
        "evidence": samples.evidence.to_dict() if samples.evidence else {},
        "imperfections": attributes.get("imperfections", {}),
        "flipped": [] if samples.network is None else flipped(samples.network),
        "physical_time": samples.physical_time,
        "spikes": None if spikes is None else len(spikes),
    }


def flipped(network: "Network") -> list[str]:
    """Return the units whose complement a neuron stands for."""
    from photinus._core import gauge as gauges

    flips = gauges.of(network)
    return [str(unit) for unit, flip in zip(network.labels, flips, strict=True) if flip]


def of_drives(network: "Network") -> dict[str, Any]:
    """Return what neurons are set to: pump currents [A], potentials [V], or drives of other devices."""
    from photinus.devices import device_of
    from photinus.networks.lasers import is_of_lasers

    drives = network.currents if is_of_lasers(network) else network.drive
    return {
        "drives": dict(zip(map(str, network.labels), drives.tolist(), strict=True)),
        "drive_name": device_of(network).drive_name,
    }


def of_mixing(mixing: "Mixing", wall: float) -> dict[str, Any]:
    """Return how a dream mixes; `wall` is the time that the simulation took [s]."""
    return {
        "classes": len(mixing.histogram),
        "classes_seen": mixing.visited,
        "draws_until_all_seen": mixing.all_visited,
        "histogram": mixing.histogram,
        "entropy": mixing.entropy,
        "entropy_error": mixing.entropy_error,
        "confidence": mixing.confidence,
        "changes_per_draw": mixing.switches,
        "energy_time": mixing.energy_time,
        "effective_draws": mixing.effective_draws,
        "wall_time": wall,
        "changes_per_second_on_chip": mixing.switch_rate,
        "effective_draws_per_second_on_chip": mixing.effective_rate,
    }
