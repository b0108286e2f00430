"""Every public call refuses an object of another kind, whatever its other arguments are.

Modules are walked, and what an argument must be is read off its annotation: nothing has to be entered
here for a new function. Calls check their objects first, so the other arguments are left at nonsense.
"""

import builtins
import dataclasses
import importlib
import inspect
import io
import pkgutil
import sys
import types
import typing
from collections.abc import Callable, Iterator
from types import GenericAlias, ModuleType, UnionType
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus import devices, hardware, tasks
from photinus.devices import laser
from photinus.engines import reduced
from photinus.engines.lif.simulator import LifSimulator
from photinus.errors import MissingDependency
from photinus.faces.figures import plots
from photinus.learning import data
from photinus.networks import imperfections
from photinus.networks.layout import Layout
from photinus.tasks import evaluation
from photinus.translation import Neuron
from tests.narrow import membranes, untyped

HELD = {
    *(thing for name in ph.__all__ if isinstance(thing := getattr(ph, name), type)),
    imperfections.Imperfections, data.Images, tasks.Dream, evaluation.Mixing, reduced.ReducedLaser,
    Neuron, Layout, laser.Spike, laser.Waveform, hardware.Counts, hardware.Ledger, hardware.Peer, hardware.Prices,
}  # fmt: skip
"""Kinds of objects that a user holds and hands on."""
PASSES: dict[Any, Any] = {
    devices.Network: ph.translate(
        ph.BoltzmannMachine(np.zeros((2, 2)), np.zeros(2)), ph.Calibration.preset()
    ),
    devices.Parameters: ph.LaserParameters.preset(),
}
"""What passes for a kind that says what an object can do, not what class it is of."""
HELD |= PASSES.keys()
INNER = ("faces.demo", "faces.report", "faces.cli", "faces.study", "faces.explorer", "faces.robustness.measuring", "faces.studio", "testing", "calibration.bench", "calibration.synapse",
         "calibration.reduction", "calibration.trials", "calibration.hazard", "calibration.membrane",
         "calibration.agreement", "measurements.bench", "measurements.lines", "measurements.search", "measurements.surfaces", "measurements.walk", "devices.laser.dynamics.solve", "devices.laser.dynamics.rate_equations",
         "devices.protocol", "engines.base", "engines.events", "engines.disturbances", "engines.laser.block",
         "engines.laser.device", "engines.lif.block", "engines.lif.device", "engines.neurons", "engines.reduced.block",
         "engines.reduced.layout", "engines.slow", "samplers.parallel", "translation.fields", "translation.lines",
         "translation.distortion", "translation.law", "translation.matching",
         "translation.prediction.foretold", "faces.figures.plots.draw_spikes", "learning.likelihood.Sides", "learning.moments", "diagnostics.findings", "networks.fabrication", "samplers.spiking", "samplers.abstract",
         "samplers.request", "samplers.storage", "samplers.summary", "samplers.workers",
         "samplers.sampling.gathered")  # fmt: skip
"""What the package alone calls, with objects that were looked at before."""
WRONG = [None, "abc", 3, [1.0], object()]


class Unknown:
    """Of a kind that is imported for type checkers alone, and is none of ours."""

    DataTree = None

    def __class_getitem__(cls, _: Any) -> Any:
        return cls


class Names(dict):  # type: ignore[type-arg]
    """What annotations may name: imports for type checkers alone are not there at run time."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.own = function.__globals__

    def __missing__(self, name: str) -> ModuleType | UnionType | type[Any]:
        if name.startswith("__"):
            raise KeyError(name)
        if name in self.own:
            return self.own[name]
        known = HELD_BY_NAME.get(name) or getattr(builtins, name, None) or sys.modules.get(name)
        return known or Unknown


HELD_BY_NAME = {kind.__name__: kind for kind in HELD}


def modules() -> Iterator[Any]:
    for found in pkgutil.walk_packages(ph.__path__, "photinus."):
        if not any(part.startswith("_") for part in found.name.split(".")[1:]):
            yield importlib.import_module(found.name)


def calls() -> Iterator[Any]:
    """Give (name, function, what stands for self or the class) of all public functions and methods."""
    for module in modules():
        for name, thing in vars(module).items():
            if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
                continue
            if inspect.isfunction(thing):
                yield f"{module.__name__}.{name}", thing, ()
            elif inspect.isclass(thing) and not (
                issubclass(thing, (BaseException, tuple)) or inspect.isabstract(thing)
            ):
                yield from methods(f"{module.__name__}.{name}", thing)


def methods(path: str, kind: type[Any]) -> Iterator[Any]:
    for name, member in vars(kind).items():
        function = getattr(member, "__func__", member)
        if not inspect.isfunction(function) or (name.startswith("_") and name != "__init__"):
            continue
        if name == "__init__" and dataclasses.is_dataclass(kind) and not hasattr(kind, "__post_init__"):
            continue  # a record that the package fills
        bare = isinstance(member, staticmethod)
        owner = kind if isinstance(member, classmethod) else untyped(kind).__new__(kind)
        yield f"{path}.{name}", function, () if bare else (owner,)


def wanted(annotation: Any) -> tuple[GenericAlias | type[Any], ...]:
    """Return the kinds of an annotation, if an object of the user's is among them."""
    union = isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union
    kinds = typing.get_args(annotation) if union else (annotation,)
    return kinds if any(kind in HELD for kind in kinds) else ()


def objects() -> Iterator[Any]:
    """Give (name, function, self, argument, kinds) of each argument that is an object."""
    for name, function, owner in calls():
        if name.removeprefix("photinus.").startswith(INNER):
            continue
        hints = typing.get_type_hints(function, localns=Names(function))
        for argument in list(inspect.signature(function).parameters)[len(owner) :]:
            if kinds := wanted(hints.get(argument)):
                yield name, function, owner, argument, kinds


