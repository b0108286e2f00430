"""Whatever README, CONTRIBUTING and docs show is so: code, commands, names, links; and it is plain."""

import re
import tomllib
from pathlib import Path

import pytest
import typer

import photinus as ph
from photinus._core.moved import MOVED
from photinus.faces import cli
from photinus.faces.study.plan import Study
from photinus.hardware import Prices
from tests import prose
from tests.prose import forbidden, long_sentences, semicolons
from tests.texts import ROOT, TEXTS, blocks, commands, dotted, is_former, links, resolve

WITH_PYTHON = [path for path, text in TEXTS.items() if blocks(text, "python") and path != "README.md"]
SHORTER = {
    'ph.infer(network, {"wet": 1}, seed=1)': 'ph.infer(network, {"wet": 1}, "gibbs", seed=1)',
    "BoltzmannEstimator()": "BoltzmannEstimator(epochs=2)",
    "temperatures=1000": "temperatures=20",
    "chains=16, draws=500": "chains=2, draws=20",
    "period=40), draws=100": "period=40), draws=30, chains=2",
}
"""What the docs show → a shorter run of the same call."""
SOURCES = [
    path
    for folder in ("src", "benchmarks", "examples")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path.name != "moved.py"
]


@pytest.mark.filterwarnings("ignore::photinus.TranslationWarning")
@pytest.mark.parametrize("path", WITH_PYTHON)
def test_python_runs(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prices.toml").write_text("")
    names = {"machine": ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1]), "__name__": "example"}
    for block in blocks(TEXTS[path], "python"):
        for shown, shorter in SHORTER.items():
            block = block.replace(shown, shorter)
        exec(compile(block, path, "exec"), names)
        for expression, value in re.findall(r"^(\S.*?)  # → (\S+)$", block, re.MULTILINE):
            digits = len(value.partition(".")[2])
            assert round(eval(expression, names), digits) == float(value), expression


def test_shorter_runs_are_of_calls_that_are_shown() -> None:
    shown = "".join(TEXTS[path] for path in WITH_PYTHON)
    assert all(call in shown for call in SHORTER)


