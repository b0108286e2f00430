"""The studio's server: what it says and refuses, that it is live, and that it rests."""

import contextlib
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette", reason="the studio's server needs the extra studio")
pytest.importorskip("websockets", reason="the studio's server needs the extra studio")

from websockets.exceptions import ConnectionClosed, InvalidStatus

from photinus import BoltzmannMachine
from photinus.errors import InvalidInput
from photinus.faces.studio import app, messages
from photinus.faces.studio.frames import packed, unpacked
from photinus.faces.studio.messages import parsed
from photinus.faces.studio.own import machine_of
from photinus.faces.studio.problems import PRESETS, Shelf
from photinus.faces.studio.tally import Tally
from photinus.faces.studio.views.network import NetworkView
from tests.conftest import ALPHA, Run
from tests.studios import LONGEST, opened, running, served

page = pytest.fixture(scope="module")(served)
QUICK = {"problem": "triangle", "substrate": "laser-reduced", "speed": 1e6}
TAKES = [("pair", "gibbs", ""), ("triangle", "laser-reduced", "1--"), ("rain", "laser", "--1")]


def fetched(url: str, **headers: str) -> int:
    """Return the status of a page."""
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_frames_keep_what_they_hold() -> None:
    values = {
        "a": np.arange(6, dtype=np.uint8).reshape(2, 3),
        "b": np.array([0.5, np.nan]),
        "c": np.arange(3),
        "text": "ü",
        "none": float("inf"),
    }
    frame = unpacked(packed("frame", values))
    assert (frame["kind"], frame["text"], frame["none"]) == ("frame", "ü", None)
    for name in "abc":
        np.testing.assert_array_equal(frame[name], values[name])
    assert frame["c"].dtype == np.int32


@pytest.mark.parametrize(
    "text",
    ["", "hello", "[]", "1", "{}", '{"say": "stop"}', '{"say": "press"}', '{"say": "press", "button": 3}',
     '{"say": "settings", "view": "network", "values": []}', '{"say": "settings", "view": ""}',
     "[" * 20000, '{"say": "more", "x": "' + "x" * messages.MOST_CHARACTERS + '"}'],
)  # fmt: skip
def test_other_messages_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parsed(text)
    assert len(str(refused.value)) < 300


def test_messages_have_a_rate() -> None:
    now = 0.0
    allowance = messages.Allowance(lambda: now)
    assert sum(allowance.take() for _ in range(1000)) == messages.MESSAGES_AT_ONCE - 1
    now = 1.0
    assert sum(allowance.take() for _ in range(1000)) == messages.MESSAGES_PER_SECOND - 1


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"problem": "nothing"}, "problem"),
        ({"substrate": "exact"}, "substrate"),
        ({"laser": "lif-hcs"}, "laser"),
        ({"chains": 1}, "chains"),
        ({"chains": 2.5}, "chains"),
        ({"speed": 0}, "speed"),
        ({"speed": "fast"}, "speed"),
        ({"seed": -1}, "seed"),
        ({"evidence": "1"}, "evidence"),
        ({"evidence": "111"}, "evidence"),
        ({"evidence": "??1"}, "evidence"),
        ({"evidence": 4}, "evidence"),
        ({"colour": "red"}, "setting"),
        ({"problem": "ring", "substrate": "laser"}, "laser-reduced"),
    ],
)
def test_wrong_settings_are_one_sentence_and_the_view_goes_on(
    wrong: dict[str, Any], named: str, page: str
) -> None:
    with opened(page) as client:
        client.show("network", **QUICK)
        refused = client.show("network", **{**QUICK, **wrong})
        assert refused["kind"] == "refusal"
        assert named in refused["sentence"]
        assert client.more(2)["draws"] > 0


def test_what_is_no_message_is_refused_and_the_page_stays(page: str) -> None:
    with opened(page) as client:
        for wrong in ("hello", b"\0\1"):
            client.socket.send(wrong)
            assert client.frame()["kind"] == "refusal"
        assert client.show("network", **QUICK)["kind"] == "about"
        assert client.show("laboratory")["kind"] == "refusal"


def test_a_flood_or_a_giant_ends_the_page(page: str) -> None:
    with opened(page) as client, pytest.raises(ConnectionClosed) as closed:
        for _ in range(2000):
            client.socket.send("x")
        while True:
            client.frame()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == app.POLICY_VIOLATED
    with opened(page) as client, pytest.raises(ConnectionClosed):
        client.socket.send("x" * 10**6)
        client.frame()


def test_only_the_token_opens_it(page: str) -> None:
    assert fetched(page) == fetched(page + "main.js") == 200
    root = page.rsplit("/", 2)[0]
    for other in (
        root + "/",
        root + "/token/",
        root + "/token/main.js",
        page + "../app.py",
        page + "%2e%2e%2fapp.py",
        page + "views",
    ):
        assert fetched(other) == 404
    with pytest.raises(InvalidStatus), opened(root + "/token/"):
        pass


