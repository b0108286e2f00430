"""Compiled code: never an old one, with or without a folder to keep it in, and no start that fails."""

import ast
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import photinus
from photinus._core import compilation

PACKAGE = Path(photinus.__file__).parent
SAMPLE = """
import photinus as ph
from photinus.reference.ideal import sample_ideal
machine = ph.BoltzmannMachine([[0, 1.], [1, 0]], [0, 0])
print([column.tolist() for column in sample_ideal(machine, chains=1, duration=3.0, seed=0)])
"""


def python(code: str, folder: Path, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """Run `code` with the package in `folder` and no usual place for files of the user's."""
    env = {
        k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME")
    }
    env["PYTHONPATH"] = str(folder)
    env |= {name: value for name, value in environment.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=folder, check=True
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with a copy of the package."""
    folder = tmp_path / "installed"
    shutil.copytree(PACKAGE, folder / "photinus", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def change_uniform_numbers(folder: Path) -> None:
    """Change a function that kernels of other files call."""
    source = folder / "photinus" / "reference" / "_chains.py"
    old, text = "return (bits + 0.5) * 2.220446049250313e-16, s0", source.read_text()
    assert old in text
    source.write_text(text.replace(old, "return 0.25, s0"))


@pytest.mark.parametrize("writable", [True, False])
def test_a_changed_function_counts_at_once(copy: Path, tmp_path: Path, writable: bool) -> None:
    """All random numbers become ¼: two units of hazard 1 each fire first after ln 4 / 2."""
    cache = tmp_path / "cache"
    if not writable:
        cache.touch()  # a file: no folder can be made there
    before = python(SAMPLE, copy, NUMBA_CACHE_DIR=str(cache)).stdout
    change_uniform_numbers(copy)
    after = python(SAMPLE, copy, NUMBA_CACHE_DIR=str(cache)).stdout
    first = eval(after)[2][0]
    assert before != after
    assert first == pytest.approx(math.log(4) / 2)
    assert not list(copy.rglob("*.nb[ic]"))  # nor has Numba taken another place
    assert cache.is_dir() == writable
    if writable:
        assert len(list(cache.glob("kernels-*"))) == 2


READ_ONLY = """
import os, sys
def refuse(event, arguments):
    writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if event in ("os.mkdir", "os.rename") or (writes and not str(arguments[0]).startswith("/dev/")):
        raise OSError(30, "Read-only file system", arguments[0])
sys.addaudithook(refuse)
"""


@pytest.mark.parametrize("cache", [None, "/proc/photinus"])
def test_starts_where_nothing_can_be_written(copy: Path, cache: str | None) -> None:
    """No home, and every file system is read-only: folders of the package, of the user, of Numba."""
    before = sorted(copy.rglob("*"))
    changes = {"NUMBA_CACHE_DIR": cache, "PYTHONDONTWRITEBYTECODE": "1"}
    assert python(READ_ONLY + SAMPLE, copy, **changes).stdout.startswith("[")
    assert sorted(copy.rglob("*")) == before
    with pytest.raises(subprocess.CalledProcessError):
        python(READ_ONLY + "open('file', 'w')", copy)


def test_without_a_home_no_folder_is_made_in_the_working_directory(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _: "~/.cache/photinus")
    assert compilation._cache_folder.__wrapped__() is None
    assert not list(tmp_path.iterdir())


DAMAGES = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "changed": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
}
TWICE = """
import os
from photinus._core.compilation import kernel
@kernel
def twice(x): return 2 * x
print(twice(float(os.environ["X"]) if "." in os.environ["X"] else int(os.environ["X"])), end=" ")
print(sum(twice.stats.cache_hits.values()))
"""
"""Prints twice a whole or other number, and how often compiled code was found."""


def start_twice(folder: Path, x: str) -> "subprocess.Popen[str]":
    """Start a process that compiles, or finds, `twice` for whole or other numbers."""
    if not (folder / "twice.py").exists():  # others may be reading it
        (folder / "twice.py").write_text(TWICE)
    env = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache"), "X": x}
    env["PYTHONPATH"] = f"{PACKAGE.parent}:{folder}"
    command = [sys.executable, "-c", "import twice"]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)


def test_damaged_files_are_compiled_again(tmp_path: Path) -> None:
    def run() -> str:
        return start_twice(tmp_path, "3").communicate()[0].strip()

    assert [run(), run()] == ["6 0", "6 1"]
    (stored,) = (tmp_path / "cache").rglob("*.bin")
    for name, damage in DAMAGES.items():
        stored.write_bytes(damage(stored.read_bytes()))
        assert [run(), run()] == ["6 0", "6 1"], name


def test_processes_that_start_together(tmp_path: Path) -> None:
    """Two signatures of one kernel, compiled at the same time by several processes."""
    values, results = ["3", "1.25"] * 2, ["6", "2.5"] * 2
    for _ in range(2):
        started = [start_twice(tmp_path, x) for x in values]
        told = [process.communicate()[0].split() for process in started]
        assert [result for result, _ in told] == results
    assert [hits for _, hits in told] == ["1"] * 4
    assert len(list((tmp_path / "cache").rglob("*"))) == 3  # the folder, and no other file in it


def compiled_names(tree: ast.Module) -> set[str]:
    """Return the names that compiled functions of a file use."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            marks = {ast.unparse(mark) for mark in node.decorator_list}
            if marks & {"kernel", "inlined"}:
                found |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return found


def constants(tree: ast.Module, names: set[str]) -> set[str]:
    """Return `names` and those that assignments at the top of a file make them of."""
    for node in reversed(tree.body):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            made = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            names = names | made if names & made else names
    return names


def test_all_that_feeds_kernels_is_in_the_fingerprint() -> None:
    """Whatever a compiled function takes from another file of the package is from a hashed one."""
    hashed, seen = set(compilation._sources()), 0
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text())
        names = constants(tree, compiled_names(tree))
        if names:
            assert path in hashed
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("photinus"):
                continue
            taken = {(a.asname or a.name): a.name for a in node.names}
            module = PACKAGE.parent / Path(*str(node.module).split("."))
            for name in names & set(taken):
                file = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
                inner = module / f"{taken[name]}.py"
                assert (inner if inner.exists() else file) in hashed, f"{path}: {name} from {file}"
                seen += 1
    assert seen > 10
