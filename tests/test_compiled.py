"""Compiled code: never an old one, with or without a folder to keep it in, and no start that fails."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

import photinus
from photinus._core import compilation

PACKAGE = Path(photinus.__file__).parent
KERNEL = """
import numpy as np
from photinus._core.compilation import kernel
from photinus.reference._chains import uniform

@kernel
def first(state):
    return uniform(*state)[0]

print(first(tuple(np.arange(1, 5, dtype=np.uint32))))
"""
"""A small kernel, as the package has them, of a function in another file: a uniform number."""
RUN = "import photinus.first"


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
    """Return a folder with a copy of the package, and one more kernel in it."""
    folder = tmp_path / "installed"
    shutil.copytree(PACKAGE, folder / "photinus", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "photinus" / "first.py").write_text(KERNEL)
    return folder


def change_uniform_numbers(folder: Path) -> None:
    """Change a function that kernels of other files call."""
    source = folder / "photinus" / "reference" / "_chains.py"
    old, text = "return joined(high, low), s0", source.read_text()
    assert old in text
    source.write_text(text.replace(old, "return 0.25, s0"))


@pytest.mark.parametrize("writable", [True, False])
def test_a_changed_function_counts_at_once(copy: Path, tmp_path: Path, writable: bool) -> None:
    """All random numbers become ¼."""
    cache = tmp_path / "cache"
    if not writable:
        cache.touch()  # a file: no folder can be made there
    assert 0 < float(python(RUN, copy, NUMBA_CACHE_DIR=str(cache)).stdout) != 0.25
    change_uniform_numbers(copy)
    assert float(python(RUN, copy, NUMBA_CACHE_DIR=str(cache)).stdout) == 0.25
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
    assert 0 < float(python(READ_ONLY + RUN, copy, **changes).stdout) < 1
    assert sorted(copy.rglob("*")) == before
    with pytest.raises(subprocess.CalledProcessError):
        python(READ_ONLY + "open('file', 'w')", copy)


def test_without_a_home_no_folder_is_made_in_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
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
from photinus._core.compilation import kernel
@kernel
def twice(x): return 2 * x
"""
TOLD = """
import os
from twice import twice
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
    return subprocess.Popen([sys.executable, "-c", TOLD], env=env, stdout=subprocess.PIPE, text=True)


def test_damaged_files_are_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run defines the function once more, so it knows nothing but what is in the folder."""
    monkeypatch.setattr(compilation, "_cache_folder", lambda: tmp_path)

    def run() -> tuple[int, int]:
        names: dict[str, Any] = {"__name__": "twice"}
        exec(TWICE, names)
        return names["twice"](3), sum(names["twice"].stats.cache_hits.values())

    assert [run(), run()] == [(6, 0), (6, 1)]
    (stored,) = tmp_path.iterdir()
    for name, damage in DAMAGES.items():
        stored.write_bytes(damage(stored.read_bytes()))
        assert [run(), run()] == [(6, 0), (6, 1)], name


def test_processes_that_start_together(tmp_path: Path) -> None:
    """Two signatures of one kernel, compiled at the same time by several processes."""
    for times in (2, 1):
        started = [start_twice(tmp_path, x) for x in ["3", "1.25"] * times]
        told = [process.communicate()[0].split() for process in started]
        assert [result for result, _ in told] == ["6", "2.5"] * times
    assert [hits for _, hits in told] == ["1", "1"]
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


# ---------------------------------------------------------------------------- bits


@numba.njit
def found_by_bits(numbers: Any, first: Any) -> Any:
    """Return the places above zero of a tile's numbers, one bit after the other."""
    word = compilation.positive_of_tile(numbers, np.uintp(first))
    found = []
    while word != 0:
        found.append(compilation.lowest_bit(word))
        word = np.uint32(word & np.uint32(word - np.uint32(1)))
    return found


@pytest.mark.parametrize("first", [0, 5])
@pytest.mark.parametrize("share", [0.02, 0.5, 1.0])
def test_bits_tell_which_numbers_are_positive(first: int, share: float) -> None:
    random = np.random.default_rng(1)
    numbers = random.normal(size=compilation.TILE + 8).astype(np.float32)
    numbers[random.random(numbers.size) > share] = 0.0
    numbers[first : first + 2] = np.nan, 1e-40
    tile = numbers[first : first + compilation.TILE]
    assert found_by_bits(numbers, first) == np.flatnonzero(tile > 0).tolist()


def test_a_borrowed_array_is_the_same_and_stays() -> None:
    @numba.njit
    def double(array: Any) -> None:
        mine = compilation.borrowed(array)
        for k in range(mine.size):
            mine[k] *= 2

    array = np.arange(5.0)
    for _ in range(3):
        before = sys.getrefcount(array)
        double(array)
        assert sys.getrefcount(array) == before
    assert array.tolist() == [0, 8, 16, 24, 32]
