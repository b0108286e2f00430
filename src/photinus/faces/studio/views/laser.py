"""One laser: its traces with all noise, intervals beside the ideal neuron's, its activation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.records import fields_from, settle
from photinus.calibration import Calibration
from photinus.devices.laser import LaserParameters
from photinus.engines.laser import Simulator
from photinus.faces.studio import bench
from photinus.faces.studio.intervals import Intervals
from photinus.faces.studio.pace import Pace
from photinus.faces.studio.problems import Shelf
from photinus.faces.studio.runs import LASERS
from photinus.spikes.trains import Recording
from photinus.units import ns, ps

COPIES = 64
"""Chains at the pump that is shown, for the intervals: as many as are simulated together."""
PUMPS = 32
"""Pumps of the activation curve."""
EACH = 2
"""Chains at each of them."""
REACH = 8.0
"""Slopes α of the preset on either side of its midpoint that the activation goes over."""
SPAN = 1.76
"""Time on the wall that the traces go back [s], so that slower is closer."""
MOST_SPAN = 16.0
"""Longest time that they go back, in τ."""
SAMPLES = 2500
"""Samples of a whole trace; where there are more, the brightest of some stands for them."""
SHARE = 0.35
"""Part of the budget that the traces may take."""
LEAST = 0.5 * ns
"""Piece that is simulated at least."""
PHOTONS = (0.1, 1e6)
"""Photon numbers that nullclines go over."""
SILENT = 0.01
"""Share of time on below which a laser is called silent."""
ALIKE = 0.25
"""Distance from the ideal neuron's law of intervals up to which a laser is said to sample."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Settings(Displayed):
    """What can be set of one laser, in SI; None as in the preset."""

    laser: str = LASERS[0]
    pump: float | None = None
    """P τ_g over the carriers at threshold; that of log-odds 0 by default."""
    gain_lifetime: float | None = None
    absorber_lifetime: float | None = None
    quality: float | None = None
    beta: float | None = None
    absorption: float | None = None
    """Loss of the unbleached absorber over that of the cavity."""
    window: float | None = None
    """State window τ [s]."""
    speed: float = 10.0 * ns
    """Time of the laser for a second on the wall [s]."""
    seed: int = 0

    def __post_init__(self) -> None:
        validate.one_of("laser", self.laser, LASERS)
        settle(self, speed=validate.within("speed", self.speed, 1e-3 * ns, 1e3 * ns))
        settle(self, seed=validate.integer("seed", self.seed, 0, 2**32))
        for name in bench.KNOBS:
            if (given := getattr(self, name)) is not None:
                settle(self, **{name: validate.positive(name, given)})
        if self.window is not None:
            settle(self, window=validate.within("window", self.window, 1 * ps, 100 * ns))
        if self.pump is not None:
            settle(self, pump=validate.within("pump", self.pump, 0, 5))

    @property
    def knobs(self) -> dict[str, float]:
        """What is turned."""
        return {name: value for name in bench.KNOBS if (value := getattr(self, name)) is not None}


