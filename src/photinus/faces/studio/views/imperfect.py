"""A chip with faults: how far it samples from its target, and what refinement brings back."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from photinus._core import validate
from photinus._core.records import settle
from photinus.devices import Network
from photinus.errors import InvalidInput
from photinus.faces.studio import refining, runs
from photinus.faces.studio.problems import Shelf
from photinus.faces.studio.views import network
from photinus.faces.studio.views.network import NetworkView
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.networks.imperfections import Imperfections
from photinus.samplers import Run

FAULTS = ("mismatch", "efficiency_mismatch", "coupling_loss", "lost_spikes", "delay", "temperature")
"""Imperfections with a slider, by the names that they have in `photinus.Imperfections`."""
MOST_UNITS = 12
"""Units of a machine that is refined while somebody waits."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Settings(network.Settings):
    """What can be set of a chip with faults."""

    chains: int = 32
    speed: float = 1000.0
    mismatch: float = 0.0
    efficiency_mismatch: float = 0.0
    weight_bits: int = 0
    """Bits of a weight; 0 for any value."""
    coupling_loss: float = 0.0
    lost_spikes: float = 0.0
    delay: float = 0.0
    temperature: float = 0.0

    def __post_init__(self) -> None:
        network.Settings.__post_init__(self)
        validate.one_of("substrate", self.substrate, ("laser",))
        settle(self, weight_bits=validate.integer("weight_bits", self.weight_bits, 0, 16))
        if self.evidence:
            raise InvalidInput(f"evidence must be empty for chips with faults, got {self.evidence!r}")
        self.imperfections()  # raises now

    def imperfections(self) -> Imperfections:
        """Return what is wrong."""
        faults = {name: getattr(self, name) for name in FAULTS}
        return Imperfections(**faults, weight_bits=self.weight_bits or None)


class ImperfectView(NetworkView):
    """A network as fabrication gives it, and refined when asked for."""

    NAME: ClassVar[str] = "imperfect"
    SETTINGS: ClassVar[type[network.Settings]] = Settings
    _settings: Settings

    def __init__(self, shelf: Shelf, values: Mapping[str, Any]) -> None:
        self._refining: refining.Refining | None = None
        self._refined: Network | None = None
        self._before: dict[str, Any] = {}
        self._said = ""
        super().__init__(shelf, values)

    def _run_of(
        self, settings: network.Settings, machine: BoltzmannMachine, known: dict[Hashable, int]
    ) -> Run:
        assert isinstance(settings, Settings)  # `SETTINGS`
        return runs.started(
            machine,
            settings.substrate,
            settings.laser,
            chains=settings.chains,
            seed=settings.seed,
            evidence=known,
            imperfections=settings.imperfections(),
            network=self._refined,
        )

    def change(self, values: Mapping[str, Any]) -> None:
        """Take other settings. All but the speed make another chip, which nobody has refined yet."""
        settings = self._read(values)
        same = replace(settings, speed=self._settings.speed) == self._settings
        if not same:
            kept, self._refined = self._refined, None
            try:
                super().change(values)
            except Exception:
                self._refined = kept
                raise
            self._forget()
        else:
            super().change(values)

    def _forget(self) -> None:
        """Leave what was refined."""
        self.close()
        self._refining, self._before, self._said = None, {}, ""

    def press(self, button: str) -> None:
        """Start again as fabricated, or refine."""
        if validate.one_of("button", button, ("reset", "refine")) == "reset":
            self._refined = None
            self._forget()
            super().press(button)
        elif self._refining is None or not self._refining.running:
            self._refine()

    def _refine(self) -> None:
        if self._machine.n_units > MOST_UNITS:
            raise InvalidInput(
                f"units must be at most {MOST_UNITS} to be refined while you wait, "
                f"got {self._machine.n_units}: photinus.refine takes any number"
            )
        self._refining = refining.Refining(
            self._machine,
            runs.calibration_for(self._settings.substrate, self._settings.laser),
            network=self._run.network,
            imperfections=self._settings.imperfections(),
            seed=self._settings.seed,
        )

    def advance(self, elapsed: float, budget: float) -> dict[str, Any]:
        """Go on; take the refined network as soon as there is one."""
        going = self._refining
        if going is not None and not going.running:
            self._refining = None
            self._refined, self._said = going.network(), going.reason()
            self._before = {
                f"before_{name}": values
                for name, values in self._tally.sampled().items()
                if name.startswith("kl")
            }
            self._start(self._settings)
        frame = super().advance(elapsed, budget)
        rounds = None if self._refining is None else self._refining.rounds
        return {**frame, "refining": rounds, "most_rounds": refining.ROUNDS}

    def about(self) -> dict[str, Any]:
        """Return what a network tells, and how it was refined."""
        refined = {"refined": self._refined is not None, "said": self._said}
        return {**super().about(), **self._before, **refined}

    def close(self) -> None:
        """End a refinement that goes on."""
        if self._refining is not None:
            self._refining.leave()

    def code(self) -> str:
        """Return Python that takes the same draws, after the same refinement."""
        settings = self._settings
        faults = {name: value for name in FAULTS if (value := getattr(settings, name))}
        faults |= {"weight_bits": settings.weight_bits} if settings.weight_bits else {}
        given = ", ".join(f"{name}={value!r}" for name, value in faults.items())
        head, _, tail = super().code().partition("samples = ")
        lines = f"faults = ph.Imperfections({given})\n"
        if self._refined is not None:
            lines += (
                f"calibration = ph.Calibration.preset({settings.laser!r})\n"
                "built = faults.apply(ph.translate(machine, calibration), "
                f"seed=np.random.SeedSequence({settings.seed}))\n"
                "refined = ph.refine(\n"
                "    machine, calibration, network=built, imperfections=faults,\n"
                f"    chains={refining.CHAINS}, draws={refining.DRAWS}, "
                f"most_rounds={refining.ROUNDS}, seed={settings.seed},\n)\n"
            )
        return f"{head}{lines}samples = {tail}"

    def _arguments(self) -> list[str]:
        refined = ["network=refined.network"] if self._refined is not None else []
        return [*super()._arguments(), "imperfections=faults", *refined]