@pytest.mark.parametrize("block", blocks(TEXTS["docs/how-to/studies.md"], "toml"))
def test_study_file_is_a_study(block: str, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(block)
    assert len(Study.load(path).points) == 2 * 2 * 2 * 3 * 2


@pytest.mark.parametrize("block", blocks(TEXTS["docs/how-to/imperfections.md"], "toml"))
def test_imperfections_of_a_study(block: str) -> None:
    (section,) = tomllib.loads(block).values()
    document = {"machines": {"units": 2}, "sample": {"substrate": "laser"}, "imperfections": section}
    assert len(Study.from_dict(document).points) == 3


@pytest.mark.parametrize("block", blocks(TEXTS["docs/how-to/ledger.md"], "toml"))
def test_prices(block: str) -> None:
    prices = Prices.from_dict(tomllib.loads(block))
    assert {"static", "weighting"} <= set(prices.entries)


@pytest.mark.parametrize(
    "line",
    sorted({line for text in TEXTS.values() for line in commands(text) if line.startswith("photinus")}),
)
def test_command_exists_with_its_options(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, name, *arguments = line.split()
    for argument in arguments:  # options that want a file that is there
        if argument.endswith((".json", ".toml", ".npz")):
            path = tmp_path / argument
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        elif argument.endswith(".zarr"):
            (tmp_path / argument).mkdir()
    group = typer.main.get_command(cli.app)
    if name.startswith("--"):  # an option of the whole, which ends with an answer
        assert name in {option for parameter in group.params for option in parameter.opts}
        return
    command = group.commands[name]  # type: ignore[attr-defined]
    command.make_context(name, arguments)  # raises where an option is unknown or a value is of no use


def test_unknown_option_is_found() -> None:
    command = typer.main.get_command(cli.app).commands["sample"]  # type: ignore[attr-defined]
    with pytest.raises(Exception, match="No such option"):
        command.make_context("sample", ["model.json", "--no-such-option", "1"])


@pytest.mark.parametrize("path", TEXTS)
def test_scripts_and_targets_exist(path: str) -> None:
    targets = (ROOT / "Makefile").read_text()
    for line in commands(TEXTS[path]):
        words = line.split()
        if words[0] == "make":
            assert re.search(rf"^{words[1]}:", targets, re.MULTILINE), line
    for script in re.findall(r"python ((?:benchmarks|examples|studies)/\w+\.py)", TEXTS[path]):
        assert (ROOT / script).is_file(), script
    for module in re.findall(r"python -m (\w+(?:\.\w+)*)", TEXTS[path]):
        place = ROOT / module.replace(".", "/")
        assert (
            module == "pytest"
            or place.with_suffix(".py").is_file()
            or (place / "__main__.py").is_file()
        )
    for file in re.findall(r"`((?:tests|studies|benchmarks|examples|src)/[\w/.-]*\w)`", TEXTS[path]):
        assert (ROOT / file).exists() or "results" in file, file


@pytest.mark.parametrize("path", TEXTS)
def test_links_lead_somewhere(path: str) -> None:
    for target in links(TEXTS[path]):
        assert (ROOT / Path(path).parent / target).is_file(), target


def test_every_page_is_linked_from_the_readme() -> None:
    linked = set(links(TEXTS["README.md"]))
    linked.add("docs/contributing/index.md")  # shows CONTRIBUTING.md, which is linked
    assert {path for path in TEXTS if path.startswith("docs/")} <= linked


@pytest.mark.parametrize("path", [path for path in TEXTS if re.match(r"docs/results/(?!index)", path)])
def test_results_say_when_they_were_measured_and_by_what(path: str) -> None:
    line = TEXTS[path].splitlines()[2]
    assert re.fullmatch(r"\*Measured (on|by|from) 20\d\d-.* with Photinus \d.*\.\*", line), line


@pytest.mark.parametrize("path", TEXTS)
def test_names_of_texts_are_those_of_today(path: str) -> None:
    for name in dotted(TEXTS[path]):
        resolve(name)
        assert not is_former(name), name


def test_names_of_sources_are_those_of_today() -> None:
    for path in SOURCES:
        if path.name == "versions.py":
            continue  # it times old versions, too, by names that both have
        for name in dotted(path.read_text()):
            resolve(name)
            assert not is_former(name), (path, name)


def test_wrong_names_are_found() -> None:
    assert dotted("see `photinus.sample`, photinus.units.ns.") == [
        "photinus.sample",
        "photinus.units.ns",
    ]
    assert is_former("photinus.laser.parameters")
    assert not is_former("photinus.devices.laser.parameters")
    assert all(is_former(f"photinus.{module}") for module in MOVED)
    with pytest.raises(AttributeError):
        resolve("photinus.units.parsec")


@pytest.mark.parametrize("path", TEXTS)
def test_sentences_are_short_and_words_ours(path: str) -> None:
    assert long_sentences(TEXTS[path]) == []
    assert forbidden(TEXTS[path]) == []


def test_words_of_sources_are_ours() -> None:
    for path in SOURCES:
        found = re.findall(r"\banew\b|\bdearer\b|\b(?:its|the) begin\b", path.read_text())
        assert found == [], path


@pytest.mark.parametrize("path", prose.SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_docstrings_and_messages_are_short_and_words_ours(path: Path) -> None:
    text = prose.text_of(path)
    assert long_sentences(text) == []
    assert forbidden(text) == []


def test_what_people_read_of_a_source_is_found() -> None:
    source = '''
"""A module. It has an example::

    code, which is no prose; begin = 1

>>> anew()
"""
LIMIT = 3
"""Of a variable."""
def call(value):
    """Do it.

    Parameters
    ----------
    value : int
        What is done.
    """
    raise InvalidInput(f"value must be 0, got {value!r} " "anew")
option = typer.Option("--name", help="Of an option.")
'''
    text = prose.prose_of(source)
    assert list(prose.sentences(text)) == [
        "A module.",
        "It has an example.",
        "Of a variable.",
        "Do it.",
        "Parameters",
        "value : int",
        "What is done.",
        "Of an option.",
        "value must be 0, got VALUE anew",
    ]
    assert forbidden(text) == ["anew: write again"]
    assert len(long_sentences(prose.prose_of(f'"""{"word " * 26}end."""'))) == 1


def test_semicolons_are_rare() -> None:
    assert sum(map(semicolons, TEXTS.values())) <= 30


def test_long_sentences_and_wrong_words_are_found() -> None:
    text = "# A title\n\nShort. " + "word " * 26 + "end.\n\n- It starts anew; a way of its own."
    assert len(long_sentences(text)) == 1
    assert len(forbidden(text)) == 2
    assert semicolons(text) == 1