def test_other_pages_are_kept_out(page: str) -> None:
    own = page.rsplit("/", 2)[0]
    for origin in ("http://example.org", "null", own.replace("http", "https"), own + "1"):
        with pytest.raises(InvalidStatus), opened(page, origin=origin):
            pass
    with opened(page, origin=own) as client:
        assert client.show("network", **QUICK)["kind"] == "about"
    assert fetched(page, Host="example.org") == 400
    with urllib.request.urlopen(page) as answer:
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_it_listens_on_loopback_alone(page: str) -> None:
    assert page.startswith("http://127.0.0.1:")
    port = int(page.split(":")[2].split("/")[0])
    with (
        pytest.raises(ConnectionRefusedError),
        socket.create_connection(("127.0.0.2", port), timeout=1),
    ):
        pass


@pytest.mark.parametrize(("problem", "substrate", "evidence"), TAKES)
def test_the_code_takes_the_same_draws(problem: str, substrate: str, evidence: str, page: str) -> None:
    with opened(page) as client:
        values = {"problem": problem, "substrate": substrate, "evidence": evidence}
        client.show("network", **values, chains=8, seed=5, speed=1e6)
        shown = client.more()
        while shown["draws"] < 30:
            shown = client.more()
        code = client.press("python")["code"]
    names: dict[str, Any] = {}
    exec(code, names)
    samples = names["samples"]
    assert samples.draws == shown["draws"]
    counted = samples.states.mean(axis=(0, 1))[samples.free_units]
    np.testing.assert_allclose(counted, shown["marginals"], rtol=1e-12)


def test_code_of_every_problem_makes_its_machine() -> None:
    shelf = Shelf()
    for name, problem in PRESETS.items():
        names: dict[str, Any] = {}
        exec(f"import numpy as np\nimport photinus as ph\n{problem.code}", names)
        assert names["machine"] == shelf.machine(name)


def test_evidence_moves_the_bars_to_the_posterior(page: str) -> None:
    with opened(page) as client:
        prior = client.show("network", **{**QUICK, "problem": "rain"})
        posterior = client.show("network", **{**QUICK, "problem": "rain", "evidence": "--1"})
        shown = client.more(25)
    machine = Shelf().machine("rain").conditional({"wet": 1})
    np.testing.assert_allclose(posterior["exact_marginals"], machine.marginals())
    np.testing.assert_allclose(posterior["exact_joint"], machine.joint())
    assert np.abs(shown["marginals"] - machine.marginals()).max() < 0.05
    assert np.abs(prior["exact_marginals"][:2] - machine.marginals()).max() > 0.1
    assert shown["kl"][-1] < shown["kl"][0]


def test_the_tally_of_exact_draws_stays_below_its_limit() -> None:
    from photinus.reference.exact import sample_exact

    machine = Shelf().machine("triangle")
    free = np.arange(3)
    right, wrong = (Tally(target, free, 8) for target in (machine, machine.heated(2.0)))
    for seed in range(20):
        states = sample_exact(machine, chains=8, draws=100, seed=seed)
        right.add(states)
        wrong.add(states)
    # Each limit has a false-alarm probability of 1 %, so the last one ten times over has next to none.
    assert right.sampled()["kl"][-1] < 10 * right.sampled()["kl_limit"][-1]
    assert wrong.sampled()["kl"][-1] > 10 * wrong.sampled()["kl_limit"][-1]
    error = np.abs(right.marginals - machine.marginals()).max()
    assert error < np.sqrt(np.log(6 / ALPHA) / (2 * 16000))  # Hoeffding
    np.testing.assert_allclose(right.sampled()["joint"].sum(), 1)


