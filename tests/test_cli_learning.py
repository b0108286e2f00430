"""From images to a learned machine and its tasks, by the commands that a user types."""

import contextlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from photinus import BoltzmannMachine
from photinus.faces.cli import app
from photinus.learning.units import Units
from tests.conftest import Run

LEARN = ("learn", "--data", "bars.npz", "--hidden", 6, "--epochs", 200, "--rate", 0.3, "--batch", 20)


@pytest.fixture
def images(tmp_path: Path) -> str:
    """Write an archive of 4×3 images, bright above or below, and return its name."""
    return write_images(tmp_path)


def write_images(folder: Path) -> Any:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    grey = rng.random((200, 4, 3)) * 0.5
    grey[labels == 0, :2] += 0.5
    grey[labels == 1, 2:] += 0.5
    np.savez(folder / "bars.npz", images=grey, labels=labels)
    return "bars.npz"


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Learn the archive, once for all tests, and return the folder of all that was written."""
    folder = tmp_path_factory.mktemp("learned")
    write_images(folder)
    with contextlib.chdir(folder):
        result = CliRunner().invoke(app, [str(word) for word in LEARN])
    assert result.exit_code == 0, result.output
    assert "classes right, exact free energy" in result.output
    return folder


@pytest.fixture
def model(run: Run, learned: Any, tmp_path: Path) -> Any:
    """Copy what was learned here, where `run` works, and return the machine's name."""
    shutil.copytree(learned, tmp_path, dirs_exist_ok=True)
    return "machine.npz"


def report(folder: Path) -> Any:
    """Return the HTML report in a folder, which must be self-contained."""
    page = (folder / "report.html").read_text()
    assert "http" not in page.split("</style>")[1]
    return page


def test_learn_writes_machine_checkpoint_and_report(
    run: Run, model: Any, images: Any, tmp_path: Path
) -> None:
    units = Units.of(BoltzmannMachine.load(tmp_path / model))
    assert (len(units.features), units.names, len(units.hidden)) == (12, ("0", "1"), 6)
    assert (tmp_path / "machine.html").read_text().count("data:image/svg+xml;base64,") == 2
    code, _, err = run("learn", "--data", images, "--hidden", 6)
    assert code == 2
    assert "path 'machine.npz' exists already" in err
    before = BoltzmannMachine.load(tmp_path / model)
    (tmp_path / model).unlink()
    assert run(*LEARN, "--resume")[0] == 0
    assert BoltzmannMachine.load(tmp_path / model) == before


def test_learn_deep_and_without_labels(run: Run, images: str, tmp_path: Path) -> None:
    code, _, _ = run(
        "learn", "--data", images, "--hidden", 5, "--hidden", 3, "--no-labels", "--epochs", 2, "--out", "d.json"
    )  # fmt: skip
    assert code == 0
    machine = BoltzmannMachine.load(tmp_path / "d.json")
    assert machine.n_units == 12 + 5 + 3
    assert Units.of(machine).names == ()


def test_dream_is_judged_beside_gibbs_sampling(
    run: Run, model: Any, images: Any, tmp_path: Path
) -> None:
    code, out, _ = run(
        "dream", model, "--substrate", "laser-reduced", "--chains", 4, "--draws", 60, "--data", images
    )
    assert code == 0
    for line in (
        "Mixing, laser-reduced",
        "Mixing, gibbs",
        "per µs and chain",
        "per second of wall time",
    ):
        assert line in out
    folder = tmp_path / "runs" / "dream"
    page = report(folder)
    assert page.count("data:image/svg+xml;base64,") == 4
    assert page.count("data:image/gif;base64,") == 1
    assert (folder / "animation.gif").read_bytes()[:6] == b"GIF89a"
    with np.load(folder / "dream.npz") as arrays:
        assert arrays["pixels"].shape == (4, 60, 12)
    assert run("dream", model, "--substrate", "gibbs", "--draws", 20)[0] == 0
    assert (tmp_path / "runs" / "dream-2" / "report.html").exists()


def test_dream_heated_and_on_full_physics(run: Run, model: Any) -> None:
    code, out, _ = run(
        "dream", model, "--chains", 2, "--draws", 4, "--hottest", 2, "--period", 8, "--substrate", "laser-reduced"
    )  # fmt: skip
    assert code == 0
    assert "time on the chip" not in out  # draws are not evenly spaced
    code, out, _ = run("dream", model, "--chains", 2, "--draws", 4)
    assert code == 0
    assert re.search(r"time on the chip\s+\d", out)


def test_imagine_shows_the_class(run: Run, images: str, tmp_path: Path) -> None:
    """By exact draws: chains of such a machine stay for long in the image that they start with."""
    learn = ("--hidden", 6, "--epochs", 50, "--rate", 0.1, "--batch", 20)
    assert run("learn", "--data", images, *learn)[0] == 0
    classes = ("--class", 0, "--class", 1)
    code, _, _ = run("imagine", "machine.npz", *classes, "--substrate", "exact", "--draws", 200)
    assert code == 0
    with np.load(tmp_path / "runs" / "imagine" / "imagine.npz") as arrays:
        mean = arrays["pixels"].mean(axis=1).reshape(2, 2, 6).mean(axis=2)
    assert mean[0, 0] > mean[0, 1] + 0.3
    assert mean[1, 1] > mean[1, 0] + 0.3


