"""Photinus as a sampler of dimod, for programs that take any of these."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.extras import optional
from photinus._core.states import MAX_PER_RUN
from photinus._core.streams import Seed, entropy_text, seed_sequence
from photinus.calibration import Calibration
from photinus.errors import InvalidInput
from photinus.interop.bqm import on_and_off
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.samplers import registry
from photinus.samplers.exports import vectors
from photinus.samplers.samples import Samples
from photinus.samplers.sampling import sample

dimod = optional("dimod", "dimod", "a sampler of dimod")

CHAINS = 64
"""Chains that reads are spread over, where none has a start that was given."""
BURN_IN = 25
"""Draws before the first read of a chain."""
PARAMETERS = (
    "beta",
    "burn_in",
    "chains",
    "fidelity",
    "initial_states",
    "initial_states_generator",
    "num_reads",
    "seed",
)


class PhotonicSampler(Displayed, dimod.Sampler, dimod.Initialized):  # type: ignore[misc, name-defined]
    """Lasers, or another substrate, as a sampler of dimod.

    Samples of a binary quadratic model with energy H are drawn from p ∝ exp(-β H).

    Parameters
    ----------
    substrate
        As in `photinus.sample`; by default reduced lasers.
    calibration
        Of the laser, or of the integrate-and-fire neuron; by default that of the default preset.
    options
        Further arguments of `photinus.sample`, the same for each call: `gauge`, `threads`,
        `tempering`, `imperfections` …

    Raises
    ------
    InvalidInput
        For an unknown substrate, or an option that a call gives itself.
    MissingDependency
        If dimod is not installed.

    Examples
    --------
    >>> from photinus.interop.dimod import PhotonicSampler
    >>> sampler = PhotonicSampler("gibbs")
    >>> found = sampler.sample_ising({"a": 0.5}, {("a", "b"): -1}, num_reads=200, seed=1)
    >>> found.first.sample == {"a": -1, "b": -1}, float(found.first.energy)
    (True, -1.5)
    """

    def __init__(
        self,
        substrate: str = "laser-reduced",
        *,
        calibration: "Calibration | None" = None,
        **options: Any,
    ) -> None:
        registry.substrate(substrate)
        validate.instance("calibration", calibration, Calibration | None)
        taken = {"machine", "draws", "initial", "evidence", "clamp", *PARAMETERS}.intersection(options)
        if taken:
            raise InvalidInput(f"options must be given with each call, got {min(taken)!r} here")
        self._substrate = substrate
        self._options = {"calibration": calibration, **options}

    def _line(self) -> str:
        return repr(self._substrate)

    def _facts(self) -> dict[str, object]:
        return {"substrate": self._substrate, **self._options}

    @property
    def parameters(self) -> dict[str, list[str]]:
        """Keyword arguments of `sample`, each with the properties that bear on it."""
        return {name: [] for name in PARAMETERS}

    @property
    def properties(self) -> dict[str, Any]:
        """The substrate, and those that there are."""
        return {"substrate": self._substrate, "substrates": list(registry.names())}

    def sample(
        self,
        bqm: Any,
        *,
        num_reads: int | None = None,
        beta: float = 1.0,
        seed: Seed = None,
        initial_states: Any = None,
        initial_states_generator: str = "random",
        chains: int | None = None,
        burn_in: int = BURN_IN,
        fidelity: bool | None = None,
        **unknown: Any,
    ) -> Any:
        """Return samples of a binary quadratic model.

        Parameters
        ----------
        bqm : dimod.BinaryQuadraticModel
            Of spins or of 0/1 variables, with any labels.
        num_reads
            Samples to return; by default one per initial state, or one.
        beta
            Inverse temperature β > 0: weights and biases are those of β H.
        seed
            As in `photinus.sample`.
        initial_states, initial_states_generator
            States that chains start from, and how those are found that are missing: "none", "tile" or
            "random". There is one chain per read then. They are what dimod calls samples-like.
        chains
            Independent chains; reads are spread evenly over them, and over the draws of each. By
            default one per read, at most 64.
        burn_in
            Draws that each chain forgets its start in. Chains make at least as many draws after them.
        fidelity
            Whether to certify the run. By default for up to 20 variables, where that is quick.
        unknown
            Other arguments are left out with a warning, as samplers of dimod do.

        Returns
        -------
        dimod.SampleSet
            With energies by the model itself. Its vectors are `chain`, `draw`, and where there are
            lasers `time`, seconds on the chip. Where there are spikes, `dwell_time` is how long the
            chain stayed in that very state, before and after; as long as a state was recorded.
            `info` has the substrate, β, the seed, the certificate of the whole run, and timing: on the
            chip, and here.

        Raises
        ------
        InvalidInput
            If an argument is out of its range, or the device cannot be asked for the model.

        Warns
        -----
        TranslationWarning
            If the device cannot do what is asked for; see `photinus.sample`.
        """
        self.remove_unknown_kwargs(**unknown)
        begin = time.perf_counter()
        if not isinstance(bqm, dimod.BinaryQuadraticModel | dimod.DictBQM):
            raise InvalidInput(f"bqm must be a BinaryQuadraticModel, got {validate.shown(bqm)}")
        sequence = seed_sequence(seed)
        starts, reads = self._starts(bqm, num_reads, initial_states, initial_states_generator, sequence)
        count = _chains(chains, reads, starts is not None)
        if starts is not None:
            starts = starts[np.arange(count) % len(starts)]
        if fidelity is not None:
            validate.flag("fidelity", fidelity)
        burn_in = validate.integer("burn_in", burn_in, 0)
        info: dict[str, Any] = {
            "substrate": self._substrate,
            "beta": validate.positive("beta", beta),
            "seed_entropy": entropy_text(sequence),
        }
        if bqm.num_variables == 0:
            return dimod.SampleSet.from_samples_bqm((np.empty((reads, 0), np.int8), []), bqm, info=info)
        machine = machine_of(bqm, info["beta"])
        draws = max(-(-reads // count), burn_in)
        ready = time.perf_counter()
        samples = sample(
            machine,
            self._substrate,
            chains=count,
            draws=draws,
            burn_in=burn_in,
            seed=sequence,
            initial=starts,
            **self._options,
        )
        done = time.perf_counter()
        if fidelity or (fidelity is None and machine.n_units <= MAX_PER_RUN):
            info["fidelity"] = samples.fidelity().to_dict()
        info["timing"] = {
            "preprocessing_ns": round(1e9 * (ready - begin)),
            "sampling_ns": round(1e9 * (done - ready)),
            "postprocessing_ns": round(1e9 * (time.perf_counter() - done)),
            "chip_time": samples.physical_time,
        }
        return _sample_set(bqm, samples, reads, info)

    def _starts(
        self, bqm: Any, reads: int | None, states: Any, generator: str, seed: np.random.SeedSequence
    ) -> tuple[NDArray[np.uint8] | None, int]:
        """Return the states to start from, array (read, variable) of 0 and 1 or None, and the reads."""
        validate.one_of("initial_states_generator", generator, sorted(self._generators))
        if states is None:
            return None, validate.integer("num_reads", 1 if reads is None else reads, 1)
        if reads is not None:
            reads = validate.integer("num_reads", reads, 1)
        try:
            parsed = self.parse_initial_states(
                bqm,
                initial_states=states,
                initial_states_generator=generator,
                num_reads=reads,
                seed=int(seed.generate_state(1)[0]),
                copy_always=True,
            )
        except (ValueError, TypeError) as error:
            raise InvalidInput(f"initial_states must fit the model: {error}") from None
        given = parsed.initial_states
        order = [given.variables.index(variable) for variable in bqm.variables]
        return on_and_off("initial_states", given.record.sample[:, order]), parsed.num_reads


def machine_of(bqm: Any, beta: float) -> BoltzmannMachine:
    """Return the machine of p ∝ exp(-β H), its units in the order of the variables, numbered."""
    binary = dimod.BinaryQuadraticModel(bqm, dtype=np.float64).change_vartype("BINARY", inplace=False)
    linear, (rows, columns, values), _ = binary.to_numpy_vectors(variable_order=list(bqm.variables))
    return BoltzmannMachine.from_couplings(rows, columns, -beta * values, -beta * linear)


def _chains(chains: int | None, reads: int, started: bool) -> int:
    """Return how many chains make so many reads."""
    if chains is None:
        return reads if started else min(reads, CHAINS)
    return validate.integer("chains", chains, 1, reads)


def _sample_set(bqm: Any, samples: Samples, reads: int, info: Mapping[str, Any]) -> Any:
    """Return so many of the samples, spread evenly over the draws, those of one draw together."""
    per_chain = -(-reads // samples.chains)
    draws = ((np.arange(per_chain) + 1) * samples.draws) // per_chain - 1
    chain = np.tile(np.arange(samples.chains), per_chain)[:reads]
    draw = np.repeat(draws, samples.chains)[:reads]
    states = samples.states[chain, draw].astype(np.int8)
    if bqm.vartype is dimod.SPIN:
        states = 2 * states - 1
    found = {name: values[chain, draw] for name, values in vectors(samples).items()}
    return dimod.SampleSet.from_samples_bqm(
        (states, list(bqm.variables)), bqm, info=dict(info), sort_labels=False, **found
    )
