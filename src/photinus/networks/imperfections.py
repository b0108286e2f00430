"""What fabrication, electronics and optics do to a network that was designed without fault.

Some imperfections change what the network is, once and for all: lasers that differ, couplings that come
out wrong, delays. `Imperfections.apply` turns a designed network into such a one, which any simulator
takes. The others happen while it runs: noise that all pumps share, spikes that the read-out misses or
makes up. `photinus.engines.disturbances` puts them around a simulator, between its steps.

Drift belongs to the first kind. A run lasts microseconds, and drift is a matter of milliseconds and
more. So within a run it stands still, and what counts is how far pumps and weights went since they were
set. Runs with rising `drift_time` are looks at a chip that samples for hours: each pump and weight
keeps its direction and goes further, by `drifted`.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.records import fields_from, settle
from photinus._core.streams import Seed, seed_sequence
from photinus.errors import InvalidInput
from photinus.networks.couplings import entries, is_sparse
from photinus.networks.drift import drifted
from photinus.networks.fabrication import (
    coupled_like,
    quantised,
    transmitted,
    with_compression,
    with_dead,
    with_thresholds,
    with_white_noise,
)
from photinus.networks.lasers import LaserNetwork
from photinus.units import Allowed, ns

DETECTION_FRACTION = 0.5
"""Height at which the read-out decides, in units of a spike's peak; see `photinus.calibration`."""
LIFETIMES = ("photon_lifetime", "gain_lifetime", "absorber_lifetime")
"""What `Imperfections.lifetime_mismatch` varies."""
MOST_BITS = 32
"""Of a weight; more than any converter has."""
_SHARE, _LOSS, _RATIO = Allowed("", 0.0, 1.0), Allowed("loss", 0.0, 1.0), Allowed("ratio", 0.0, 0.5)
_DELAY = Allowed("s", 0.0, 1e-6)
PLAUSIBLE = {
    "mismatch": _SHARE,
    "threshold_mismatch": _SHARE,
    "lifetime_mismatch": _SHARE,
    "efficiency_mismatch": _SHARE,
    "temperature": Allowed("K", -200.0, 200.0),
    "characteristic_temperature": Allowed("K", 10.0, 1e4),
    "weight_drift": _SHARE,
    "weight_drift_rate": Allowed("1/s", 0.0, 1e9),
    "weight_flicker": Allowed("", 0.0, 1e6),
    "pump_drift": _SHARE,
    "pump_drift_rate": Allowed("1/s", 0.0, 1e9),
    "pump_flicker": Allowed("", 0.0, 1e6),
    "drift_time": Allowed("s", 0.0, 1e10),
    "flicker_bandwidth": Allowed("Hz", 1e-9, 1e13),
    "coupling_loss": _LOSS,
    "splitter_loss": _LOSS,
    "crosstalk": _RATIO,
    "delay": _DELAY,
    "delay_spread": _DELAY,
    "detector_spread": _SHARE,
    "shared_pump_noise": _SHARE,
    "shared_pump_time": Allowed("s", 1e-14, 1e3, 1e-9),
    "lost_spikes": _SHARE,
    "spurious_rate": Allowed("1/s", 0.0, 1e11),
    "detector_noise": Allowed("", 0.0, 100.0),
    "detector_bandwidth": Allowed("Hz", 1e3, 1e14),
    "gain_compression": Allowed("", 0.0, 1.0),
    "driver_rise_time": Allowed("s", 0.0, 1e-6, 20e-12),
    "pump_noise_density": Allowed("1/Hz", 0.0, 1e-6, 1e-14),
    "pump_noise_corner": Allowed("Hz", 0.0, 1e11, 1e6),
    "thermal_resistance": Allowed("K/W", 0.0, 1e8, 3e5),
    "thermal_time": Allowed("s", 1e-9, 1.0, 1e-6),
}
"""What each imperfection can be; losses and crosstalk may be in decibels (``"3dB"``, ``"-20dB"``).
A read-out makes up one spike per 10 ps at most, less than a spike lasts. The longest delay is 200 m of
waveguide. T0 holds over less than 200 K."""
_ABOVE_ZERO = ("flicker_bandwidth", "shared_pump_time", "detector_bandwidth")