@pytest.mark.parametrize("hide", ["half", "quarter", "random"])
def test_complete_stands_beside_gibbs_sampling(
    run: Run, model: Any, images: Any, tmp_path: Path, hide: str
) -> None:
    code, out, _ = run(
        "complete",
        model,
        "--data",
        images,
        "--hide",
        hide,
        "--substrate",
        "laser-reduced",
        "--images",
        6,
    )
    assert code == 0
    assert "means apart from Gibbs sampling" in out
    page = report(tmp_path / "runs" / "complete")
    assert page.count("data:image/svg+xml;base64,") == 1
    with np.load(tmp_path / "runs" / "complete" / "complete.npz") as arrays:
        np.testing.assert_array_equal(
            arrays["mean"][:, arrays["known"]], arrays["truth"][:, arrays["known"]]
        )


def test_classify_stands_beside_gibbs_sampling(run: Run, model: Any, images: Any) -> None:
    code, out, _ = run(
        "classify", model, "--data", images, "--substrate", "laser-reduced", "--images", 30
    )
    assert code == 0
    right = [float(found) for found in re.findall(r"accuracy, \S+\s+([\d.]+) %", out)]
    assert len(right) == 2
    assert min(right) > 80


def test_results_as_json(run: Run, model: Any, images: Any, tmp_path: Path) -> None:
    data, gibbs = ("--data", images), ("--substrate", "gibbs", "--json")
    code, out, _ = run(*LEARN, "--epochs", 2, "--out", "brief.npz", "--json")
    assert code == 0
    found = json.loads(out)["found"]
    assert (found["units"], found["epochs"]) == (20, 2)
    assert 0 <= found["accuracy"] <= 1
    assert found["log_likelihood"]["value"] < 0 < found["log_likelihood"]["error"]
    found = json.loads(run("classify", model, *data, "--images", 5, *gibbs)[1])["found"]
    assert found["images"] == 5
    assert 0 <= found["accuracy"]["gibbs"] <= 1
    found = json.loads(run("complete", model, *data, "--images", 2, *gibbs)[1])["found"]
    assert found["pixels_wrong"]["gibbs"] <= 1
    found = json.loads(run("dream", model, *data, "--chains", 2, "--draws", 9, *gibbs)[1])["found"]
    assert found["mixing"]["gibbs"]["classes"] == 2
    assert found["chip_time"] is None


def test_machines_of_rbms_dream(run: Run, tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "theirs.h5", "w") as file:
        file["model_type"] = "BBRBM"
        file["update_3/params/weight_matrix"] = np.ones((4, 2), np.float32)
        file["update_3/params/vbias"] = np.zeros(4, np.float32)
        file["update_3/params/hbias"] = np.zeros(2, np.float32)
    assert run("dream", "theirs.h5", "--substrate", "gibbs", "--draws", 10)[0] == 0


GPU = ("--substrate", "laser-reduced", "--engine", "gpu")
ENGINES = "engine of 'laser-reduced' must be one of 'cpu', 'cuda', got 'gpu'"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dream", "none.npz"), "file 'none.npz' does not exist"),
        (("dream", "MODEL", "--substrate", "lasers"), "did you mean 'laser'?"),
        (("dream", "MODEL", "--hottest", 0.5), "hottest must be at least 1, got 0.5"),
        (("dream", "MODEL", "--data", "none.npz"), "file 'none.npz' does not exist"),
        (("imagine", "MODEL", "--class", 7), "class must be one of '0', '1', got '7'"),
        (("complete", "MODEL"), "images must have shape (image, 12), got (12, 64)"),
        (("complete", "MODEL", "--data", "mnist"), "data_dir must be the folder of the MNIST files"),
        (("complete", "MODEL", "--data", "bars.npz", "--hide", "all"), "kind must be one of"),
        (("classify", "MODEL", "--data", "bar"), "data must be one of"),
        (("dream", "MODEL", *GPU), ENGINES),
        (("imagine", "MODEL", "--class", 1, *GPU), ENGINES),
        (("complete", "MODEL", "--data", "bars.npz", "--images", 2, *GPU), ENGINES),
        (("classify", "MODEL", "--data", "bars.npz", "--images", 2, *GPU), ENGINES),
        (("learn", "--out", "machine.txt"), "--out must end in .npz or .json"),
        (("learn", "--out", "x.npz", "--method", "pdc"), "did you mean 'pcd'?"),
        (("learn", "--out", "x.npz", "--rate", -1), "learning_rate must be above 0"),
    ],
)
def test_bad_input_is_one_sentence(
    run: Run, model: Any, arguments: tuple[float | str, ...], message: str
) -> None:
    code, _, err = run(*(model if given == "MODEL" else given for given in arguments))
    assert code == 2
    assert "Traceback" not in err
    assert message in err
    assert len(err.strip().splitlines()) == 1
