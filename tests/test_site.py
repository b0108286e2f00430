"""What `make docs` draws and refuses by itself."""

import importlib
import sys
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.texts import ROOT

sys.path.insert(0, str(ROOT / "docs" / "tools"))
architecture: Any = importlib.import_module("architecture")
formulas: Any = importlib.import_module("formulas")


@pytest.mark.parametrize(
    "formula", [r"\tfrac12(1 - \cos 2\pi x)", r"|W|\le4", r"\bigl(x(u)-m_k\bigr)^2", r"p\propto e^{-E}"]
)
def test_formulas_that_can_be_typeset(formula: str) -> None:
    assert formulas.problem(formula) == ""


@pytest.mark.parametrize("formula", [r"\frac{1}{2", r"\nosuch x", r"x^{2", r"\left(x"])
def test_formulas_that_cannot(formula: str) -> None:
    assert formulas.problem(formula) != ""


def test_rooms_of_the_page_are_those_of_the_contracts() -> None:
    plan = architecture.rooms()
    assert plan.names[0] == "errors"
    assert plan.names[-1] == "faces"
    assert plan.may_use("errors") == []
    assert "machines" not in plan.may_use("devices")
    assert "_core" in plan.may_use("devices")
    assert len(architecture.table(plan).splitlines()) == 2 + len(plan.names)


def test_picture_of_rooms_marks_what_is_used_allowed_and_forbidden() -> None:
    plan = architecture.Rooms(["low", "middle", "high"], {"high": {"low"}})
    drawn = ElementTree.fromstring(architecture.picture(plan, {("middle", "low")}))
    tags = [element.tag.rpartition("}")[2] for element in drawn]
    assert tags.count("path") == 1  # high may not use low
    circles = [element for element in drawn if element.tag.endswith("circle")]
    assert [circle.get("r") for circle in circles] == ["6", "3"]  # middle uses low, high may use middle
