"""Models of others that are wrong: one sentence, with the line where there is one, whatever they hold."""

import io
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies._internal.core import DataObject

import photinus as ph
from photinus import BayesianNetwork, BoltzmannMachine, MarkovNetwork
from photinus.errors import InvalidInput, PhotinusError
from photinus.interop import read_evidence, read_model, write_model
from photinus.interop.formats import FORMATS
from tests import networks
from tests.conftest import Run
from tests.networks import NUMBERS, STATES
from tests.test_interop import STORED, W, binary, graph_state, model

few = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
PIECES: st.SearchStrategy = st.sampled_from(
    [b"", b"0", b"1e400", b"nan", b"-1", b"9" * 400, b"{", b"}", b"(", b")", b"[", b"]", b"<", b">", b";", b",",
     b"|", b'"', b"/*", b"//", b"%", b"#", b"\0", b"\xff\xfe", b"\n", b" ", b"<!ENTITY a 'b'>", b"&a;", b"[[[",
     b"table", b"default", b"null", b"true", b"1" * 5000 + b"x", b"\x7f\xff\xff\xff"]
)  # fmt: skip


def contents() -> dict[str, bytes]:
    """Return a good file of every format, by its name."""
    plain, numbers = networks.network(STATES), networks.network(NUMBERS)
    w = np.array([[0, 1.5, 0], [1.5, 0, -2], [0, -2, 0]])
    machine = ph.BoltzmannMachine(w, [0.5, -1, 0], STORED[:3])
    factors = ph.MarkovNetwork([(("a", "b"), [[2, 1], [1, 3]])], {"a": (0, 1), "b": ("x", "y")})
    table = np.array([[1.5, 0.5, 2], [3, 1, 0.25]])
    spins = model("SPIN", STORED)
    arrays = io.BytesIO()
    np.savez(arrays, **graph_state())
    return {
        "a.bif": networks.bif(plain).encode(),
        "b.bif": networks.bif_tables(plain).encode(),
        "c.net": networks.hugin(plain).encode(),
        "d.xmlbif": networks.xmlbif(plain).encode(),
        "e.xdsl": networks.xdsl(plain).encode(),
        "f.uai": networks.uai(numbers).encode(),
        "g.uai": networks.markov([(0, 1), (1,)], [table, table[0]]).encode(),
        "h.json": json.dumps(spins.to_serializable()).encode(),
        "i.bqm": binary(spins, 2),
        "j.bqm": binary(spins, 1),
        "l.npz": arrays.getvalue(),
        "k.coo": b"# vartype=SPIN\n0 0 0.5\n0 1 -1.5e-1\n3 1 2\n",
        "m.json": stored(machine, ".json"),
        "n.npz": stored(machine, ".npz"),
        "o.json": stored(BayesianNetwork.asia(), ".json"),
        "p.json": stored(factors, ".json"),
        "q.safetensors": tensors(),
        "r.h5": hdf5(),
    }