CASES = {f"{name}({argument})": rest for name, *rest in objects() for argument in [rest[2]]}


def right(kinds: tuple[GenericAlias | type[Any], ...]) -> Any:
    """Return something that passes as one of the kinds, empty unless it must answer."""
    kind = next(kind for kind in kinds if kind in HELD)
    return PASSES[kind] if kind in PASSES else untyped(kind).__new__(kind)


def told(function: Callable[..., Any], owner: tuple[Any, ...], argument: str, wrong: Any) -> Any:
    """Return what is raised when the argument is wrong and the other objects are right."""
    hints = typing.get_type_hints(function, localns=Names(function))
    given = {}
    for name, parameter in list(inspect.signature(function).parameters.items())[len(owner) :]:
        if kinds := wanted(hints.get(name)):
            given[name] = right(kinds)
        elif parameter.default is parameter.empty and parameter.kind not in (2, 4):
            given[name] = None
    given[argument] = wrong
    try:
        result = function(*owner, **given)
        if inspect.isgenerator(result):
            next(result)
    except Exception as error:
        return error
    return None


def test_the_walk_finds_what_users_call() -> None:
    for name in ("translation.rules.translate(machine)", "devices.laser.spiking.spike(parameters)",
                 "hardware.counts.Counts.from_samples(samples)",
                 "samplers.sampling.sample(machine)"):  # fmt: skip
        assert f"photinus.{name}" in CASES
    assert len(CASES) > 80


@pytest.mark.parametrize("case", CASES)
def test_an_object_of_another_kind_is_refused_by_name(case: str) -> None:
    function, owner, argument, kinds = CASES[case]
    allowed = tuple(kind for kind in kinds if isinstance(kind, type))
    for wrong in WRONG:
        if isinstance(wrong, allowed):
            continue
        error = told(function, owner, argument, wrong)
        assert isinstance(error, ph.InvalidInput), f"{argument}={wrong!r}: {error!r}"
        assert argument in str(error)


MACHINE = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -0.5], ["$x_$", r"$\foo$"])
NOT_EVIDENCE = [np.zeros(0), np.zeros(3), [], (), "", 0, False, [("a", 1)]]


@pytest.mark.parametrize("substrate", ["laser", "laser-reduced", "lif", "ideal", "gibbs", "exact"])
@pytest.mark.parametrize("clamp", NOT_EVIDENCE, ids=repr)
def test_evidence_is_a_mapping_even_if_it_is_empty(substrate: str, clamp: Any) -> None:
    with pytest.raises(ph.InvalidInput, match=r"^evidence must be a mapping unit → 0 or 1, got"):
        ph.sample(MACHINE, substrate, chains=2, draws=30, clamp=clamp, seed=0)
    if substrate == "laser":
        network = ph.translate(MACHINE, ph.Calibration.preset())
        with pytest.raises(ph.InvalidInput, match=r"^evidence must be a mapping unit → 0 or 1, got"):
            ph.simulate(network, 1e-9, clamp=clamp, seed=0)


@pytest.mark.parametrize("places", [None, 0, "01", np.array(3), {0: 1}], ids=repr)
@pytest.mark.parametrize("name", ["units", "chains"])
def test_what_is_recorded_is_a_list(name: str, places: Any) -> None:
    with pytest.raises(ph.InvalidInput, match=rf"^recorded {name} must be a list, got"):
        ph.Recording(**{"units": (0,), "stop": 1e-9, name: places})


def test_a_recording_takes_units_of_time() -> None:
    given = ph.Recording(units=untyped([0]), start=untyped("100 ps"), stop=untyped("1 ns"))
    assert (given.start, given.stop) == pytest.approx((1e-10, 1e-9), rel=1e-12)


def test_a_network_of_neurons_is_simulated_by_its_device() -> None:
    network = membranes(ph.translate(MACHINE, ph.Calibration.preset("lif-hcs")))
    options: dict[str, Any] = {"chains": 3, "seed": 4, "clamp": {MACHINE.labels[0]: 1}}
    spikes = ph.simulate(network, 0.2, **options)
    alone = LifSimulator(network, **options).advance(0.2)
    assert len(spikes) > 20
    for name in ("chain", "unit", "time"):
        assert np.array_equal(getattr(spikes, name), getattr(alone, name))
    with pytest.raises(ph.InvalidInput, match="recording must be None for integrate-and-fire neurons"):
        ph.simulate(network, 0.2, recording=ph.Recording(units=(0,), stop=0.1))


def test_processes_without_their_package_are_a_missing_dependency(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingDependency, match=r"pip install 'photinus\[workers\]'"):
        ph.sample(MACHINE, "gibbs", chains=2, draws=30, seed=0, workers=2)


def test_labels_that_look_like_formulas_are_drawn_as_they_are() -> None:
    samples = ph.sample(MACHINE, "ideal", chains=2, draws=30, seed=0)
    figure = plots.raster(samples)
    figure.savefig(io.BytesIO())
    shown = [text.get_text().replace("\\$", "$") for text in figure.axes[0].get_yticklabels()]
    assert shown == list(MACHINE.labels)


def test_a_raster_of_many_units_can_be_drawn() -> None:
    n = 320  # 0.32 inches for each of a few thousand would be more pixels than can be drawn
    machine = ph.BoltzmannMachine(np.zeros((n, n)), np.full(n, -12.0))
    raster = plots.raster(ph.sample(machine, "ideal", chains=1, draws=2, burn_in=0, seed=0))
    assert raster.get_figheight() == plots.AROUND + plots.ROW * plots.MOST_ROWS < 2**16 / plots.DPI
