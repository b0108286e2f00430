"""Every public call refuses an object of another kind, whatever its other arguments are.

Modules are walked, and what an argument must be is read off its annotation: nothing has to be entered
here for a new function. Calls check their objects first, so the other arguments are left at nonsense.
"""

import builtins
import dataclasses
import importlib
import inspect
import pkgutil
import sys
import types
import typing

import pytest

import photinus as ph
from photinus import evaluation, imperfections, laser, ledger, reduced, tasks
from photinus.learning import data

HELD = {
    *(thing for name in ph.__all__ if isinstance(thing := getattr(ph, name), type)),
    imperfections.Imperfections, data.Images, tasks.Dream, evaluation.Mixing, reduced.ReducedLaser,
    laser.Spike, laser.Waveform, ledger.Counts, ledger.Ledger, ledger.Peer, ledger.Prices,
}  # fmt: skip
"""Kinds of objects that a user holds and hands on."""
INNER = ("demo.", "report.", "calibration.protocol.Bench", "calibration.synapse.", "reduced.fitting.SmallNetworks",
         "reduced.fitting.uncoupled", "reduced.fitting.intervals_of", "reduced.fitting.pulsed",
         "reduced.fitting.response",
         "learning.likelihood.Sides", "laser.dynamics.solve", "laser.dynamics.rate_equations",
         "simulation.engine.per_step", "sampling.Request", "sampling.SpikingRun", "sampling.gathered",
         "storage.RunStore", "storage.samples_without_draws", "imperfections.Disturbed")  # fmt: skip
"""What the package alone calls, with objects that were looked at before."""
WRONG = [None, "abc", 3, [1.0], object()]


class Unknown:
    """Of a kind that is imported for type checkers alone, and is none of ours."""

    DataTree = None

    def __class_getitem__(cls, _):
        return cls


class Names(dict):  # type: ignore[type-arg]
    """What annotations may name: imports for type checkers alone are not there at run time."""

    def __init__(self, function):
        super().__init__()
        self.own = function.__globals__

    def __missing__(self, name):
        if name.startswith("__"):
            raise KeyError(name)
        if name in self.own:
            return self.own[name]
        known = HELD_BY_NAME.get(name) or getattr(builtins, name, None) or sys.modules.get(name)
        return known or Unknown


HELD_BY_NAME = {kind.__name__: kind for kind in HELD}


def modules():
    for found in pkgutil.walk_packages(ph.__path__, "photinus."):
        if not any(part.startswith("_") for part in found.name.split(".")[1:]):
            yield importlib.import_module(found.name)


def calls():
    """Give (name, function, what stands for self or the class) of all public functions and methods."""
    for module in modules():
        for name, thing in vars(module).items():
            if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
                continue
            if inspect.isfunction(thing):
                yield f"{module.__name__}.{name}", thing, ()
            elif inspect.isclass(thing) and not issubclass(thing, (BaseException, tuple)):
                yield from methods(f"{module.__name__}.{name}", thing)


def methods(path, kind):
    for name, member in vars(kind).items():
        function = getattr(member, "__func__", member)
        if not inspect.isfunction(function) or (name.startswith("_") and name != "__init__"):
            continue
        if name == "__init__" and dataclasses.is_dataclass(kind) and not hasattr(kind, "__post_init__"):
            continue  # a record that the package fills
        bare = isinstance(member, staticmethod)
        owner = kind if isinstance(member, classmethod) else kind.__new__(kind)
        yield f"{path}.{name}", function, () if bare else (owner,)


def wanted(annotation):
    """Return the kinds of an annotation, if an object of the user's is among them."""
    union = isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union
    kinds = typing.get_args(annotation) if union else (annotation,)
    return kinds if any(kind in HELD for kind in kinds) else ()


def objects():
    """Give (name, function, self, argument, kinds) of each argument that is an object."""
    for name, function, owner in calls():
        if name.removeprefix("photinus.").startswith(INNER):
            continue
        hints = typing.get_type_hints(function, localns=Names(function))
        for argument in list(inspect.signature(function).parameters)[len(owner) :]:
            if kinds := wanted(hints.get(argument)):
                yield name, function, owner, argument, kinds


CASES = {f"{name}({argument})": rest for name, *rest in objects() for argument in [rest[2]]}


def right(kinds):
    """Return something that passes as one of the kinds, empty."""
    return next(kind.__new__(kind) for kind in kinds if kind in HELD)


def told(function, owner, argument, wrong):
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


def test_the_walk_finds_what_users_call():
    for name in ("translation.translate(machine)", "laser.spiking.spike(parameters)",
                 "ledger.counts.Counts.from_samples(samples)", "sampling.sample(machine)"):  # fmt: skip
        assert f"photinus.{name}" in CASES
    assert len(CASES) > 80


@pytest.mark.parametrize("case", CASES)
def test_an_object_of_another_kind_is_refused_by_name(case):
    function, owner, argument, kinds = CASES[case]
    allowed = tuple(kind for kind in kinds if isinstance(kind, type))
    for wrong in WRONG:
        if isinstance(wrong, allowed):
            continue
        error = told(function, owner, argument, wrong)
        assert isinstance(error, ph.InvalidInput), f"{argument}={wrong!r}: {error!r}"
        assert argument in str(error)