def stored(held: BoltzmannMachine | BayesianNetwork | MarkovNetwork, ending: str) -> bytes:
    """Return the file that a model of ours is saved to."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"m{ending}"
        write_model(held, path)
        assert read_model(path) == held
        return path.read_bytes()


ARRAYS = {"W": np.ones((2, 3)), "v_bias": np.array([0.5, 0, 0]), "h_bias": np.zeros(2)}


def tensors() -> bytes:
    """Return a restricted machine in safetensors."""
    return bytes(safetensors.numpy.save(ARRAYS))


def hdf5() -> bytes:
    """Return a restricted machine as the package rbms stores it."""
    written = io.BytesIO()
    with h5py.File(written, "w") as file:
        group = file.create_group("update_1/params")
        names = {"weight_matrix": ARRAYS["W"].T, "vbias": ARRAYS["v_bias"], "hbias": ARRAYS["h_bias"]}
        for name, array in names.items():
            group[name] = array
    return written.getvalue()


def refused(content: bytes, name: str, folder: Path) -> str:
    """Return the one sentence that is said of a file."""
    path = folder / name
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        read_model(path)
    told = str(caught.value)
    assert name in told
    assert "\n" not in told
    assert len(told) < 1000
    return told


@pytest.mark.parametrize("name", contents())
def test_any_bytes_give_a_model_or_one_sentence(name: str, tmp_path: Path) -> None:
    good = contents()[name]
    path = tmp_path / name

    @few
    @given(st.data())
    def check(data: DataObject) -> None:
        content = good
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(content)))
            length = data.draw(st.sampled_from([0, 1, 2, 8, 100]))
            piece = data.draw(st.one_of(PIECES, st.binary(max_size=8)))
            content = content[:at] + piece + content[at + length :]
        path.write_bytes(content)
        told = ""
        try:
            read_model(path)
        except PhotinusError as error:
            told = str(error)
        assert len(told) < 1600

    path.write_bytes(good)
    read_model(path)
    check()


@pytest.mark.parametrize("name", contents())
def test_truncated_files_are_refused(name: str, tmp_path: Path) -> None:
    good = contents()[name]
    for part in range(1, 12):
        cut = good[: len(good.rstrip()) * part // 12]
        # A list of lines is whole wherever a number is.
        if not name.endswith(".coo"):
            refused(cut, name, tmp_path)


RUBBISH = {
    "empty": b"",
    "blank": b" \r\n\t ",
    "nul": b"\0" * 50,
    "text": b"hello world",
    "pickle": b"\x80\x04N.",
    "gzip": b"\x1f\x8b\x08\0",
    "deep": b"[" * 100_000,
    "tags": b"<a>" * 100_000,
    "closed": b"<BIF>" * 20_000 + b"</BIF>" * 20_000,
    "comments": b"/*" * 100_000,
    "remarks": b"%" * 100_000,
    "hashes": b"#" * 100_000,
    "quotes": b'"' * 100_001,
    "braces": b"network {" * 50_000,
    "digits": b"9" * 100_000,
    "latin": "variable é".encode("latin-1"),
    "noise": np.random.default_rng(0).bytes(5000),
}


@pytest.mark.parametrize("kind", RUBBISH)
def test_rubbish_is_refused_by_every_reader_at_once(kind: str, tmp_path: Path) -> None:
    started = time.perf_counter()
    suffixes = sorted({suffix for each in FORMATS for suffix in each.suffixes})
    for suffix in (*suffixes, ""):
        refused(RUBBISH[kind], f"file{suffix}", tmp_path)
    # One that goes back over what it has read takes hours for these.
    assert time.perf_counter() - started < 20


@pytest.mark.parametrize("name", contents())
@pytest.mark.parametrize(
    "suffix", [".bif", ".uai", ".net", ".xdsl", ".xmlbif", ".json", ".bqm", ".coo", ".h5"]
)
def test_files_of_another_kind_are_refused(name: str, suffix: str, tmp_path: Path) -> None:
    if not name.endswith(suffix):
        refused(contents()[name], f"file{suffix}", tmp_path)


BIF = """network n {
}
variable A {
  type discrete [ 2 ] { no, yes };
}
variable B {
  type discrete [ 2 ] { x, y };
}
probability ( A ) {
  table 0.25, 0.75;
}
probability ( B | A ) {
  (no) 0.5, 0.5;
  (yes) 0.125, 0.875;
}
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.75", "0.70", "line 9: probabilities of 'A' must add up to 1, got 0.95"),
        ("0.25, 0.75", "1.25, -0.25", r"line 9: probabilities of 'A' must be within \[0, 1\], got 1.25"),
        ("0.25", "nan", "line 10: a finite number must stand here, got 'nan'"),
        ("0.25", "1e999", "line 10: a finite number"),
        ("0.25, 0.75", "0.25", "line 10: this entry of the table of 'A' must have 2 numbers, got 1"),
        ("(yes)", "(maybe)", r"line 14: state of 'A' must be one of \('no', 'yes'\), got 'maybe'"),
        ("  (yes) 0.125, 0.875;\n", "", r"line 12: table of 'B' must have an entry for \('yes',\), got none"),
        ("(yes)", "(no)", r"line 14: table of 'B' must have each of its rows once, got \('no',\) again"),
        ("(yes)", "(yes) 0.5, 0.5; (yes)", r"line 14: table of 'B' must have each .* got \('yes',\) again"),
        ("(yes)", "default 0.5, 0.5; default", "line 14: table of 'B' must have each .* got default again"),
        ("(yes)", "table 1, 1, 0, 0; (yes)", "line 14: table of 'B' must have each .* got table again"),
        ("table", "table 0.5, 0.5; table", "line 10: table of 'A' must have each .* got table again"),
        ("(yes)", "(yes, no)", "line 14: this entry of the table of 'B' must name 1 states, got 2"),
        ("( A )", "( A | B )", "must not form a cycle|line 10: this entry"),
        ("( B | A )", "( B | C )", "line 12: variable 'C' of the table of 'B' must be declared"),
        ("( B | A )", "( B | B )", "line 12: variables of the table of 'B' must differ"),
        ("( B | A )", "( A )", "line 12: variable 'A' must have one table|names? 0 states|must name 0"),
        ("variable B", "variable A", "line 6: variables must differ, got 'A' twice"),
        ("{ no, yes }", "{ no, no }", "line 3: states of 'A' must differ, got 'no' twice"),
        ("[ 2 ] { no, yes }", "[ 1 ] { no }", "line 3: variable 'A' must have at least 2 states, got 1"),
        ("[ 2 ] { no", "[ 3 ] { no", "line 4: variable 'A' must have 3 states, got 2"),
        ("[ 2 ] { no", "[ 10000000 ] { no", "line 4: number of states of 'A' must be .* 1000000, got '10000000'"),
        ("discrete", "continuous", "line 4: 'discrete' must stand here, got 'continuous'"),
        ("probability ( B", "likelihood ( B", "line 12: 'network' or 'variable' or 'probability' must stand"),
    ],
)  # fmt: skip
def test_wrong_bif(old: str, new: str, message: str, tmp_path: Path) -> None:
    import re

    assert old in BIF
    told = refused(BIF.replace(old, new, 1).encode(), "n.bif", tmp_path)
    assert re.search(message, told), told


