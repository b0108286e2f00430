"""Nothing public is lost or changed unseen: names, signatures, members, and where they were before."""

import ast
import importlib
import re

import photinus as ph
from tests.public import FILE, lines_of, public, signature

PINNED = set(FILE.read_text().splitlines())
HOW = "if this is meant, say so in CHANGELOG.md and run: python -m tests.public > tests/data/public.txt"
VERSION_0_1 = (FILE.parent / "public-0.1.txt").read_text().splitlines()
CHANGED = {
    "photinus.imperfections.Imperfections.disturb": "photinus.engines.disturbances does it",
}
"""What README and docs never showed a call of, and how it changed since version 0.1."""
SAME = {
    ("clamp_mode", "'pump'"): "None",
    ("rule", "'measured'"): "'auto'",
    ("structure", "'all'"): "None",
}
"""Parameter and its default in version 0.1 → today's, which says the same or comes nearer to the target."""


def split(line: str) -> tuple[str, list[str], dict[str, str | None]]:
    """Return the name and the parameters of a line: positional ones, and default by name."""
    name, _, rest = line.partition("(")
    if not rest or rest == "module)" or not line.endswith(")"):
        return line, [], {}
    text = re.sub(r"<[^>]*>", "...", rest.removesuffix(")"))
    found = ast.parse(f"lambda {text}: 0", mode="eval").body.args  # type: ignore[attr-defined]
    positional = [argument.arg for argument in (*found.posonlyargs, *found.args)]
    defaults = [None] * (len(positional) - len(found.defaults)) + [*found.defaults]
    named = zip(found.kwonlyargs, found.kw_defaults, strict=True)
    by_name = dict(zip(positional, defaults, strict=True)) | {a.arg: d for a, d in named}
    return name, positional, {k: d if d is None else ast.unparse(d) for k, d in by_name.items()}


def takes_the_same(old: str, new: str) -> bool:
    """Return whether calls that went with one line go with another.

    What had to be given may have got a default, and a place may have got another name, if the old
    one goes on working by keyword.
    """
    _, positional, old_defaults = split(old)
    _, new_positional, new_defaults = split(new)
    required = {name for name, default in new_defaults.items() if default is None}
    return (
        len(new_positional) >= len(positional)
        and all(
            b == a or b not in old_defaults for a, b in zip(positional, new_positional, strict=False)
        )
        and all(
            name in new_defaults
            and (
                default in (None, new_defaults[name]) or SAME.get((name, default)) == new_defaults[name]
            )
            for name, default in old_defaults.items()
        )
        and required <= set(old_defaults)
    )


def test_calls_of_version_0_1_go_on_working() -> None:
    today = {split(line)[0]: line for line in public()}
    for line in VERSION_0_1:
        name = split(line)[0]
        if name not in CHANGED:
            assert name in today, name
            assert takes_the_same(line, today[name]), name


def test_calls_that_stop_working_are_found() -> None:
    old = "f(a, b=1, *, c=2)"
    assert takes_the_same(old, "f(a, b=1, d=3, *, c=2, e=4)")
    assert takes_the_same(old, "f(new=None, b=1, *, a=None, c=2)")
    assert takes_the_same("f(*, clamp_mode='pump')", "f(*, mode=None, clamp_mode=None)")
    assert not takes_the_same("f(*, clamp_mode='laser')", "f(*, mode=None, clamp_mode=None)")
    assert not takes_the_same(old, "f(b=1, a=None, *, c=2)")
    assert not takes_the_same(old, "f(new=None, b=1, *, c=2)")
    assert not takes_the_same(old, "f(a, *, b=1, c=2)")
    assert not takes_the_same(old, "f(a, b=2, *, c=2)")
    assert not takes_the_same(old, "f(a, b=1, *, e=4)")
    assert not takes_the_same(old, "f(a, b=1, *, c=2, e)")


def test_former_submodules_leave_the_rooms_of_today_alone() -> None:
    former = importlib.import_module("photinus.ledger.comparison")
    today = importlib.import_module("photinus.hardware")
    assert today.comparison.__name__ == "photinus.hardware.comparison"
    assert former.Peer is today.comparison.Peer


def test_nothing_public_is_lost_or_changed() -> None:
    assert sorted(PINNED - set(public())) == [], HOW


def test_new_names_are_written_down() -> None:
    assert sorted(set(public()) - PINNED) == [], HOW


def test_a_change_is_seen() -> None:
    def sample(
        machine: ph.BoltzmannMachine, substrate: str = "laser", *, seed: int | None = None
    ) -> None:
        pass

    def changed(
        machine: ph.BoltzmannMachine, substrate: str = "gibbs", *, seed: int | None = None
    ) -> None:
        pass

    assert signature(sample) == "(machine, substrate='laser', *, seed=None)"
    assert signature(sample) != signature(changed)
    assert set(lines_of("photinus.sample", ph.sample)) <= PINNED
    assert not set(lines_of("photinus.sample", changed)) <= PINNED
