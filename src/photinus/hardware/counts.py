"""What happens on a chip of lasers, per second: counted in a run, or foreseen from rates alone."""

import contextlib
import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus.devices.laser import LaserParameters, instability_pump
from photinus.devices.synapse import SynapticKernel
from photinus.diagnostics.convergence import smallest_effective_draws
from photinus.engines.events import Number
from photinus.engines.jumps import simulate_jumps
from photinus.errors import InvalidInput, NotConverged
from photinus.hardware.chip import Delays
from photinus.hardware.receivers import Receiver, carriers_per_pulse, pulse_share
from photinus.networks.couplings import entries
from photinus.networks.lasers import LaserNetwork, is_of_lasers

if TYPE_CHECKING:
    from photinus.calibration import Calibration
    from photinus.samplers.samples import Samples

LIGHT_LIFETIMES, LIGHT_CHAINS = 100, 2
"""Length of the simulation of one laser that measures its light per spike."""
FEWEST_EFFECTIVE = 10
"""Effective draws per chain below which their number is not known: the chain is too short to tell."""

PER_COPY = (
    "lasers",
    "free",
    "synapses",
    "pump",
    "driving",
    "spikes",
    "synaptic_events",
    "photons",
)
"""What copies of a chip have, or do, each for itself."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Counts(Displayed):
    """Rates of one chip, on which every unit is one laser.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.hardware import Counts
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> counts = Counts.from_samples(ph.sample(machine, chains=4, draws=30, seed=1))
    >>> counts.lasers, f"{counts.updates:.1e} updates/s"
    (2, '1.8e+09 updates/s')
    >>> network = ph.translate(machine, ph.Calibration.preset())
    >>> Counts.from_rates(network, 5e8).lasers
    2
    >>> Counts.planned(ph.Calibration.preset(), lasers=9, synapses=72, weight=1.0).synapses
    72
    """

    parameters: LaserParameters
    """The laser as designed."""
    lasers: int
    """Lasers that run: all but those whose evidence is a constant pump of their partners."""
    free: int
    """Lasers whose units are not known: their states are what is sampled."""
    synapses: int
    """Directed couplings that are not zero."""
    window: float
    """State window τ [s]."""
    pump: float
    """Electrons of the pump current [1/s]."""
    driving: float
    """Electrons that synapses and evidence add to the pump or take from it [1/s]; both count."""
    spikes: float
    """[1/s]."""
    synaptic_events: float
    """Spikes times the synapses that each goes to [1/s]."""
    photons: float
    """Photons that leave the cavities in spikes, useful or not [1/s]."""
    effective_share: float | None = None
    """Effective draws per draw, None if unknown; a run with fewer than `FEWEST_EFFECTIVE` per chain
    doesn't tell."""
    kernel: SynapticKernel | None = None
    """Synapse, which tells the circuit; None if unknown, and then no one-shot is counted."""
    delays: Delays | None = None
    """Of the network's synapses; None if it has none."""

    def __post_init__(self) -> None:
        validate.instance("parameters", self.parameters, LaserParameters)
        if self.kernel is not None:
            validate.instance("kernel", self.kernel, SynapticKernel)

    @property
    def updates(self) -> float:
        """Unit updates per second: free lasers over the state window."""
        return self.free / self.window

    @property
    def states(self) -> float:
        """States of the network per second: one over the state window."""
        return 1.0 / self.window

    @property
    def receiver(self) -> Receiver | None:
        """Circuit of the synapses, None if unknown."""
        return None if self.kernel is None else Receiver.of(self.kernel)

    @property
    def one_shots(self) -> float:
        """Pulses that one-shots make, one per spike of a synapse that is not linear [1/s]."""
        if self.receiver is None or not self.synapses:
            return 0.0
        return self.receiver.one_shots * self.spikes

    @property
    def linear_receivers(self) -> int:
        """Receivers that amplify a linear filter's current: one per laser, or none if synapses are not.

        The others are on-off receivers, which decide once in a state window.
        """
        if self.receiver is None or self.receiver.one_shots or not self.synapses:
            return 0
        return self.lasers

    @property
    def effective(self) -> float | None:
        """Effective draws per second of chip time, None if unknown."""
        return None if self.effective_share is None else self.effective_share * self.states

    @property
    def optical_power(self) -> float:
        """Useful light of all spikes η_o h c / λ times the photons [W]."""
        return self.parameters.output_efficiency * self.parameters.photon_energy * self.photons

    @classmethod
    def from_samples(cls, samples: "Samples") -> "Counts":
        """Return what a run on lasers shows, the mean chip over its chains after burn-in.

        Copies at several temperatures (`photinus.Parallel`) are lasers like all others: they all count.

        Raises
        ------
        InvalidInput
            If the run was not on lasers, was heated in cycles, which keeps no spikes, or has no draws.
        """
        validate.instance("samples", samples, "Samples")
        network, spikes = samples.network, samples.spikes
        if not is_of_lasers(network):
            raise InvalidInput(f"ledger needs a run on lasers, got one on {samples.substrate!r}")
        if samples.activity is not None:
            return cls._of_copies(samples, network, samples.activity)
        if spikes is None or samples.window is None:
            raise InvalidInput("ledger needs a run that keeps its spikes, got a tempered one")
        if network.depression is not None:
            raise InvalidInput("ledger needs synapses without depression, whose pulses are all alike")
        if samples.draws == 0:
            raise InvalidInput("ledger needs at least 1 draw, got 0")
        start = samples.burn_in * samples.window
        time = samples.chains * samples.draws * samples.window
        kept = spikes.time > start
        counted = np.bincount(spikes.unit[kept], minlength=network.n_units)
        share = pulse_share(network.kernel, spikes.chain, spikes.unit, spikes.time)
        pulses = np.bincount(spikes.unit[kept], weights=share[kept], minlength=network.n_units)
        return cls._of_network(
            network,
            rates=counted / time,
            pulses=pulses / time,
            evidence=_mean_evidence(samples, network),
            driven=samples.attributes.get("clamp_mode") == "laser",
            effective_share=_share_of(samples),
        )

    @classmethod
    def _of_copies(
        cls, samples: "Samples", network: LaserNetwork, activity: NDArray[np.float64]
    ) -> "Counts":
        """Return what all copies of a chip do, draws of the cold one; `activity` of all, (unit,).

        Pumps are those of the cold copy, which the others are near, and every pulse counts as a whole.
        """
        copies = samples.tempering.copies  # type: ignore[union-attr]
        one = cls._of_network(
            network,
            rates=activity / copies,
            pulses=activity / copies,
            evidence=_mean_evidence(samples, network),
            driven=samples.attributes.get("clamp_mode") == "laser",
            effective_share=_share_of(samples),
        )
        more = {name: copies * getattr(one, name) for name in PER_COPY}
        return replace(one, **more)

    @classmethod
    def from_rates(
        cls, network: LaserNetwork, rates: ArrayLike, *, effective_share: float | None = None
    ) -> "Counts":
        """Return what a network would do whose lasers spike at given rates, before any run.

        Parameters
        ----------
        network
            The network, all of its lasers free.
        rates : float or array (unit,)
            Spike rate of each laser [1/s], >= 0.
        effective_share
            Effective draws per draw, in (0, 1], if known.

        Raises
        ------
        InvalidInput
            For a value outside its range.
        """
        validate.instance("network", network, LaserNetwork)
        given = validate.finite_array("rates", rates, (0, 1))
        if given.ndim and given.shape != (network.n_units,):
            raise InvalidInput(f"rates must have {network.n_units} entries, got {len(given)}")
        if (given < 0).any():
            raise InvalidInput(f"rates must be at least 0 per second, got {given.min():g}")
        each = np.broadcast_to(given, (network.n_units,))
        return cls._of_network(
            network,
            rates=each,
            pulses=each,
            evidence=np.full(network.n_units, np.nan),
            effective_share=_share(effective_share),
        )

    @classmethod
    def planned(
        cls,
        calibration: "Calibration",
        *,
        lasers: int,
        synapses: int,
        weight: float,
        activation: float = 0.5,
        effective_share: float | None = None,
    ) -> "Counts":
        """Return what a network of this size would do, by the calibration of its laser.

        Parameters
        ----------
        calibration
            Of the laser; gives pump and spike rate at `activation`.
        lasers, synapses
            Numbers of lasers, >= 1, and of directed couplings, >= 0.
        weight
            Mean size of the couplings, >= 0.
        activation
            Mean probability of being on, in the range of the calibration.
        effective_share
            Effective draws per draw, in (0, 1], if known.

        Raises
        ------
        InvalidInput
            For a value outside its range.
        """
        validate.instance("calibration", calibration, "Calibration")
        lasers = validate.integer("lasers", lasers, 1)
        synapses = validate.integer("synapses", synapses, 0, lasers * (lasers - 1))
        weight = validate.non_negative("weight", weight)
        known = np.isfinite(calibration.mean_interval) & (calibration.activation > 0)
        table = calibration.activation[known]
        activation = validate.number("activation", activation)
        if not table.min() <= activation <= table.max():
            raise InvalidInput(
                f"activation must be from {table.min():g} to {table.max():g}, which were measured, "
                f"got {activation:g}"
            )
        laser = calibration.laser
        order = np.argsort(table)
        drive = float(np.interp(activation, table[order], calibration.drive[known][order]))
        interval = np.interp(activation, table[order], calibration.mean_interval[known][order])
        rate = 1.0 / float(interval)
        pulse = carriers_per_pulse(calibration.kernel, laser)
        assert calibration.detection_threshold is not None  # a laser's
        pump = drive / laser.gain_lifetime
        light = photons_per_spike(laser, pump, calibration.detection_threshold)
        events = rate * synapses
        return cls(
            parameters=laser,
            lasers=lasers,
            free=lasers,
            synapses=synapses,
            window=calibration.window,
            pump=lasers * pump / laser.pump_efficiency,
            driving=events * calibration.slope * weight * pulse / laser.pump_efficiency,
            spikes=lasers * rate,
            synaptic_events=events,
            photons=lasers * rate * light,
            effective_share=_share(effective_share),
            kernel=calibration.kernel,
        )

    @classmethod
    def _of_network(
        cls,
        network: LaserNetwork,
        *,
        rates: NDArray[np.float64],
        pulses: NDArray[np.float64],
        evidence: NDArray[np.float64],
        driven: bool = False,
        effective_share: float | None = None,
    ) -> "Counts":
        """Return the counts of a network; `pulses` are full synaptic pulses per second of each laser.

        `evidence` is the mean value of each unit, nan for free units. If `driven`, it is a pump of the
        lasers themselves; otherwise a constant pump of their partners, and they do not run.
        """
        free = np.isnan(evidence)
        runs = np.full_like(free, True) if driven else free
        off, on = network.driven_pump
        supplied = network.supplied
        pump = np.where(free, supplied, off + (on - off) * np.nan_to_num(evidence))[runs]
        target, source, coupling = entries(network.coupling)
        used = runs[target]
        source, size = source[used], np.abs(coupling[used])
        designed = network.parameters
        steady = np.where(runs, 0.0, np.nan_to_num(evidence)) / designed.gain_lifetime
        per_pulse = carriers_per_pulse(network.kernel, designed)
        carriers = size @ (pulses * per_pulse + steady)[source]
        light = 0.0
        if rates.any():
            threshold = float(np.mean(network.detection_threshold))
            light = photons_per_spike(designed, float(supplied[free].mean()), threshold)
        return cls(
            parameters=designed,
            lasers=int(runs.sum()),
            free=int(free.sum()),
            synapses=len(source),
            window=network.window,
            pump=float(pump.sum()) / designed.pump_efficiency,
            driving=float(carriers) / designed.pump_efficiency,
            spikes=float(rates[runs].sum()),
            synaptic_events=float(rates[source].sum()),
            photons=float(rates[runs].sum()) * light,
            effective_share=effective_share,
            kernel=network.kernel,
            delays=Delays.of(network),
        )


