"""A network that samples: raster, states, marginals and the divergence against time on the chip."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from photinus._core import gauge as gauges
from photinus._core import validate
from photinus._core.display import Displayed, cut
from photinus._core.records import fields_from, settle
from photinus.errors import InvalidInput
from photinus.faces.studio import runs
from photinus.faces.studio.pace import Pace
from photinus.faces.studio.problems import Shelf
from photinus.faces.studio.tally import Tally
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.samplers import Piece, Run

SPAN = 60
"""Draws of the first chain that a frame holds at most: what the raster shows."""
MOST_CHAINS = 256
MOST_EDGES = 1000
"""Couplings that are drawn, the strongest ones."""
MOST_ADDED = 20_000
"""Couplings up to which energies are added up one by one."""
SPEED = (0.5, 1e6)
"""Draws per second and chain that can be asked for."""
KNOWN = {"0": 0, "1": 1}
FREE = "-"


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Settings(Displayed):
    """What can be set of a network."""

    problem: str = ""
    """Name of a problem; the shelf's first one by default."""
    own: str = ""
    """What was built by hand, see `photinus.faces.studio.own`; of the problem of this name only."""
    substrate: str = "laser"
    laser: str = runs.LASERS[0]
    chains: int = 16
    seed: int = 0
    speed: float = 200.0
    """Draws per second and chain."""
    evidence: str = ""
    """A letter for each unit, 0, 1 or - for a free one; nothing if all are free."""

    def __post_init__(self) -> None:
        validate.one_of("substrate", self.substrate, runs.MOST_LANES)
        validate.one_of("laser", self.laser, runs.LASERS)
        settle(self, chains=validate.integer("chains", self.chains, runs.LEAST_CHAINS, MOST_CHAINS))
        settle(self, seed=validate.integer("seed", self.seed, 0, 2**32))
        settle(self, speed=validate.within("speed", self.speed, *SPEED))
        if not isinstance(self.evidence, str) or set(self.evidence) - {*KNOWN, FREE}:
            raise InvalidInput(
                f"evidence must be 0, 1 or - for each unit, got {validate.shown(self.evidence)}"
            )

    def known(self, labels: tuple[Hashable, ...]) -> dict[Hashable, int]:
        """Return the evidence by label."""
        if len(self.evidence) not in (0, len(labels)):
            raise InvalidInput(
                f"evidence must have {len(labels)} letters, one for each unit, got {len(self.evidence)}"
            )
        pairs = zip(labels, self.evidence, strict=bool(self.evidence))
        return {label: KNOWN[letter] for label, letter in pairs if letter != FREE}