NET = "node A { states = (no yes); }\npotential (A) {\n  data = (0.25 0.75);\n}\n"


def test_nothing_is_given_twice_in_net(tmp_path: Path) -> None:
    (tmp_path / "good.net").write_text(NET)
    good = read_model(tmp_path / "good.net")
    assert isinstance(good, ph.BayesianNetwork)
    assert good.marginals()["A"]["yes"] == pytest.approx(0.75)
    twice = NET.replace("data", "data = (0.5 0.5);\n  data")
    assert "line 4: data of 'A' must be given once" in refused(twice.encode(), "n.net", tmp_path)
    twice = NET.replace("states", "states = (no); states")
    assert "line 1: states of 'A' must be given once" in refused(twice.encode(), "n.net", tmp_path)


def test_cycles_are_refused(tmp_path: Path) -> None:
    cycle = BIF.replace("( A ) {\n  table 0.25, 0.75;", "( A | B ) {\n  default 0.25, 0.75;")
    assert "must not form a cycle" in refused(cycle.encode(), "n.bif", tmp_path)


def test_a_table_of_ten_million_entries_is_refused_with_its_number(tmp_path: Path) -> None:
    states = " ".join(["10"] * 8)
    scope = " ".join(map(str, range(7)))
    told = refused(f"MARKOV\n8\n{states}\n1\n7 {scope}\n\n10000000\n0.1".encode(), "n.uai", tmp_path)
    assert (
        "line 5: table of (0, 1, 2, 3, 4, 5, 6) must have at most 1000000 entries, got 10000000" in told
    )
    names = ", ".join(f"s{k}" for k in range(10))
    text = "".join(f"variable v{k} {{ type discrete [ 10 ] {{ {names} }}; }}\n" for k in range(8))
    text += f"probability ( v0 | {', '.join(f'v{k}' for k in range(1, 7))} ) {{ default 0.1; }}\n"
    told = refused(text.encode(), "n.bif", tmp_path)
    assert "line 9: table of 'v0' must have at most 1000000 entries, got 10000000" in told


