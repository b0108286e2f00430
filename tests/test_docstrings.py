"""Examples in docstrings give what they say, and every public name has one."""

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import photinus
from tests.public import ROOMS, door

NOT_RUN = {
    "photinus.calibrate": "takes a minute; tests/test_calibration.py calls it",
    "photinus.fit_laser": "takes minutes; tests/test_measurements.py calls it",
    "photinus.interop.from_agrum": "pyAgrum breaks down where scikit-learn is loaded",
    "photinus.interop.from_pgmpy": "pgmpy is in no extra; tests/test_interop_networks.py fakes it",
    "photinus.measurements.next_measurements": "needs a fit; tests/test_measurements.py calls it",
    "photinus.testing.check_device": "takes seconds; tests/test_conformance.py calls it",
    "photinus.testing.check_substrate": "takes seconds; tests/test_conformance.py calls it",
}
"""Public names whose example is shown but not run → why."""

BY_PHOTINUS = {
    "photinus.devices.Device": "methods of a device, which its author writes; tests/outside.py has one",
    "photinus.devices.Network": "the same, of its networks",
    "photinus.devices.SpikingSimulator": "the same, of its simulator",
    "photinus.engines.reduced.EscapeRate": "tables of the compiled loop",
    "photinus.samplers.Request": "what a substrate is asked; its author reads it",
    "photinus.samplers.Run": "methods of a substrate, which its author writes",
    "photinus.samplers.WholeRun": "the same",
    "photinus.testing.DeviceSubject": "what checks of a device are given",
}
"""Public classes whose methods Photinus calls, not its users → what they are."""
MOST_METHODS_WITHOUT = 25
"""Methods of the other classes that no example calls: old names, and joints of our own."""


def modules_with_examples() -> list[str]:
    """Return the names of all modules whose text has an example."""
    found = []
    for module in pkgutil.walk_packages(photinus.__path__, "photinus."):
        spec = module.module_finder.find_spec(module.name, None)
        source = getattr(spec.loader, "get_source", lambda name: None)(module.name) if spec else None
        if source and ">>> " in source:
            found.append(module.name)
    return found


def public_callables() -> Iterator[tuple[str, Any]]:
    """Yield name and value of every public function and class, each once."""
    seen = set()
    for name in ("", *(f".{room}" for room in ROOMS)):
        module = importlib.import_module(f"photinus{name}")
        for one in photinus.__all__ if module is photinus else door(module):
            value = getattr(module, one)
            if callable(value) and not isinstance(value, ModuleType) and id(value) not in seen:
                seen.add(id(value))
                yield f"{module.__name__}.{one}", value


def examples_of(value: object) -> list[doctest.Example]:
    """Return the examples of a docstring."""
    return doctest.DocTestParser().get_examples(inspect.getdoc(value) or "")


def runs(examples: list[doctest.Example]) -> bool:
    """Return whether there are examples, and all of them run."""
    return bool(examples) and not any(example.options.get(doctest.SKIP) for example in examples)


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # some write files
    module, names = importlib.import_module(name), {"__name__": "__main__"}
    # Whoever copies an example has none of the module's names, so it must do with its imports.
    result = doctest.testmod(module, globs=names, optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0
    assert result.failed == 0


def test_a_wrong_example_is_found() -> None:
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    assert doctest.DocTestRunner(verbose=False).run(wrong, out=lambda text: None).failed == 1


def test_every_public_function_and_class_has_an_example() -> None:
    every = {name: examples_of(value) for name, value in public_callables()}
    assert {name for name, examples in every.items() if not runs(examples)} == set(NOT_RUN)
    assert [name for name in NOT_RUN if not every[name]] == []


def methods_without(every: dict[str, Any]) -> set[str]:
    """Return the public methods of classes for users that no example calls."""
    owners = [value for value in every.values() if isinstance(value, type)]
    shown = [*every.values(), *(function(one, name) for one in owners for name in methods(one))]
    text = "".join(example.source for value in shown for example in examples_of(value))
    return {
        f"{name}.{method}"
        for name, owner in every.items()
        if isinstance(owner, type) and name not in BY_PHOTINUS
        for method in methods(owner)
        if f".{method}(" not in text
    }


def function(owner: type, name: str) -> Any:
    found = inspect.getattr_static(owner, name)
    return getattr(found, "__func__", found)


def methods(owner: type) -> list[str]:
    """Return the public methods that a class of Photinus has from Photinus."""
    ours = [base for base in owner.__mro__ if base.__module__.startswith("photinus")]
    names = {name for base in ours for name in vars(base) if not name.startswith("_")}
    return sorted(name for name in names if inspect.isfunction(function(owner, name)))


def test_most_methods_for_users_are_in_an_example() -> None:
    assert len(methods_without(dict(public_callables()))) <= MOST_METHODS_WITHOUT


def test_a_method_that_no_example_calls_is_found() -> None:
    class Thing:
        __module__ = "photinus.things"

        def neither(self) -> None:
            """Do nothing."""

    assert methods_without({"photinus.Thing": Thing}) == {"photinus.Thing.neither"}


def test_examples_that_are_not_run_are_found() -> None:
    skipped = doctest.DocTestParser().get_examples(">>> 1 + 1  # doctest: +SKIP\n2\n")
    assert not runs(skipped)
    assert not runs([])
