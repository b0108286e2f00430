"""The search: an optimiser proposes devices, each is calibrated and measured, good ones are kept.

Optuna proposes devices for five aims at once: speed, energy, KL, how straight the log-odds are, and KL
with a synaptic delay. Speed is effective samples per second of chip time, energy the pump's for each of
them. Trials are kept as they finish, so that a search goes on where it stopped.

A device costs as little as tells it from others. One that does not spike, or not at random, is dropped
before its synapse is fitted. The others get calibrations of few chains, few draws, and the largest step
that the engine takes. The best of many noisy figures look better than they are. So devices on the front
are confirmed: measured again with full calibrations, other machines and other seeds.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from photinus._core import files, validate
from photinus._core.display import Displayed
from photinus._core.extras import optional
from photinus._core.progress import Progress, tracked
from photinus._core.results import Results
from photinus.calibration import calibrate
from photinus.calibration.straight import curvature
from photinus.devices.laser import LaserParameters, spike
from photinus.devices.laser.dynamics import instability_pump
from photinus.engines.laser.simulator import largest_time_step
from photinus.errors import InvalidInput, PhotinusError
from photinus.faces.explorer.measuring import CONFIRMED, SEARCH, Found, sampled
from photinus.faces.explorer.space import SPACE, around, inside, laser_of
from photinus.units import ps

if TYPE_CHECKING:
    import optuna

SCHEMA = 3
"""Raised when what is computed changes: trials of before do not count."""
KIND = "photinus-explorer-device"
CALIBRATION_CHAINS = 8
"""An eighth of what a calibration has by default: enough to tell devices apart."""
RANDOM_TRIALS = 60
"""Devices drawn at random before the optimiser learns from them."""
GOOD = 0.01
"""Largest mean KL [nats] of a device on the front."""
SYNAPSES = ("rectangle", "plain", "charge")
AIMS = ("maximize", "minimize", "minimize", "minimize", "minimize")
DELAY = 10 * ps
"""Synaptic delay of the last aim: 0.7 mm of silicon waveguide."""
NOTHING = (0.0, 1e-9, 10.0, 10.0, 10.0)
"""What the optimiser is told of a device that does not sample, so that it looks elsewhere."""
MEASURED = ("effective_draws_per_second", "energy", "kl")
AIMED = (*MEASURED, "bend", "kl_at_delay")
"""What JSON calls the aims."""
HEAD = ("device", "10⁶ samples/s", "fJ each", "KL [nats]", "bend", "KL at 10 ps", "τ [ns]", "why")
"""Names of the columns of `Exploration.rows`."""
CONFIRMED_HEAD = ("device, measured again", "10⁶ samples/s", "fJ each", "KL [nats]")
"""Names of the columns of `Exploration.confirmed_rows`."""


def _optuna() -> Any:
    """Return Optuna, silent about its trials."""
    found = optional("optuna", "explore", "exploring devices")
    found.logging.set_verbosity(found.logging.ERROR)
    return found


@dataclass(frozen=True, slots=True)
class Look:
    """How devices are looked at."""

    synapse: str = SYNAPSES[0]
    threads: int | None = None
    space: Mapping[str, tuple[float, float, bool]] = field(default_factory=SPACE.copy)
    """Where."""
    base: LaserParameters | None = None
    """What the space leaves open is as in this laser."""

    def laser(self, trial: Any) -> LaserParameters:
        """Return the laser of a trial."""
        return laser_of(trial.params, name_of(trial), self.base)


def measure(trial: "optuna.Trial", look: Look) -> tuple[float, ...]:
    """Return the five aims: effective samples per second, energy of each [J], KLs, curvature."""
    for name, (low, high, log) in look.space.items():
        trial.suggest_float(name, low, high, log=log)
    synapse, threads = look.synapse, look.threads
    try:
        laser = look.laser(trial)
        instability_pump(laser)
        spike(laser)
        trial.set_user_attr("excitable", True)
        step = largest_time_step(laser)
        calibration = calibrate(
            laser, synapse=synapse, chains=CALIBRATION_CHAINS, time_step=step, threads=threads
        )
        found = sampled(calibration, SEARCH, step, threads)
        delayed = sampled(calibration, SEARCH, step, threads, delay=DELAY)
    except PhotinusError as error:
        trial.set_user_attr("why_not", str(error))
        return NOTHING
    notes = {
        "window": calibration.window,
        "slope": calibration.slope / calibration.midpoint,
        "residual": calibration.residual,
        "network_kl": calibration.network_kl,
        "verdict": calibration.samples_or_pulses,
        "half_current": calibration.half_current,
        **asdict(found),
    }
    for name, value in notes.items():
        trial.set_user_attr(name, value)
    return (*found.means(), curvature(calibration), delayed.means()[2])


def confirm(
    laser: LaserParameters, synapse: str, calibration_file: Path, threads: int | None
) -> dict[str, Any]:
    """Return what a device does when it is measured at length; its calibration is kept."""
    calibration = calibrate(laser, synapse=synapse, threads=threads)
    calibration.save(calibration_file, replace=True)
    return asdict(sampled(calibration, CONFIRMED, None, threads))


def opened(
    path: Path,
    seed: int,
    first: Mapping[str, Mapping[str, float]],
    *,
    drawn: int = RANDOM_TRIALS,
    space: Mapping[str, tuple[float, float, bool]] = SPACE,
) -> "optuna.Study":
    """Return the search stored at `path`; a new one begins with the points of `first`, by name.

    Of the others, the first `drawn` are drawn at random.

    Raises
    ------
    InvalidInput
        If what is stored there is a search of another space.
    """
    optuna = _optuna()
    files.make_folder(path.parent)
    study = optuna.create_study(
        storage=f"sqlite:///{path}",
        study_name=f"explorer-{SCHEMA}",
        directions=AIMS,
        load_if_exists=True,
    )
    limits = {name: list(each) for name, each in space.items()}
    if study.user_attrs.get("space", limits) != limits:
        raise InvalidInput(f"{path} must hold a search of the same space: take a new folder")
    study.set_user_attr("space", limits)
    # A seed that moves on, so that a resumed search does not draw the same devices again.
    seed += len(study.trials)
    study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=drawn)
    known = {trial.user_attrs.get("called") for trial in study.trials}
    for name, point in first.items():
        if name not in known:
            study.enqueue_trial(dict(point), user_attrs={"called": name})
    return study


def finished(study: "optuna.Study") -> "list[optuna.trial.FrozenTrial]":
    """Return the devices that were looked at to the end."""
    complete = (_optuna().trial.TrialState.COMPLETE,)
    done: list[optuna.trial.FrozenTrial] = study.get_trials(deepcopy=False, states=complete)
    return done


def measured(study: "optuna.Study") -> "list[optuna.trial.FrozenTrial]":
    """Return those of them that sample."""
    return [t for t in finished(study) if "why_not" not in t.user_attrs]


def front(trials: "Sequence[optuna.trial.FrozenTrial]") -> "list[optuna.trial.FrozenTrial]":
    """Return the trials that no other beats in both rate and energy, the fastest first."""
    best: list[Any] = []
    for trial in sorted(trials, key=lambda t: (-t.values[0], t.values[1])):
        if not best or trial.values[1] < best[-1].values[1]:
            best.append(trial)
    return best


def straightest(study: "optuna.Study") -> "list[optuna.trial.FrozenTrial]":
    """Return good devices that no other beats in all aims, the straightest first."""
    best = [trial for trial in study.best_trials if trial.values[2] <= GOOD]
    return sorted(best, key=lambda trial: trial.values[3])


def candidates(study: "optuna.Study", most: int) -> "list[optuna.trial.FrozenTrial]":
    """Return the devices given first, then up to `most` of the front, spread along it."""
    sampling = measured(study)
    given = [t for t in sampling if "called" in t.user_attrs]
    best = [t for t in front([t for t in sampling if t.values[2] <= GOOD]) if t not in given]
    places = np.unique(np.linspace(0, len(best) - 1, min(most, len(best))).round().astype(int))
    return [*given, *(best[k] for k in places)]


def name_of(trial: Any) -> str:
    """Return what a device is called."""
    return str(trial.user_attrs.get("called") or f"device {trial.number}")


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Exploration(Displayed):
    """What a search found."""

    study: Any
    """Optuna's study, with every trial."""
    look: Look
    """How devices were looked at."""
    confirmed: Mapping[str, Found]
    """Devices measured again at length, by name."""

    @property
    def chosen(self) -> dict[str, LaserParameters]:
        """Devices given first, on the front, or beaten by none in all aims: name → laser."""
        trials = {trial.number: trial for trial in (*self._given(), *self._front(), *self._best())}
        return {name_of(t): self.look.laser(t) for t in trials.values()}

    def rows(self) -> list[tuple[str, ...]]:
        """Return these devices under `HEAD`, the fastest first."""
        return [
            (
                name_of(t),
                f"{1e-6 * t.values[0]:.3g}",
                f"{1e15 * t.values[1]:.3g}",
                *(f"{x:.2g}" for x in t.values[2:]),
                f"{1e9 * t.user_attrs['window']:.2g}",
                ", ".join(why),
            )
            for t, why in self._shown()
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return these devices for JSON, in SI units; those measured again with standard errors."""
        again = {
            name: {**dict(zip(MEASURED, found.means(), strict=True)), "errors": found.errors()}
            for name, found in self.confirmed.items()
        }
        return {
            "devices": [
                {
                    "device": name_of(t),
                    **dict(zip(AIMED, t.values, strict=True)),
                    "window": t.user_attrs["window"],
                    "why": why,
                    "measured_again": again.get(name_of(t)),
                }
                for t, why in self._shown()
            ]
        }

    def confirmed_rows(self) -> list[tuple[str, ...]]:
        """Return what was measured again, with standard errors over machines."""
        return [
            (
                name,
                *(
                    f"{scale * mean:.3g} ± {scale * error:.1g}"
                    for scale, mean, error in zip(
                        (1e-6, 1e15, 1), found.means(), found.errors(), strict=True
                    )
                ),
            )
            for name, found in self.confirmed.items()
        ]

    def _shown(self) -> list[tuple[Any, list[str]]]:
        """Return the trials that are shown, and why, the fastest first."""
        why: dict[int, list[str]] = {}
        groups = (("given", self._given()), ("front", self._front()), ("beaten by none", self._best()))
        for word, trials in groups:
            for trial in trials:
                why.setdefault(trial.number, []).append(word)
        chosen = [t for t in measured(self.study) if t.number in why]
        return [(t, why[t.number]) for t in sorted(chosen, key=lambda t: -t.values[0])]

    def _given(self) -> list[Any]:
        return [t for t in measured(self.study) if "called" in t.user_attrs]

    def _front(self) -> list[Any]:
        return front([t for t in measured(self.study) if t.values[2] <= GOOD])

    def _best(self) -> list[Any]:
        return straightest(self.study)


def explore(
    folder: str | os.PathLike[str],
    *,
    first: Sequence[LaserParameters] | None = None,
    within: float | None = None,
    devices: int = 40,
    drawn: int | None = None,
    confirmed: int = 0,
    synapse: str = SYNAPSES[0],
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | bool | None = None,
    tell: Callable[[str], None] | None = None,
) -> Exploration:
    """Look for lasers that sample fast, at little energy, and well; some seconds for each device.

    Parameters
    ----------
    folder
        Where the search is kept; the same call goes on there.
    first
        Lasers that are looked at first, such as yours; by default the default preset.
    within
        Factor, above 1, by which a laser may differ from the first one, number by number; by default
        all of `photinus.faces.explorer.space.SPACE` is searched.
    devices, drawn
        Devices in all, those of before included. So many are drawn at random before the optimiser
        learns, by default a third, and at most 60.
    confirmed
        Devices of the front that are measured again at length, beside the first ones; 0 for none.
    synapse
        "rectangle", "plain" or "charge".
    seed, threads, progress
        As in `photinus.sample`.
    tell
        Called with a line about each device that was looked at.

    Raises
    ------
    MissingDependency
        Without Optuna, which the extra "explore" installs.
    InvalidInput
        If an argument is out of its range, or the folder holds another search.

    Examples
    --------
    >>> from photinus import LaserParameters
    >>> from photinus.faces.explorer import explore
    >>> laser = LaserParameters.preset("high-beta")
    >>> found = explore("search", first=[laser], within=2.0, devices=30)  # doctest: +SKIP
    >>> found.chosen["device 12"]  # doctest: +SKIP
    """
    given = [LaserParameters.preset()] if first is None else list(first)
    for laser in given:
        validate.instance("every one of first", laser, LaserParameters)
    names = [laser.name for laser in given]
    if not names or len(set(names)) < len(names):
        raise InvalidInput(f"first must be lasers of different names, got {names!r}")
    devices = validate.integer("devices", devices, 1, 100_000)
    learned = min(RANDOM_TRIALS, devices // 3) if drawn is None else drawn
    learned = validate.integer("drawn", learned, 0)
    validate.integer("confirmed", confirmed, 0)
    validate.one_of("synapse", synapse, SYNAPSES)
    space = SPACE if within is None else around(given[0], validate.within("within", within, 1.001, 100))
    look = Look(synapse, threads, space, given[0])
    points = {laser.name: inside(laser, space) for laser in given}
    kept = Path(folder)
    study = opened(kept / f"{synapse}.sqlite3", seed, points, drawn=learned, space=space)
    with tracked(progress, "exploring", max(1, devices - len(finished(study)))) as advance:

        def done(_: Any, trial: Any) -> None:
            advance(1)
            if tell is not None:
                tell(f"{len(finished(study))}/{devices} {name_of(trial)}: {told(trial)}")

        while len(finished(study)) < devices:
            study.optimize(lambda trial: measure(trial, look), n_trials=1, callbacks=[done])
    return Exploration(study=study, look=look, confirmed=_confirmed(study, kept, confirmed, look))


def _confirmed(study: "optuna.Study", folder: Path, most: int, look: Look) -> dict[str, Found]:
    """Return candidates measured again at length; those measured before are read."""
    store, found = Results(folder, KIND, SCHEMA), {}
    for trial in candidates(study, most) if most else ():
        name = name_of(trial)
        file = f"{look.synapse}-{SCHEMA}-{name.replace(' ', '-')}"
        beside = folder / f"{file}.calibration.json"
        measuring = partial(confirm, look.laser(trial), look.synapse, beside, look.threads)
        result = store.get(file, measuring)
        found[name] = Found(result["rate"], result["energy"], result["kl"])
    return found


def told(trial: Any) -> str:
    """Return what a trial found, or why it found nothing."""
    if why := trial.user_attrs.get("why_not"):
        return str(why)
    if not trial.values:
        return "stopped"
    return "{:.3g} effective samples/s, {:.3g} J each, KL {:.2g}".format(*trial.values)