class _Draw(IntEnum):
    """What each child of the seed draws: append, never renumber."""

    MISMATCH = 0
    EFFICIENCY = 1
    DEAD = 2
    WEIGHT = 3
    PUMP = 4
    DELAY = 5
    DETECTOR = 6
    LIFETIME = 7
    THRESHOLD = 8


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Imperfections(Displayed):
    """Any combination of imperfections; by default there is none. Texts may have units: ``"2%"``.

    A *spread* s is the standard deviation of a logarithm, so that 0.05 means five per cent and no
    factor is negative. It is at most 1.

    Raises
    ------
    InvalidInput
        If a value is beyond what is physical.

    Examples
    --------
    >>> import photinus as ph
    >>> faults = ph.Imperfections(lost_spikes="5%", delay="30 ps", weight_bits=6)
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> samples = ph.sample(machine, imperfections=faults, chains=4, draws=30, seed=1)
    >>> built = ph.Imperfections(weight_bits=6).apply(ph.translate(machine, ph.Calibration.preset()), 1)
    >>> ph.Imperfections.from_dict(faults.to_dict()) == faults
    True
    """

    mismatch: float = 0.0
    """Spread of every parameter of the lasers' dynamics, see `LaserNetwork.mismatched`."""
    threshold_mismatch: float = 0.0
    """Spread of the threshold carriers of the lasers, by transparency and gain as with temperature."""
    lifetime_mismatch: float = 0.0
    """Spread of the lifetimes of photons, gain and absorber, each on its own."""
    efficiency_mismatch: float = 0.0
    """Spread of the carriers that each laser makes of its currents, pump and synapses alike."""
    temperature: float = 0.0
    """How much warmer the chip is than when it was calibrated [K]; below zero for cooler."""
    characteristic_temperature: float = 60.0
    """T0 of the threshold, N_th ∝ exp(T/T0) (Pankove 1968, IEEE J. Quantum Electron. 4, 119) [K],
    from 10 to 10 000."""
    dead: int = 0
    """Number of lasers that never fire, whichever they are."""
    weight_bits: int | None = None
    """Bits of a weight's magnitude, >= 1: 2^bits - 1 equal steps from zero to the largest coupling of
    the network; None for any value."""
    sign_bit: bool = False
    """Whether the sign takes one of the bits, then >= 2; otherwise it costs none, as with a pair of
    detectors that are subtracted."""
    weight_drift: float = 0.0
    """Spread of the weights, each on its own, where its size is known and not its law."""
    weight_drift_rate: float = 0.0
    """Standard deviation of the linear drift of weights, relative to them [1/s]."""
    weight_flicker: float = 0.0
    """Strength h of 1/f noise of the weights: relative one-sided spectral density h/f."""
    pump_drift: float = 0.0
    """Spread of the pumps, each on its own, where its size is known and not its law."""
    pump_drift_rate: float = 0.0
    """Standard deviation of the linear drift of pumps, relative to them [1/s]."""
    pump_flicker: float = 0.0
    """Strength h of 1/f noise of the pumps: relative one-sided spectral density h/f."""
    drift_time: float = 0.0
    """Time for which pumps and weights have drifted since they were set [s]; see `drifted`."""
    flicker_bandwidth: float = 1.0
    """Frequency up to which there is 1/f noise [Hz], > 0."""
    coupling_loss: float = 0.0
    """Part of the light that is lost between any two lasers, beyond what the weights allow for."""
    splitter_loss: float = 0.0
    """Part of the light that each splitter loses. A tree of ⌈log2 k⌉ of them feeds the k targets of a
    laser. That a target gets a k-th of the light is part of the design, this loss is not."""
    crosstalk: float = 0.0
    """Part of the light of a laser's waveguide that leaks into each neighbouring one, and is weighted
    there; at most ½. Waveguides lie in the order of the units. What comes back to the laser itself is
    left out: it arrives while that laser can't fire."""
    delay: float = 0.0
    """Delay of every synapse, beyond the network's [s]."""
    delay_spread: float = 0.0
    """Standard deviation of the delays, each synapse on its own [s]; none falls below zero."""
    detector_spread: float = 0.0
    """Spread of the photon number at which each detector sees a spike."""
    shared_pump_noise: float = 0.0
    """Relative standard deviation of the pump, one noise for all lasers of a chip (chain)."""
    shared_pump_time: float = 1 * ns
    """Correlation time of that noise, an Ornstein–Uhlenbeck process [s], > 0."""
    lost_spikes: float = 0.0
    """Probability that the read-out misses a spike. Synapses, which are light, still carry it."""
    spurious_rate: float = 0.0
    """Spikes that the read-out makes up, per laser [1/s]."""
    detector_noise: float = 0.0
    """Standard deviation of Gaussian noise at the decision, over the peak of a spike; costs spikes and
    makes some up, see `missed` and `made_up`."""
    detector_bandwidth: float = 20e9
    """Bandwidth of that noise, an ideal low-pass [Hz], > 0."""
    gain_compression: float = 0.0
    """ε of every laser, beyond its own: light burns a hole into the gain, which falls to half at 1/ε
    photons, see `LaserParameters.gain_compression`."""
    driver_rise_time: float = 0.0
    """Time in which drivers rise from 10 to 90 % [s]: a low pass of one pole for pumps and synapses."""
    pump_noise_density: float = 0.0
    """Relative one-sided spectral density S of the noise of each pump, white [1/Hz]."""
    pump_noise_corner: float = 0.0
    """Frequency below which that noise is 1/f [Hz]: its density is S (1 + corner/f)."""
    thermal_resistance: float = 0.0
    """Warming of a laser per heat that it makes [K/W], each laser by itself. Its threshold follows
    `characteristic_temperature`; the chip was calibrated with the heat of the mean laser."""
    thermal_time: float = 1e-6
    """Time constant of that warming [s]."""

    def __post_init__(self) -> None:
        for name, plausible in PLAUSIBLE.items():
            value = validate.number(name, getattr(self, name), plausible.unit)
            if name in _ABOVE_ZERO:
                validate.positive(name, value, plausible.unit)
            settle(self, **{name: plausible.check(name, value)})
        settle(self, dead=validate.integer("dead", self.dead, 0))
        for name in ("weight", "pump"):
            self._drift_of(name)  # raises now, not when it is applied
        if not isinstance(self.sign_bit, bool):
            raise InvalidInput(f"sign_bit must be True or False, got {self.sign_bit!r}")
        if self.weight_bits is not None:
            fewest = 2 if self.sign_bit else 1
            bits = validate.integer("weight_bits", self.weight_bits, fewest, MOST_BITS)
            settle(self, weight_bits=bits)

    def _drift_of(self, name: str) -> float:
        """Return the spread of weights or pumps, that of a known size and that of `drift_time`."""
        law = drifted(
            self.drift_time,
            linear=getattr(self, f"{name}_drift_rate"),
            flicker=getattr(self, f"{name}_flicker"),
            bandwidth=self.flicker_bandwidth,
        )
        if law > 1:
            raise InvalidInput(
                f"drift_time must leave {name}s a spread of at most 1, got {law:.3g} after "
                f"{self.drift_time:g} s"
            )
        return math.hypot(getattr(self, f"{name}_drift"), law)

    def _facts(self) -> dict[str, object]:
        return {
            each.name: value
            for each in fields(self)
            if (value := getattr(self, each.name)) != each.default
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Imperfections":
        """Return what `to_dict` wrote, or some of it; the rest is without fault."""
        return cls(**fields_from(cls, values, what="imperfections", entry="imperfection"))

    def to_dict(self) -> dict[str, Any]:
        """Return the values for JSON."""
        return asdict(self)

    @property
    def missed(self) -> float:
        """Probability that the read-out misses a spike, detector noise included.

        Noise at the peak pulls it below the decision height.
        """
        if self.detector_noise == 0:
            return self.lost_spikes
        margin = (1 - DETECTION_FRACTION) / self.detector_noise
        return 1 - (1 - self.lost_spikes) * (1 - 0.5 * math.erfc(margin / math.sqrt(2)))

    @property
    def made_up(self) -> float:
        """Rate of spikes that the read-out makes up [1/s], detector noise included.

        Gaussian noise of standard deviation σ, white up to B, crosses the height u upward
        B/√3 exp(-u²/2σ²) times a second (Rice 1945, Bell Syst. Tech. J. 24, 46).
        """
        if self.detector_noise == 0:
            return self.spurious_rate
        height = DETECTION_FRACTION / self.detector_noise
        return self.spurious_rate + self.detector_bandwidth / math.sqrt(3) * math.exp(-(height**2) / 2)

    @property
    def disturbs(self) -> bool:
        """Whether something happens during a run."""
        read_out = self.missed > 0 or self.made_up > 0
        return self.shared_pump_noise > 0 or self.flickers or self.thermal_resistance > 0 or read_out

    @property
    def flickers(self) -> bool:
        """Whether pumps have 1/f noise during a run."""
        return self.pump_noise_density > 0 and self.pump_noise_corner > 0

    def apply(self, network: LaserNetwork, seed: Seed = None) -> LaserNetwork:
        """Return the network as it comes out: all that does not change during a run.

        Parameters
        ----------
        network
            As designed (or with imperfections already, to which these are added).
        seed
            Integer, SeedSequence or None. Each imperfection draws separately: one more leaves
            those of the others as they are, and larger ones scale them.

        Raises
        ------
        InvalidInput
            If more lasers would be dead than there are, a laser leaves its range, or delays of
            sparse couplings would differ.
        """
        validate.instance("network", network, LaserNetwork)
        sequence = seed_sequence(seed)

        def normal(draw: _Draw, shape: tuple[int, ...] | int) -> NDArray[np.float64]:
            return np.random.default_rng(_child(sequence, draw)).standard_normal(shape)

        n = network.n_units
        if self.mismatch:
            network = network.mismatched(self.mismatch, seed=_child(sequence, _Draw.MISMATCH))
        if self.lifetime_mismatch:
            seed = _child(sequence, _Draw.LIFETIME)
            network = network.mismatched(self.lifetime_mismatch, seed=seed, names=LIFETIMES)
        if self.threshold_mismatch:
            own = np.exp(self.threshold_mismatch * normal(_Draw.THRESHOLD, n))
            network = with_thresholds(network, own)
        if self.temperature:
            factor = math.exp(self.temperature / self.characteristic_temperature)
            network = with_thresholds(network, np.full(n, factor))
        if self.dead:
            validate.integer("dead", self.dead, 0, n)
            order = np.random.default_rng(_child(sequence, _Draw.DEAD)).permutation(n)
            network = with_dead(network, order[: self.dead])
        coupling = quantised(network.coupling, self.weight_bits, self.sign_bit)
        if spread := self._drift_of("weight"):
            target, source, value = entries(coupling)
            # Drawn for every pair, so that a synapse keeps its deviation whatever others there are.
            error = np.exp(spread * normal(_Draw.WEIGHT, (n, n))[target, source])
            coupling = coupled_like(target, source, value * error, coupling)
        coupling = transmitted(
            coupling,
            crosstalk=self.crosstalk,
            coupling_loss=self.coupling_loss,
            splitter_loss=self.splitter_loss,
        )
        pump = network.pump
        if spread := self._drift_of("pump"):
            pump = pump * np.exp(spread * normal(_Draw.PUMP, n))
        if self.efficiency_mismatch:
            own = np.exp(self.efficiency_mismatch * normal(_Draw.EFFICIENCY, n))
            target, source, value = entries(coupling)
            pump = pump * own
            coupling = coupled_like(target, source, value * own[target], coupling)
        delay = network.delay + self.delay
        if self.delay_spread:
            if is_sparse(coupling):
                raise InvalidInput(
                    f"delay_spread must be 0 s where coupling is sparse, got {self.delay_spread:g}"
                )
            delay = np.maximum(delay + self.delay_spread * normal(_Draw.DELAY, (n, n)), 0.0)
        threshold = network.detection_threshold
        if self.detector_spread:
            threshold = threshold * np.exp(self.detector_spread * normal(_Draw.DETECTOR, n))
        network = network.replace(
            pump=pump, coupling=coupling, delay=delay, detection_threshold=threshold
        )
        return self._driven(network)

    def _driven(self, network: LaserNetwork) -> LaserNetwork:
        """Return a network with what drivers and bright light do to it."""
        rise_time = math.hypot(network.rise_time, self.driver_rise_time)
        network = network.replace(rise_time=rise_time)
        if self.gain_compression:
            network = with_compression(network, self.gain_compression)
        return with_white_noise(network, self.pump_noise_density)


def _child(sequence: np.random.SeedSequence, draw: _Draw) -> np.random.SeedSequence:
    """Return the seed of one imperfection; unlike `spawn`, always the same."""
    return np.random.SeedSequence(sequence.entropy, spawn_key=(*sequence.spawn_key, int(draw)))