def _mean_evidence(samples: "Samples", network: LaserNetwork) -> NDArray[np.float64]:
    """Return the mean value of each laser over chains, (unit,), nan for free ones."""
    evidence = samples.evidence.flipped(network.gauge)
    given = np.full(samples.machine.n_units, np.nan)
    given[evidence.positions] = evidence.values.mean(axis=0)
    return given


def _share_of(samples: "Samples") -> float | None:
    """Return the effective draws per draw, None if chains are too short to tell."""
    effective = smallest_effective_draws(samples.machine, samples.states)
    known = len(samples.free_units) > 0 and effective >= FEWEST_EFFECTIVE * samples.chains  # nan is not
    return effective / (samples.chains * samples.draws) if known else None


def _share(effective_share: float | None) -> float | None:
    if effective_share is None:
        return None
    share = validate.positive("effective_share", effective_share)
    if share > 1:
        raise InvalidInput(f"effective_share must be at most 1, got {share:g}")
    return share


@functools.lru_cache(maxsize=32)
def photons_per_spike(parameters: LaserParameters, pump: float, threshold: float) -> float:
    """Return the photons that leave a cavity in a mean spike, nan if the laser does not spike.

    Measured event by event (`simulate_jumps`) with a fixed seed at the pump [carriers/s], or where the
    quiet laser loses its stability if that is higher. Below, spikes are too rare to measure. A spike is
    one that the read-out sees, above `threshold` photons; light counts while there are more than half
    bleach the absorber. So flanks count, and what is emitted between spikes does not.
    """
    with contextlib.suppress(NotConverged):
        pump = max(pump, instability_pump(parameters))
    run = simulate_jumps(
        parameters,
        [pump],
        LIGHT_LIFETIMES * parameters.gain_lifetime,
        threshold=threshold,
        chains=LIGHT_CHAINS,
        seed=0,
        sample_every=1,
        threads=1,
    )
    if len(run.spikes) == 0:
        return float("nan")
    photons = run.samples[..., Number.PHOTONS].astype(np.float64)
    bright = photons > parameters.absorber_saturation_photons
    in_spikes = float(photons[bright].sum()) / photons.shape[-1] * run.spikes.duration
    return float(in_spikes * parameters.cavity_loss_rate / len(run.spikes))
