"""Warnings are silenced by several threads at once, and none of them disturbs another."""

import threading
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

import photinus as ph
from photinus._core import hush
from photinus._core.hush import silenced, tell, untold


class Remark(UserWarning):
    """A warning of nobody else."""


def standard() -> AbstractContextManager[object]:
    """Silence as the standard library would have it."""

    class Standard(warnings.catch_warnings):
        def __enter__(self) -> None:
            super().__enter__()
            warnings.filterwarnings("ignore", message="strings")

    return Standard()


def overlapping(silence: Callable[[], AbstractContextManager[object]]) -> bool:
    """Tell whether the second of two is silent until it leaves, and nobody is silent afterwards."""
    before = list(warnings.filters)
    first, second = silence(), silence()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    with warnings.catch_warnings(record=True) as told:
        warnings.warn("strings have no standard", Remark, stacklevel=1)
    second.__exit__(None, None, None)
    return not told and list(warnings.filters) == before


@pytest.mark.filterwarnings("default")
def test_silence_overlaps() -> None:
    assert overlapping(lambda: silenced("strings"))
    assert not overlapping(standard)  # the twin: filters that are saved and put back


def test_silence_is_for_what_it_names() -> None:
    with silenced("strings", UserWarning):
        warnings.warn("strings have no standard", Remark, stacklevel=1)
        with pytest.warns(Remark, match="numbers"):
            warnings.warn("numbers have one", Remark, stacklevel=1)
        with pytest.warns(DeprecationWarning, match="strings"):
            warnings.warn("strings have no standard", DeprecationWarning, stacklevel=1)
    with pytest.warns(Remark, match="strings"):
        warnings.warn("strings have no standard", Remark, stacklevel=1)


def test_filters_of_others_stay() -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore")
        before = list(warnings.filters)
        with silenced():
            pass
        assert list(warnings.filters) == before


def test_filters_replaced_meanwhile() -> None:
    with warnings.catch_warnings(), silenced("strings"):
        warnings.resetwarnings()
    assert not any(hush.OURS in str(item[1]) for item in warnings.filters)


def test_untold_is_for_the_caller_alone() -> None:
    """While one thread wants to hear nothing, another one hears."""
    inside, heard = threading.Event(), threading.Event()

    def silent() -> None:
        with untold(ph.TranslationWarning):
            inside.set()
            assert heard.wait(10)
            tell("strong", ph.TranslationWarning)  # an error here would fail the test

    thread = threading.Thread(target=silent)
    thread.start()
    assert inside.wait(10)
    with pytest.warns(ph.TranslationWarning, match="strong"):
        tell("strong", ph.TranslationWarning)
    heard.set()
    thread.join()


def test_telling_names_the_line_of_the_caller() -> None:
    machine = ph.BoltzmannMachine([[0, 9], [9, 0]], [-4.5, -4.5])
    with pytest.warns(ph.TranslationWarning) as told:
        ph.sample(machine, "laser-reduced", chains=2, draws=30, burn_in=1, seed=1)
    assert told[0].filename == __file__


def test_a_thing_is_told_once_whatever_its_numbers() -> None:
    def remarks(*sentences: str) -> list[str]:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            for sentence in sentences:
                tell(sentence, Remark)
        return [str(one.message) for one in heard]

    with hush.once():
        assert remarks("'a' needs 3.1", "'b' needs -2e-5", "others") == ["'a' needs 3.1", "others"]
        with hush.once():
            assert remarks("'c' needs 4") == []
    assert remarks("'a' needs 3", "'a' needs 3") == ["'a' needs 3"] * 2
    with hush.once(), warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        tell(["'a' needs 3", "others"], Remark)
        tell(["'a' needs 4", "more"], Remark)
        tell(["more"], Remark)
    assert [str(one.message) for one in heard] == ["'a' needs 3; others", "more"]