class NetworkView:
    """A machine on a substrate, drawn from as fast as is asked for, or as this computer can."""

    NAME: ClassVar[str] = "network"
    SETTINGS: ClassVar[type[Settings]] = Settings
    _starts = 0

    def __init__(self, shelf: Shelf, values: Mapping[str, Any]) -> None:
        self._shelf = shelf
        self._start(self._read(values))

    def _read(self, values: Mapping[str, Any]) -> Settings:
        given = fields_from(self.SETTINGS, values, what="settings", entry="setting")
        return self.SETTINGS(**{"problem": self._shelf.first, **given})

    def _start(self, settings: Settings) -> None:
        """Start from the first draw. What can fail comes first, so that a view in use stays whole."""
        problem = self._shelf.problem(settings.problem, settings.own)
        machine = problem.machine()
        known = settings.known(machine.labels)
        run = self._run_of(settings, machine, known)
        free = np.array([k for k, label in enumerate(machine.labels) if label not in known], np.intp)
        tally = Tally(machine.conditional(known), free, settings.chains)
        self._settings, self._machine, self._run = settings, machine, run
        self._problem = problem
        self._known, self._free, self._tally = known, free, tally
        self._edges = np.nonzero(np.triu(machine.weights, 1))
        self._due, self._pace = 1.0, Pace()
        self._starts += 1
        self.changed = True

    def _run_of(self, settings: Settings, machine: BoltzmannMachine, known: dict[Hashable, int]) -> Run:
        """Return a run before its first draw."""
        return runs.started(
            machine,
            settings.substrate,
            settings.laser,
            chains=settings.chains,
            seed=settings.seed,
            evidence=known,
        )

    def change(self, values: Mapping[str, Any]) -> None:
        """Take other settings. All but the speed start again."""
        settings = self._read(values)
        if replace(settings, speed=self._settings.speed) == self._settings:
            self._settings = settings
        else:
            self._start(settings)

    def about(self) -> dict[str, Any]:
        """Return the machine, what is exact of it, and what the device cannot do."""
        machine, settings = self._machine, self._settings
        window = self._run.window
        return {
            "view": self.NAME,
            "problem": settings.problem,
            "titles": self._shelf.titles(),
            "text": self._problem.text,
            "labels": [cut(str(label), 24) for label in machine.labels],
            "free": self._free,
            "window": window,
            "draws": self._tally.draws,
            "start": self._starts,
            "flipped": self._flipped(),
            "outside": self._run.outside(),
            **self._graph(),
            **self._tally.exact(),
        }

    def _flipped(self) -> NDArray[np.uint8]:
        """Return for each unit whether its neuron stands for 1 - z, so that a spike means off."""
        network = self._run.network
        flips = () if network is None else gauges.of(network)
        return gauges.checked(flips, self._machine.n_units).astype(np.uint8)

    def _graph(self) -> dict[str, NDArray[Any]]:
        """Return biases, and the strongest couplings as (from, to) with their weights."""
        weights = self._machine.weights[self._edges]
        strongest = np.sort(np.argsort(-np.abs(weights), kind="stable")[:MOST_EDGES])
        return {
            "biases": self._machine.biases,
            "edges": np.stack(self._edges, axis=1)[strongest],
            "weights": weights[strongest],
        }

    def _energy(self, states: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the energies of states (draw, unit), coupling by coupling.

        A product of whole matrices would wake all threads of the linear algebra, frame by frame.
        """
        first, second = self._edges
        if len(first) > MOST_ADDED:
            return self._machine.energy(states)
        both = states[:, first] & states[:, second]
        return -(states @ self._machine.biases) - both @ self._machine.weights[self._edges]

    def advance(self, elapsed: float, budget: float) -> dict[str, Any]:
        """Take the draws that are due, as far as the budget goes."""
        self._due += self._settings.speed * elapsed
        possible = int(self._pace.fits(budget, 1))
        draws = min(int(self._due), possible)
        # What this computer cannot keep up with is dropped: a view never catches up later.
        self._due = min(self._due - draws, 1.0)
        frame: dict[str, Any] = {"kept_up": draws < possible}
        if not draws:
            return frame  # all else is as it was
        frame |= self._drawn(draws)
        tally = self._tally
        window = self._run.window
        return {
            **frame,
            "draws": tally.draws,
            "chip_time": None if window is None else tally.draws * window,
            **tally.sampled(),
        }

    def rest(self) -> float:
        """Return the time until the next draw is due."""
        return max(0.0, (1.0 - self._due) / self._settings.speed)

    def _drawn(self, draws: int) -> dict[str, Any]:
        """Take draws and return what the raster shows of them."""
        before = self._tally.draws
        with self._pace.timed(draws):
            piece = self._run.advance(draws, lambda _: None)
        self._tally.add(piece.states)
        states = piece.states[0, -SPAN:]
        return {
            "first": before + draws - len(states),
            "states": states,
            "energy": self._energy(states),
            **self._spikes(piece, before + draws),
            **self._noted(piece),
        }

    def _noted(self, piece: Piece) -> dict[str, Any]:
        """Return what else a view shows of the draws."""
        return {}

    def _spikes(self, piece: Piece, draws: int) -> dict[str, Any]:
        """Return the latest spikes of the first chain; their times are in τ since the first draw."""
        window = self._run.window
        if piece.spikes is None or window is None:
            return {}
        mine = piece.spikes.of_chains(0, 1)
        at = mine.time / window - runs.BURN_IN
        latest = at > draws - SPAN
        return {"spike_unit": mine.unit[latest], "spike_time": at[latest]}

    def press(self, button: str) -> None:
        """Start again with the same seed."""
        validate.one_of("button", button, ("reset",))
        self._start(self._settings)

    def close(self) -> None:
        """Do nothing: nothing goes on by itself."""

    def code(self) -> str:
        """Return Python that takes the same draws."""
        lines = "".join(f"    {argument},\n" for argument in self._arguments())
        return (
            "import numpy as np\n\nimport photinus as ph\n\n"
            f"{self._problem.code}\n"
            f"samples = ph.sample(\n    machine,\n    {self._settings.substrate!r},\n{lines})\n"
            "print(samples.states.mean(axis=(0, 1)))  # what the studio counts\n"
            "print(samples.marginals())  # the same over time, where there are spikes\n"
        )

    def _arguments(self) -> list[str]:
        """Return the arguments of `photinus.sample` after the substrate."""
        settings = self._settings
        arguments = [
            f"chains={settings.chains}",
            f"draws={max(self._tally.draws, runs.BURN_IN)}",
            f"burn_in={runs.BURN_IN}",
            f"seed={settings.seed}",
        ]
        if self._known:
            arguments.append(f"evidence={self._known!r}")
        calibration = runs.calibration_for(settings.substrate, settings.laser)
        if calibration is not None:
            arguments.append(f"calibration=ph.Calibration.preset({calibration.parameters.name!r})")
        return arguments