class LaserView:
    """A laser whose traces are shown, and copies of it that are counted."""

    def __init__(self, shelf: Shelf, values: Mapping[str, Any]) -> None:
        del shelf  # of machines
        self._start(self._read(values))

    @staticmethod
    def _read(values: Mapping[str, Any]) -> Settings:
        return Settings(**fields_from(Settings, values, what="settings", entry="setting"))

    def _start(self, settings: Settings) -> None:
        """Build the laser and its copies. What can fail comes first."""
        laser = bench.turned(settings.laser, settings.knobs)
        calibration = Calibration.preset(settings.laser)
        window = settings.window or calibration.window
        network = bench.alone(laser, settings.laser, window)
        scale = laser.threshold_carriers
        middle, slope = np.array([calibration.midpoint, calibration.slope]) / scale_of(calibration)
        pumps = np.linspace(max(0.0, middle - REACH * slope), middle + REACH * slope, PUMPS)
        drives = np.concatenate([np.full(COPIES, middle), np.repeat(pumps, EACH)]) * scale
        common: dict[str, Any] = {"seed": settings.seed, "threads": 1}
        trace = Simulator(network, drive=np.full((1, 1), middle * scale), **common)
        copies = Simulator(network, chains=len(drives), drive=drives[:, None], **common)
        self._settings, self._laser, self._network, self._window = settings, laser, network, window
        self._middle, self._pumps, self._trace, self._copies = middle, pumps, trace, copies
        self._paces = Pace(), Pace()
        self._due = 0.0
        self._activation = Intervals(PUMPS * EACH, window, 0.0)
        self._set_pump()

    @property
    def _pump(self) -> float:
        """P τ_g over the carriers at threshold."""
        return float(self._middle if self._settings.pump is None else self._settings.pump)

    @property
    def _span(self) -> float:
        """Time that the traces go back [s]."""
        return min(SPAN * self._settings.speed, MOST_SPAN * self._window)

    @property
    def _every(self) -> int:
        """Samples of which one is shown."""
        return max(1, int(self._span / SAMPLES / self._trace.grid))

    def _set_pump(self) -> None:
        """Go on with another pump, and count intervals from now on."""
        change = (self._pump - self._middle) * self._laser.threshold_carriers
        self._trace.heat(np.full((1, 1), change), 1.0)
        turned = np.arange(self._copies.chains)[:, None] < COPIES
        self._copies.heat(np.where(turned, change, 0.0), 1.0)
        self._intervals = Intervals(COPIES, self._window, self._copies.time)
        self.changed = True

    def change(self, values: Mapping[str, Any]) -> None:
        """Take other settings. Speed and pump go on with the same laser."""
        settings = self._read(values)
        before = self._settings
        if replace(settings, pump=before.pump, speed=before.speed) != before:
            self._start(settings)
            return
        self._settings = settings
        if settings.pump != before.pump:
            self._set_pump()

    def about(self) -> dict[str, Any]:
        """Return where the knobs stand, and what follows from them without noise."""
        laser, preset = self._laser, LaserParameters.preset(self._settings.laser)
        drive = self._pump * laser.threshold_carriers
        photons = np.geomspace(*PHOTONS, 240)
        light, carriers = bench.nullclines(laser, drive, photons)
        return {
            "view": "laser",
            "knobs": bench.values_of(laser),
            "preset": bench.values_of(preset),
            "pump": self._pump,
            "pump_range": [0.0, float(self._pumps[-1])],
            "window": self._window,
            "threshold": laser.threshold_carriers,
            "current": laser.current(drive / laser.gain_lifetime),
            "transparency": laser.absorber_transparency,
            "detection": self._network.detection_threshold,
            "alike": ALIKE,
            "pumps": self._pumps,
            "null_photons": photons,
            "null_light": light,
            "null_carriers": carriers,
            "judgement": Calibration.preset(self._settings.laser).samples_or_pulses,
        }

    def advance(self, elapsed: float, budget: float) -> dict[str, Any]:
        """Go on with the traces as far as asked for, and with the copies for the rest of the budget."""
        trace_pace, copies_pace = self._paces
        self._due += self._settings.speed * elapsed
        grid = self._trace.grid * self._every
        possible = max(1, int(trace_pace.fits(SHARE * budget, LEAST) / grid))
        wanted = int(self._due / grid)
        steps = min(wanted, possible)
        self._due = self._due - steps * grid if steps == wanted else 0.0
        frame: dict[str, Any] = {"span": self._span, "kept_up": steps == wanted}
        if steps:
            with trace_pace.timed(steps * grid):
                frame |= self._traced(steps * grid)
        piece = copies_pace.fits((1 - SHARE) * budget, LEAST)
        with copies_pace.timed(piece):
            spikes = self._copies.advance(piece)
        self._intervals.add(spikes)
        self._activation.add(spikes, COPIES)
        return {**frame, **self._counted()}

    def rest(self) -> float:
        """Return 0: copies are counted all the time."""
        return 0.0

    def _traced(self, duration: float) -> dict[str, Any]:
        """Return traces over a piece of time, as often as they can be seen."""
        start = self._trace.time
        recording = Recording(units=(0,), start=start, stop=start + 2 * duration + 1 * ns)
        spikes = self._trace.advance(duration, recording)
        seen = spikes.waveforms
        assert seen is not None  # it was recorded
        bright = brightest(seen.photons[0, 0], self._every)
        return {
            "trace_time": seen.time[bright],
            "photons": seen.photons[0, 0, bright],
            "gain": seen.gain_carriers[0, 0, bright],
            "absorber": seen.absorber_carriers[0, 0, bright],
        }

    def _counted(self) -> dict[str, Any]:
        """Return what is known of intervals and activation."""
        shares = self._activation.shares().reshape(PUMPS, EACH).mean(axis=1)
        on = float(np.mean(self._intervals.shares()))
        distance = self._intervals.distance()
        return {
            "density": self._intervals.density(),
            "ideal": self._intervals.ideal(),
            "intervals": self._intervals.count,
            "activation": shares,
            "on": on,
            "distance": distance,
            "verdict": verdict(on, distance),
        }

    def press(self, button: str) -> None:
        """Start again with the same seed."""
        validate.one_of("button", button, ("reset",))
        self._start(self._settings)

    def close(self) -> None:
        """Do nothing: nothing goes on by itself."""

    def code(self) -> str:
        """Return Python that simulates the same laser."""
        settings, network = self._settings, self._network
        preset = LaserParameters.preset(settings.laser).to_dict()
        changes = {
            name: value
            for name, value in self._laser.to_dict().items()
            if name not in ("name", "schema") and value != preset.get(name)
        }
        given = "".join(f", {name}={value!r}" for name, value in changes.items())
        pump = self._pump * self._laser.threshold_carriers / self._laser.gain_lifetime
        return (
            "import photinus as ph\n\n"
            f"laser = ph.LaserParameters.preset({settings.laser!r}{given})\n"
            "network = ph.LaserNetwork(\n"
            "    parameters=laser,\n"
            f"    pump=[{pump!r}],\n"
            "    coupling=[[0.0]],\n"
            f"    kernel=ph.Calibration.preset({settings.laser!r}).kernel,\n"
            f"    window={self._window!r},\n"
            f"    detection_threshold={network.detection_threshold!r},\n"
            "    driven_pump=(0.0, 0.0),\n"
            ")\n"
            "recording = ph.Recording(units=(0,), stop=20e-9)\n"
            f"spikes = ph.simulate(\n"
            f"    network, 200e-9, chains={COPIES}, seed={settings.seed}, recording=recording\n"
            ")\n"
            "(intervals,) = spikes.intervals()\n"
            "print(len(intervals), intervals.mean(), spikes.marginals(network.window).mean())\n"
        )


def scale_of(calibration: Calibration) -> float:
    """Return the carriers at threshold of the laser that was calibrated."""
    return float(calibration.laser.threshold_carriers)


def brightest(photons: NDArray[np.float32], every: int) -> NDArray[np.intp]:
    """Return the place of the brightest of each `every` samples, so that no spike is missed."""
    whole = len(photons) // every * every
    best = photons[:whole].reshape(-1, every).argmax(axis=1)
    return np.asarray(best + np.arange(0, whole, every))


def verdict(on: float, distance: float) -> str:
    """Return whether a laser samples, pulses or is silent; "" as long as nothing is known."""
    if not on >= 0:
        return ""
    if on < SILENT:
        return "silent"
    if not distance >= 0:
        return ""
    return "samples" if distance <= ALIKE else "pulses"