def test_a_closed_page_ends_its_view(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = threading.Event()
    monkeypatch.setattr(NetworkView, "close", lambda _: closed.set())
    with opened(page) as client:
        client.show("network", **QUICK)
        client.more(2)
        assert not closed.is_set()
    assert closed.wait(LONGEST)


def test_pages_do_not_disturb_each_other(page: str) -> None:
    with opened(page) as one, opened(page) as other:
        one.show("network", **QUICK)
        draws = one.more(3)["draws"]
        other.show("network", **{**QUICK, "problem": "pair"})
        other.more(5)
        assert len(other.more()["marginals"]) == 2
        last = one.more()
        assert len(last["marginals"]) == 3
        assert last["draws"] >= draws


def test_a_page_gets_no_frames_that_it_did_not_ask_for(page: str) -> None:
    with opened(page) as client:
        client.show("network", **QUICK)
        with pytest.raises(TimeoutError):
            client.frame(timeout=0.3)
        client.say(say="settings", view="network", values={**QUICK, "seed": 1})
        for _ in range(50):
            client.say(say="more")
        assert client.frame()["kind"] == "about"
        count = 0
        with pytest.raises(TimeoutError):
            while True:
                count += client.frame(timeout=0.5)["kind"] == "frame"
    assert 1 <= count < 40  # a queue would send all 50


def test_at_rest_it_uses_no_processor(page: str) -> None:
    with opened(page) as client:
        client.show("network", **QUICK)
        client.more(2)
        before = time.process_time()
        time.sleep(0.5)
        assert time.process_time() - before < 0.05


def test_an_error_of_the_engine_is_told_and_mended(
    page: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the engine broke")

    with opened(page) as client:
        client.show("network", **QUICK)
        with monkeypatch.context() as patch:
            patch.setattr(NetworkView, "advance", broken)
            client.say(say="more")
            failure = client.frame()
        assert failure["kind"] == "failure"
        assert "the engine broke" in failure["sentence"]
        assert client.show("network", **QUICK)["kind"] == "about"
        assert client.more()["kind"] == "frame"


def test_only_so_many_pages_at_a_time(page: str) -> None:
    with contextlib.ExitStack() as others:
        for _ in range(app.MOST_SESSIONS):
            others.enter_context(opened(page))
        with opened(page) as late:
            assert late.frame()["kind"] == "refusal"
    time.sleep(0.2)
    with opened(page) as again:
        assert again.show("network", **QUICK)["kind"] == "about"


def test_a_model_file_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["x", "y"]).save(path)
    with running(app.Studio(Shelf(path))) as own, opened(own) as client:
        about = client.show("network", substrate="gibbs")
        assert about["labels"] == ["x", "y"]
        assert about["titles"]["file"] == "mine.json"
        assert str(path) in client.press("python")["code"]


def brought(page: str, content: bytes, name: str, **headers: str) -> tuple[int, dict[str, Any]]:
    """Return status and answer for a model file that a page brings."""
    request = urllib.request.Request(f"{page}model?name={name}", content, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status), json.loads(answer.read())
    except urllib.error.HTTPError as error:
        text = error.read()
        return error.code, json.loads(text) if text.startswith(b"{") else {}


def test_pages_bring_models(page: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["x", "y"]).save(path)
    status, answer = brought(page, path.read_bytes(), "mine.json")
    assert status == 200
    with opened(page) as client:
        about = client.show("network", problem=answer["problem"], substrate="gibbs")
        assert about["labels"] == ["x", "y"]
        assert about["titles"][answer["problem"]] == "mine.json"
    for content, name in ((b"{}", "a.json"), (b"", "b.bif"), (b"PK", "../../c.npz"), (b"x", "")):
        status, answer = brought(page, content, name)
        assert status == 422
        assert "/tmp" not in answer["sentence"]
    assert brought(page, b"x" * (app.LARGEST_MODEL + 1), "d.json")[0] == 413
    assert brought(page, b"{}", "e.json", Origin="http://example.org")[0] == 404
    assert brought(page.rsplit("/", 2)[0] + "/token/", b"{}", "e.json")[0] == 404
    shelf = Shelf()
    for _ in range(12):
        last = shelf.take(path.read_bytes(), "mine.json")
    assert sum(name.startswith("brought") for name in shelf.titles()) == 8
    assert shelf.machine(last).labels == ("x", "y")


def test_the_command_refuses_what_it_cannot_serve(run: Run, tmp_path: Path) -> None:
    code, _, err = run("studio", tmp_path / "missing.json", "--no-browser")
    assert code == 2
    assert "missing.json" in err
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = run("studio", "--port", port, "--no-browser")
    assert code == 2
    assert f"got {port}" in err
    code, _, err = run("studio", "--port", 70000)
    assert code == 2


def test_networks_are_built_by_hand(page: str) -> None:
    with opened(page) as client:
        about = client.show("network", problem="own", own="-0.5,1,0;0-1:1.5,1-2:-2", substrate="gibbs")
        assert about["labels"] == ["a", "b", "c"]
        assert about["biases"].tolist() == [-0.5, 1, 0]
        assert about["weights"].tolist() == [1.5, -2]
        names: dict[str, Any] = {}
        client.more(3)
        exec(client.press("python")["code"], names)
        assert names["machine"] == machine_of("-0.5,1,0;0-1:1.5,1-2:-2")


@pytest.mark.parametrize(
    "text",
    ["", ";", "a", "1,", "nan", "11", "0;0-0:1", "0,0;0-2:1", "0,0;0-1", "0,0;0-1:x", "0,0;0-1:1e9", ",".join("0" * 13), 4],
)  # fmt: skip
def test_what_is_no_network_is_refused(text: Any) -> None:
    with pytest.raises(InvalidInput):
        machine_of(text)
