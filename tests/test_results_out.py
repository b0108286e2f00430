"""Results in other people's hands: ArviZ, NetCDF, frames and their files; and without the packages."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray
from numpy.typing import NDArray

import photinus as ph
from tests.narrow import there, untyped

MACHINE = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet, or not"])


def runs() -> dict[str, ph.Samples]:
    """Return short runs of all kinds: evidence, heat, copies, faults, flipped neurons, no spikes."""
    from photinus.networks.imperfections import Imperfections

    options: dict[str, Any] = {"chains": 4, "draws": 40, "burn_in": 8, "seed": 1}
    reduced = {**options, "substrate": "laser-reduced"}
    silent = ph.BoltzmannMachine([[0, 0], [0, 0]], [-14, -14], labels=[3, "3 "])
    return {
        "lasers": ph.sample(MACHINE, **reduced),
        "evidence": ph.sample(MACHINE, **reduced, evidence={"rain": [0, 1, 1, 0]}),
        "heated": ph.sample(MACHINE, **reduced, tempering=ph.Tempering(period=8)),
        "copies": ph.sample(MACHINE, **reduced, tempering=ph.Parallel(temperatures=(1.0, 2.0))),
        "faults": ph.sample(MACHINE, **reduced, imperfections=Imperfections(lost_spikes=0.1)),
        "flipped": ph.sample(MACHINE, **reduced, gauge=[True, False]),
        "silent": ph.sample(silent, **reduced),
        "lif": ph.sample(MACHINE, "lif", **options),
        "ideal": ph.sample(MACHINE, "ideal", **options),
        "gibbs": ph.sample(MACHINE, "gibbs", **options),
    }


@pytest.fixture(scope="module")
def samples() -> dict[str, ph.Samples]:
    return runs()


KINDS = (
    "lasers",
    "evidence",
    "heated",
    "copies",
    "faults",
    "flipped",
    "silent",
    "lif",
    "ideal",
    "gibbs",
)


def test_every_kind_of_run_is_there(samples: dict[str, ph.Samples]) -> None:
    assert tuple(samples) == KINDS
    assert len(there(samples["silent"].spikes)) == 0


# ArviZ


@pytest.fixture(scope="module")
def arviz() -> ModuleType:
    import warnings

    import matplotlib

    matplotlib.use("Agg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it announces its next version
        import arviz
    return arviz


def effective_share(chains: NDArray[np.float64]) -> float:
    """Return the effective share of draws of an AR(1) process, from its lag-1 autocorrelation."""
    x = chains - chains.mean()
    rho = float((x[:, 1:] * x[:, :-1]).mean() / (x * x).mean())
    return (1 - rho) / (1 + rho)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["lasers", "evidence", "heated", "gibbs"])
def test_arviz_reads_samples(kind: str, samples: dict[str, ph.Samples], arviz: Any) -> None:
    found, run = samples[kind].to_arviz(), samples[kind]
    table = arviz.summary(found, var_names=["z"], round_to="none")
    assert list(table.index) == ["z[rain]", "z[wet, or not]"]
    np.testing.assert_allclose(table["mean"], run.states.mean(axis=(0, 1)), atol=1e-12)
    for statistic in (arviz.ess, arviz.rhat):
        values = statistic(found)["z"]
        assert values.sizes == {"unit": 2}
    for plot in (arviz.plot_trace, arviz.plot_autocorr):
        assert plot(found) is not None
    arviz_pyplot_closed()


def arviz_pyplot_closed() -> None:
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.mark.filterwarnings("ignore")
def test_arviz_and_we_agree_on_effective_draws(arviz: Any) -> None:
    run = ph.sample(MACHINE, "gibbs", chains=8, draws=1000, seed=3)
    ess = arviz.ess(run.to_arviz())["z"].values
    # A Gibbs chain of two units is a two-state Markov chain, whose autocorrelation is geometric.
    for unit in range(2):
        expected = 8000 * effective_share(run.states[:, :, unit].astype(float))
        assert ess[unit] == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("kind", KINDS)
def test_netcdf_gives_back_what_was_written(
    kind: str, samples: dict[str, ph.Samples], tmp_path: Path
) -> None:
    tree = samples[kind].to_datatree()
    tree.to_netcdf(tmp_path / "run.nc", engine="h5netcdf")
    with xarray.open_datatree(tmp_path / "run.nc", engine="h5netcdf") as back:
        xarray.testing.assert_equal(back, tree)
        assert back.attrs == tree.attrs
        assert isinstance(back.attrs["photinus"], str)
        assert back["posterior/z"].dtype == np.uint8
    changed = tree.copy(deep=True)
    untyped(changed["posterior/z"]).values[0, 0] ^= 1
    with pytest.raises(AssertionError):
        xarray.testing.assert_equal(changed, tree)


@pytest.mark.filterwarnings("ignore")
def test_arviz_reads_the_netcdf_file(
    samples: dict[str, ph.Samples], tmp_path: Path, arviz: Any
) -> None:
    samples["lasers"].to_datatree().to_netcdf(tmp_path / "run.nc", engine="h5netcdf")
    found = arviz.from_netcdf(tmp_path / "run.nc", engine="h5netcdf")
    np.testing.assert_array_equal(found["posterior"]["z"].values, samples["lasers"].states)


# Frames


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_has_a_row_per_draw(kind: str, samples: dict[str, ph.Samples]) -> None:
    run, frame = samples[kind], samples[kind].to_frame()
    timed = run.network is not None
    names = [str(label) for label in run.machine.labels]
    assert list(frame.columns) == ["chain", "draw", *(["time"] if timed else []), *names]
    assert len(frame) == 160
    for _, row in frame.sample(10, random_state=0).iterrows():
        chain, draw = int(row["chain"]), int(row["draw"])
        assert row[names].tolist() == run.states[chain, draw].tolist()
        if timed and run.tempering is None:
            window = there(run.network).window
            assert row["time"] == pytest.approx((8 + draw + 1) * window, rel=1e-12)
    if timed:
        # The last draw ends the run.
        assert frame["time"].max() == pytest.approx(there(run.physical_time), rel=1e-12)
        assert (np.diff(frame["time"].to_numpy()[:40]) > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_frames_survive_their_files(kind: str, samples: dict[str, ph.Samples], tmp_path: Path) -> None:
    import pandas as pd

    frame = samples[kind].to_frame()
    frame.to_parquet(tmp_path / "run.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "run.parquet"), frame)
    frame.to_csv(tmp_path / "run.csv", index=False)
    back = pd.read_csv(tmp_path / "run.csv")
    pd.testing.assert_frame_equal(back, frame, check_dtype=False, rtol=1e-14, atol=0)


@pytest.mark.parametrize("labels", [["time", "a"], ["chain", "b"], [1, "1"]])
def test_labels_that_are_columns_already_are_refused(labels: list[Any]) -> None:
    machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0, 0], labels=labels)
    run = ph.sample(machine, "gibbs", chains=2, draws=5, burn_in=0, seed=0)
    with pytest.raises(ph.InvalidInput, match=r"labels must differ as text, .* got '(time|chain|1)'"):
        run.to_frame()


# Without the packages


@pytest.mark.parametrize(
    ("package", "extra", "call"),
    [
        ("pandas", "frames", lambda run: run.to_frame()),
        ("arviz", "arviz", lambda run: run.to_arviz()),
        ("dimod", "dimod", lambda run: run.to_dimod()),
    ],
)
def test_a_package_that_is_missing_is_one_sentence(
    package: str,
    extra: str,
    call: Callable[[ph.Samples], Any],
    samples: dict[str, ph.Samples],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from photinus.errors import MissingDependency

    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependency) as told:
        call(samples["lasers"])
    assert str(told.value).endswith(
        f"needs {package}, which is not installed: pip install 'photinus[{extra}]'"
    )
