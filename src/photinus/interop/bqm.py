"""Models of dimod, which is not imported unless it has to make one."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.extras import optional
from photinus.errors import InvalidInput
from photinus.interop.quadratic import Quadratic, of_machine
from photinus.machines.boltzmann import BoltzmannMachine

VARTYPES = ("BINARY", "SPIN")


def from_dimod(model: Any, beta: float = 1.0) -> BoltzmannMachine:
    """Return the machine of p(x) ∝ exp(-βE(x)), E of a `BinaryQuadraticModel`.

    Labels are the model's variables. An offset does not change p; `energy_off` tells it.

    Parameters
    ----------
    model
        A ``BinaryQuadraticModel`` of spins or of binary variables.
    beta
        Inverse temperature β > 0.

    Raises
    ------
    InvalidInput
        If it is something else, has no variable, or holds numbers that are not finite.

    Examples
    --------
    >>> import dimod
    >>> from photinus.interop import from_dimod
    >>> model = dimod.BinaryQuadraticModel({"a": -0.5, "b": 1}, {"ab": -1}, 0, "BINARY")
    >>> from_dimod(model).biases
    array([ 0.5, -1. ])
    """
    return _energy(model).machine(beta)


def energy_off(model: Any) -> float:
    """Return the energy that a `BinaryQuadraticModel` has where all variables are 0, or all -1.

    A machine has the energy 0 there. With it, `to_dimod` gives a model of the same energies back.

    Examples
    --------
    >>> import dimod
    >>> from photinus.interop import energy_off
    >>> energy_off(dimod.BinaryQuadraticModel({"a": 1.0}, {}, 0.5, "SPIN"))
    -0.5
    """
    return _energy(model).energy_off()


def _energy(model: Any) -> Quadratic:
    vartype = getattr(getattr(model, "vartype", None), "name", None)
    linear, quadratic = getattr(model, "linear", None), getattr(model, "quadratic", None)
    if vartype not in VARTYPES or not isinstance(linear, Mapping) or not isinstance(quadratic, Mapping):
        raise InvalidInput(f"model must be a BinaryQuadraticModel, got {validate.shown(model)}")
    place = {label: k for k, label in enumerate(linear)}
    pairs = np.array([(place[u], place[v]) for u, v in quadratic], np.intp).reshape(-1, 2)
    return Quadratic.of(
        tuple(place),
        _numbers("linear biases", linear.values()),
        (pairs[:, 0], pairs[:, 1], _numbers("quadratic biases", quadratic.values())),
        model.offset,
        spin=vartype == "SPIN",
    )


def _numbers(name: str, values: Iterable[Any]) -> NDArray[np.float64]:
    """Return numbers of any kind as an array; a model of dimod may hold objects."""
    return np.array([validate.number(name, value) for value in values])


def to_dimod(machine: BoltzmannMachine, vartype: str = "BINARY", *, energy_off: float = 0.0) -> Any:
    """Return a machine as a `BinaryQuadraticModel` whose energies are those of the machine.

    Parameters
    ----------
    machine
        Its labels become the variables.
    vartype
        "BINARY" or "SPIN".
    energy_off
        Energy of the state of all units off.

    Raises
    ------
    InvalidInput
        If dimod cannot take a label, as infinity.
    MissingDependency
        If dimod is not installed.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.interop import to_dimod
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
    >>> model = to_dimod(machine)
    >>> model.energy({"rain": 1, "wet": 1}), -0.5
    (np.float64(-0.5), -0.5)
    """
    dimod = optional("dimod", "dimod", "a model of dimod")
    validate.one_of("vartype", vartype, VARTYPES)
    offset = validate.number("energy_off", energy_off)
    energy = of_machine(machine, spin=vartype == "SPIN", energy_off=offset)
    labels = energy.labels
    model = dimod.BinaryQuadraticModel(vartype)
    for label, bias in zip(labels, energy.linear.tolist(), strict=True):
        try:
            model.add_linear(label, bias)
        except (TypeError, ValueError, ArithmeticError):
            raise InvalidInput(f"labels must be ones that dimod takes, got {label!r:.80}") from None
    model.add_quadratic_from(
        (labels[i], labels[j], q)
        for i, j, q in zip(
            energy.head.tolist(), energy.tail.tolist(), energy.bias.tolist(), strict=True
        )
    )
    model.offset = energy.offset
    return model


def initial_states(sampleset: Any, machine: BoltzmannMachine) -> NDArray[np.uint8]:
    """Return the samples of a `SampleSet` as states of a machine, array (chain, unit) of 0 and 1.

    A sample that occurs several times gives as many chains.

    Raises
    ------
    InvalidInput
        If it is something else, or its variables are not the labels of the machine. Also if its values
        are neither 0 and 1 nor -1 and 1.

    Examples
    --------
    >>> import dimod
    >>> import photinus as ph
    >>> from photinus.interop import initial_states
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0, 0], labels=["a", "b"])
    >>> found = dimod.SampleSet.from_samples([{"a": 1, "b": -1}], "SPIN", energy=[0.0])
    >>> initial_states(found, machine)
    array([[1, 0]], dtype=uint8)
    """
    validate.instance("machine", machine, BoltzmannMachine)
    record, variables = getattr(sampleset, "record", None), getattr(sampleset, "variables", None)
    if record is None or variables is None or not hasattr(sampleset, "vartype"):
        raise InvalidInput(f"sampleset must be a SampleSet of dimod, got {validate.shown(sampleset)}")
    place: dict[Hashable, int] = {label: k for k, label in enumerate(variables)}
    for label in machine.labels:
        if label not in place:
            raise InvalidInput(f"sampleset must have all units, {label!r} is missing")
    if len(place) > machine.n_units:
        other = next(label for label in place if label not in set(machine.labels))
        raise InvalidInput(f"variables of the sampleset must be units of the machine, got {other!r}")
    values = np.repeat(record.sample, record.num_occurrences, axis=0)
    return on_and_off("sampleset", values[:, [place[label] for label in machine.labels]])


def on_and_off(name: str, values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return spins -1 and 1, or values 0 and 1, as states of 0 and 1.

    Raises
    ------
    InvalidInput
        If there are others, or spins and binary values among each other.
    """
    found = np.unique(values).tolist()
    if not (set(found) <= {0, 1} or set(found) <= {-1, 1}):
        raise InvalidInput(f"{name} must hold values 0 and 1, or spins -1 and 1, got {found!r:.80}")
    return (values > 0).astype(np.uint8)