def test_a_short_file_cannot_ask_for_much_memory(tmp_path: Path) -> None:
    told = refused(b"BAYES\n1000\n" + b"1000000 " * 1000, "n.uai", tmp_path)
    assert "at most 1000000 states together, got 2000000" in told
    names = ", ".join(f"s{k}" for k in range(100))
    text = "".join(f"variable v{k} {{ type discrete [ 100 ] {{ {names} }}; }}\n" for k in range(40))
    numbers = ", ".join(["0.01"] * 100)
    text += "".join(
        f"probability ( v{k} | v{k - 1}, v{k - 2} ) {{ default {numbers}; }}\n" for k in range(2, 40)
    )
    assert "entries together, got 21000000" in refused(text.encode(), "n.bif", tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("BAYES\n1\n1\n", "line 3: variable 0 must have at least 2 states, got 1"),
        ("BAYES\n0\n", "must hold at least one variable"),
        ("BAYES\n1\n2\n1\n1 0\n2\n0.5 0.4\n", "probabilities of 0 must add up to 1, got 0.9"),
        ("BAYES\n2\n2 2\n1\n1 0\n2\n0.5 0.5\n", "variable 1 must have a table"),
        ("BAYES\n1\n2\n1\n0\n1\n1\n", "must have a variable"),
        ("BAYES\n1\n2\n1\n1 0\n3\n0.5 0.5 0\n", "line 6: table of (0,) must have 2 entries, got 3"),
        ("MARKOV\n1\n2\n1\n1 1\n2\n1 1\n", "line 5: variable must be a whole number from 0 to 0, got '1'"),
        ("MARKOV\n1\n2\n1\n2 0 0\n4\n1 1 1 1\n", "line 5: variables of a table must differ"),
        ("MARKOV\n1\n2\n1\n1 0\n2\n-1 1\n", "line 6: table of (0,) must have entries of at least 0"),
        ("MARKOV\n1\n2\n1\n1 0\n2\n0 0\n", "not all of them 0"),
        ("MARKOV\n1\n2\n1\n1 0\n2\n1 1\n7", "line 8: it must end here, got '7'"),
        ("MARKOV\n1\n2\n1\n1 0\n2\n1", "line 7: it ends too early (truncated?)"),
        ("MARKOV\n1\n2\n1\n1 0\n2\n1 1_0", "line 7: a finite number must stand here, got '1_0'"),
    ],
)  # fmt: skip
def test_wrong_uai(text: str, message: str, tmp_path: Path) -> None:
    assert message in refused(text.encode(), "n.uai", tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("n.xml", "<BIF><NETWORK></NETWORK></BIF>", "at least one variable"),
        ("n.xml", "<a></a>", "begins like none of them"),
        ("n.xmlbif", "<a></a>", "its root must be BIF, got 'a'"),
        ("n.xdsl", "<a></a>", "its root must be smile, got 'a'"),
        ("n.xdsl", "<smile>\n<nodes></smile>", "line 2: it is not complete XML: mismatched tag"),
        ("n.xdsl", "<smile><nodes><noisymax id='a'/></nodes></smile>", "must be cpt or deterministic, got 'noisymax'"),
        ("n.xdsl", "<smile><nodes><cpt/></nodes></smile>", "each 'cpt' must have an id"),
        ("n.xmlbif", '<!DOCTYPE a [\n<!ENTITY b "c">]><BIF>&b;</BIF>', "line 2: it must not declare entities"),
        ("n.xmlbif", "<BIF><NETWORK><VARIABLE/></NETWORK></BIF>", "each VARIABLE must have one NAME, got 0"),
        ("n.net", 'net {}\nnode A { states = ("a" "b"); }\nutility U {}', "line 3: nodes must be discrete chance nodes"),
        ("n.net", 'net {}\nnode A { states = ("a"); }', "line 2: variable 'A' must have at least 2 states"),
        ("n.net", 'net {}\nnode A { states = ("a" "b"); }\npotential (A) { data = (1 2 3); }', "line 3: table of 'A'"),
        ("n.net", 'net {}\nnode A { states = ("a" "b"); }\npotential (A) { model_data = (1); }', "line 3: tables must be given"),
        ("n.coo", "0 0 1\n", "a line '# vartype=SPIN'"),
        ("n.coo", "# vartype=SPIN\n0 1\n", "line 2: a line must be 'i j bias', got '0 1'"),
        ("n.coo", "# vartype=SPIN\n0 1 1\n-1 0 1\n", "line 3: a line must be"),
        ("n.coo", "# vartype=SPIN\n0 1 nan\n", "line 2: a line must be"),
        ("n.coo", "# vartype=SPIN\n0 1 1e999\n", "line 2: a finite number"),
        ("n.coo", "# vartype=OTHER\n", "line 1: vartype must be SPIN or BINARY"),
        ("n.coo", "# vartype=SPIN\n# vartype=BINARY\n0 0 1\n", "line 2: vartype must be"),
        ("n.coo", "# vartype=SPIN\n", "at least one line"),
        ("n.json", "[]", "must hold a boltzmann-machine, got 'list'"),
        ("n.json", '{"version": {"bqm_schema": "1.0.0"}}', "schema must be 2.0.0 or 3.0.0, got '1.0.0'"),
        ("n.json", '{"version": {"bqm_schema": "3.0.0"}}', "'variable_type' is missing"),
        ("n.json", '{"version": {"bqm_schema": "3.0.0"}, "use_bytes": true}', "use_bytes must be false"),
        ("n.npz", "PK\x03\x04", "is not a complete .npz archive"),
        ("n.json", '{"kind":\n"boltzmann-machine",', "line 2: it is not complete JSON"),
        ("n.json", '{\n"\xe9": 1}', "line 2: it is not complete JSON"),
        ("n.bqm", 'DIMODBQM\x02\x00\x09\x00\x00\x00{"shape":', "its header or its labels are no complete JSON"),
        ("n.h5", "\x89HDF", "is not a complete HDF5 file"),
    ],
)  # fmt: skip
def test_wrong_files(name: str, text: str, message: str, tmp_path: Path) -> None:
    assert message in refused(text.encode("latin-1"), name, tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"linear_biases": [0.0]}, "labels must have 1 entries"),
        ({"quadratic_head": [99]}, "heads must be from 0 to 5"),
        ({"quadratic_head": ["a"]}, "heads must be an array of numbers"),
        ({"quadratic_biases": [None]}, "quadratic biases must be an array of numbers"),
        ({"linear_biases": {"a": 1}}, "linear biases must be an array of numbers"),
        ({"offset": "x"}, "offset"),
        ({"variable_type": "INTEGER"}, "variable_type must be one of 'BINARY', 'SPIN', got 'INTEGER'"),
        ({"variable_labels": ["a"] * 6}, "labels must differ from each other, got 'a' twice"),
        ({"variable_labels": [{}] * 6}, "labels must be hashable values"),
    ],
)
def test_wrong_json_of_dimod(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    document = json.loads(contents()["h.json"]) | change
    assert message in refused(json.dumps(document).encode(), "n.json", tmp_path)


def test_sizes_that_lie_allocate_nothing(tmp_path: Path) -> None:
    import tracemalloc

    good = contents()["i.bqm"]
    tracemalloc.start()
    for old, new in ((b"[6, ", b"[4000000000, "), (b"[6, ", b"[9999999999999999, ")):
        assert old in good
        refused(good.replace(old, new), "n.bqm", tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_commands_refuse_in_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "n.bif").write_text(BIF.replace("0.75", "0.70"))
    for command in ("sample", "translate", "refine"):
        code, out, err = run(command, "n.bif")
        assert (code, out) == (2, "")
        assert err.startswith("photinus: file 'n.bif', line 9: ")
        assert err.count("\n") == 1
    assert run("sample", "missing.bif")[2] == "photinus: file 'missing.bif' does not exist\n"


@few
@given(st.binary(max_size=60), st.sampled_from(["1 0 1", "2 0 1 1 0", "1\n1 0 1"]), st.integers(0, 9))
def test_any_evidence_file(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, text: str, at: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "e.evid"
    path.write_bytes(text[:at].encode() + noise + text[at:].encode())
    network = ph.BayesianNetwork({0: 0.5, 1: 0.5, 2: 0.25})
    try:
        found = read_evidence(path, network)
    except PhotinusError:
        return
    assert set(found.values()) <= {0, 1}


def test_state_files_of_the_wrong_kind(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", **{**graph_state(), "_linear": np.zeros(2)})
    with pytest.raises(InvalidInput, match=r"file '.*m\.npz': (heads|tails) must be from 0 to 1"):
        read_model(tmp_path / "m.npz")
    np.savez(tmp_path / "m.npz", weights=W)
    with pytest.raises(InvalidInput, match=r"m\.npz"):
        read_model(tmp_path / "m.npz")
    write_model(ph.BoltzmannMachine(W, np.zeros(4)), tmp_path / "m.json")
    with pytest.raises(InvalidInput, match="exists already"):
        write_model(ph.BoltzmannMachine(W, np.zeros(4)), tmp_path / "m.json", replace=False)
