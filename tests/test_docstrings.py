"""Examples in docstrings give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import photinus


def modules_with_examples() -> list[str]:
    """Return the names of all modules whose text has an example."""
    found = []
    for module in pkgutil.walk_packages(photinus.__path__, "photinus."):
        spec = module.module_finder.find_spec(module.name, None)
        source = getattr(spec.loader, "get_source", lambda name: None)(module.name) if spec else None
        if source and ">>> " in source:
            found.append(module.name)
    return found


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0
    assert result.failed == 0


def test_a_wrong_example_is_found() -> None:
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    assert doctest.DocTestRunner(verbose=False).run(wrong, out=lambda text: None).failed == 1
