"""Lasers fitted to measurements: tables, what is known, surfaces, the fit, its command."""

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from photinus import LaserParameters, plots
from photinus.devices.laser.measured import derive
from photinus.errors import InvalidInput
from photinus.measurements import (
    Intervals,
    Knowledge,
    Light,
    Noise,
    Pulse,
    Rates,
    fit_laser,
    next_measurements,
    read_table,
    relative_noise,
)
from photinus.measurements.bench import run as simulate
from photinus.measurements.curves import Predicted
from photinus.measurements.lines import Belief, information, linearise
from photinus.measurements.observations import Measurement, aligned
from photinus.measurements.result import WIDER, widened
from photinus.measurements.surfaces import Density, Surfaces
from photinus.measurements.walk import WALKERS, walk
from tests.conftest import Run
from tests.fits import small_fit

Array = NDArray[np.float64]
KNOWN = {"wavelength": "1550 nm", "threshold_current": "20 uA", "absorber_loss": 1.0, "beta": 0.012}
SURE = {"threshold_current": "10 %", "absorber_loss": "20 %"}
HELD = (
    "photon_lifetime",
    "gain_lifetime",
    "beta",
    "pump_efficiency",
    "gain_ratio",
    "absorber_lifetime",
)
"""All but threshold, loss of the absorber and efficiency of the light are as they are assumed."""


def test_a_table_is_read_in_si(tmp_path: Path) -> None:
    path = tmp_path / "rin.csv"
    path.write_text("# of Tuesday\nFrequency [GHz], rin [dB/Hz]\n\n1, -130\n10, -140\n", "utf-8-sig")
    read = read_table(path, {"frequency": "Hz", "rin": "1/Hz"})
    assert read["frequency"] == pytest.approx([1e9, 1e10])
    assert read["rin"] == pytest.approx([1e-13, 1e-14])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must have a head and rows, got nothing"),
        ("current [uA], power [uW]\n", "must have rows below its head, got none"),
        ("current [uA]\n1\n", "must have a column 'power', got 'current'"),
        ("current [uA], volts [V]\n1, 2\n", "column must be one of"),
        ("current, power [uW]\n1, 2\n", "column 'current' must have a unit in its head"),
        ("current [uW], power [uW]\n1, 2\n", "the unit of column 'current' must be a current"),
        ("current [uA], power [uA], power [uW]\n1, 2, 3\n", "the unit of column 'power'"),
        ("current [uA], current [uA]\n1, 2\n", "columns must differ, got 'current' twice"),
        ("current [uA], power [uW]\n1, two\n", "power in line 2 must be a number, got 'two'"),
        ("current [uA], power [uW]\n1, nan\n", "power in line 2 must be finite"),
        ("current [uA], power [uW]\n1, 2, 3\n", "line 2 must have 2 cells, got 3"),
    ],
)
def test_a_bad_table_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "li.csv"
    path.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        read_table(path, {"current": "A", "power": "W"})
    assert message in str(caught.value)
    assert "li.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Light(current=[1e-6], power=[0.0]), "power must have an entry other than 0"),
        (lambda: Light(current=[-1e-6], power=[1e-6]), "current must be at least 0"),
        (lambda: Light(current=[1e-6, 2e-6], power=[1e-6]), "power must have 2 entries, got 1"),
        (lambda: Rates(current=[1e-6], rate=[1e6], error=[0.0]), "error must be above 0"),
        (lambda: Pulse(current=1e-6, time=[0, 0], power=[1, 2]), "time must rise"),
        (lambda: Intervals(current=1e-6, interval=[1e-9] * 9), "at least 50 intervals, got 9"),
        (lambda: Intervals(current=1e-6, interval=[-1e-9] * 60), "interval must be above 0"),
        (
            lambda: Noise(current=cast(Any, "1 ns"), frequency=[1], rin=[1]),
            "current of noise must be a current",
        ),
    ],
)
def test_a_bad_measurement_is_told(make: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make()


def test_what_is_known_has_as_many_coordinates_as_a_laser() -> None:
    known = Knowledge.of({"quality": 5000, "threshold_current": "20 uA"}, {"quality": "20 %"})
    assert len(known.names) == 9  # the wavelength is not fitted
    at = dict(zip(known.names, known.width, strict=True))
    assert at["quality"] == pytest.approx(0.2)
    assert at["threshold_current"] == pytest.approx(0.05)
    laser = known.laser(known.centre)
    assert laser.quality_factor == pytest.approx(5000)
    assert laser.output_efficiency == pytest.approx(0.5)
    moved = known.laser(known.centre + np.eye(9)[known.names.index("quality")] * np.log(2))
    assert moved.quality_factor == pytest.approx(10_000)


def test_what_follows_from_the_rest_is_no_coordinate() -> None:
    lifetime = derive({"quality": 5000, "wavelength": "1550 nm"}).values["photon_lifetime"]
    both = {"quality": 5000, "photon_lifetime": lifetime, "wavelength": "1550 nm"}
    names = Knowledge.of(both).names
    assert ("quality" in names) + ("photon_lifetime" in names) == 1
    assert len(names) == 9
    volumes = {"gain_volume": "0.02 um3", "gain_density": "1e18 cm^-3"}
    assert {"gain_volume", "gain_density"} < set(Knowledge.of(volumes).names)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"uncertainty": {"quality": "0 %"}}, "uncertainty of quality must be above 0"),
        ({"uncertainty": {"colour": 0.1}}, "quantity of this laser must be one of"),
        ({"hold": ("colour",)}, "quantity of this laser must be one of"),
        ({"hold": Knowledge.of({"quality": 5000}).names}, "hold must leave a quantity to fit"),
    ],
)
def test_bad_knowledge_is_told(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Knowledge.of({"quality": 5000}, **options)


SLOPE = np.random.default_rng(5).standard_normal((12, 3))
ERROR = np.full(12, 0.5)


def straight(noise: float) -> Any:
    """Return a laboratory whose measurements are straight lines, seen by short simulations."""

    def predict(at: Array, seed: np.random.SeedSequence) -> Predicted:
        rng = np.random.default_rng(seed)
        seen = SLOPE @ at + noise * rng.standard_normal(12)
        return Predicted(seen, np.full(12, noise**2))

    return predict


CENTRE, WIDTH = np.array([1.0, -2.0, 0.5]), np.array([1.0, 2.0, 0.5])
FAR = 1e6
"""Standard deviations of places that are none of a limit."""


def through(shown: Any, noise: float, seed: int, count: int = 60) -> Surfaces:
    """Return surfaces through what is shown at places of what is known, with noise."""
    rng = np.random.default_rng([3, seed])
    places = CENTRE + WIDTH * rng.standard_normal((count, 3))
    values = np.array([shown(at) for at in places])
    values = values + noise * rng.standard_normal(values.shape)
    return Surfaces.through(places, values, np.full(values.shape, noise**2))


def found(surfaces: Surfaces, measured: Array, sigma: Array, steps: int = 400) -> Array:
    """Return draws of what measurements leave possible."""
    density = Density(surfaces, CENTRE, WIDTH, measured, sigma, FAR)
    rng = np.random.default_rng(5)
    starts = CENTRE + WIDTH * rng.standard_normal((WALKERS, 3))
    return walk(density, starts, steps, rng)[0]


def test_surfaces_give_what_bayes_does() -> None:
    measured = SLOPE @ np.array([1.5, -1.0, 0.2])
    draws = found(through(lambda at: SLOPE @ at, 0.0, 1), measured, ERROR, 1500)
    precision = np.diag(WIDTH**-2) + SLOPE.T @ SLOPE / ERROR[0] ** 2
    pull = CENTRE / WIDTH**2 + SLOPE.T @ measured / ERROR[0] ** 2
    expected, errors = np.linalg.solve(precision, pull), np.sqrt(np.diag(np.linalg.inv(precision)))
    # 6 000 draws, of which one in ten or more is independent: errors of 0.04, and 0.03 of a width.
    assert (draws.mean(axis=0) - expected) / errors == pytest.approx(np.zeros(3), abs=0.2)
    assert draws.std(axis=0) == pytest.approx(errors, rel=0.12)


def test_surfaces_follow_a_valley_that_bends() -> None:
    def bent(at: Array) -> Array:
        x, y, _ = (at - CENTRE) / WIDTH
        return np.array([y - x**2, y - x**2])

    surfaces = through(bent, 0.0, 2)
    assert surfaces.curvature == pytest.approx(np.zeros(2), abs=1e-6)
    draws = (found(surfaces, np.zeros(2), np.full(2, 0.05), 1500) - CENTRE) / WIDTH
    assert np.std(draws[:, 1] - draws[:, 0] ** 2) < 0.05
    assert np.std(draws[:, 0]) > 0.4  # no straight line through a point of it would leave that


def test_where_surfaces_are_not_known_they_say_so() -> None:
    surfaces = through(lambda at: SLOPE @ at, 0.2, 3)
    here, far = surfaces.at(CENTRE[None])[1], surfaces.at((CENTRE + 5 * WIDTH)[None])[1]
    assert (far > 10 * here).all()


def test_noise_of_simulations_is_no_information() -> None:
    prior = Belief(np.zeros(3), np.eye(3))

    def predict(at: Array, seed: np.random.SeedSequence) -> Predicted:
        # Both of a pair hear the same noise, so that of their difference is drawn by the place too.
        rng = np.random.default_rng([*seed.generate_state(2).tolist(), int(at[0] > 0)])
        return Predicted(rng.standard_normal(12), np.ones(12))

    found = [linearise(predict, prior, 16, np.random.SeedSequence(k)) for k in range(12)]
    brought = np.mean([np.trace(information(lines, ERROR)) for lines in found])
    naive = np.mean([np.sum(lines.slope**2 / lines.variance(ERROR)[:, None]) for lines in found])
    # Clipping at zero leaves some; without the correction it would count nearly as a measurement.
    assert brought < 0.5 * naive


def coverage(stated: float, trials: int = 20) -> int:
    """Return how many of 3 × trials true values are within their 95 % intervals."""
    inside = 0
    for k in range(trials):
        rng = np.random.default_rng([7, k])
        true = CENTRE + WIDTH * rng.standard_normal(3)
        measured = SLOPE @ true + ERROR * rng.standard_normal(12)
        draws = found(through(lambda at: SLOPE @ at, 0.2, k), measured, stated * ERROR)
        low, high = np.quantile(draws, (0.025, 0.975), axis=0)
        inside += int(np.sum((low < true) & (true < high)))
    return inside


def test_true_values_are_within_their_intervals() -> None:
    # False alarm: 1e-4 for 60 independent values at 95 %; those of one trial are nearly so.
    assert coverage(1.0) >= binom.ppf(1e-4, 60, 0.95)


def test_errors_a_quarter_as_large_are_seen() -> None:
    assert coverage(1 / 4) < binom.ppf(1e-4, 60, 0.95)


def test_draws_are_spread_up_to_what_was_known() -> None:
    rng = np.random.default_rng(8)
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    # Along their own directions: well known, hardly better than before, as before.
    drawn = CENTRE + WIDTH * ((rng.standard_normal((4000, 3)) * [0.1, 0.8, 1.0]) @ turn.T)
    apart = ((widened(drawn, WIDTH) - CENTRE) / WIDTH) @ turn
    # Errors of 4 000 draws are 1.1 %; five of them.
    assert apart.std(axis=0) == pytest.approx([0.1 * WIDER, 1.0, 1.0], rel=0.06)
    assert drawn.mean(axis=0) == pytest.approx(widened(drawn, WIDTH).mean(axis=0))


def test_intensity_noise_is_that_of_the_engine() -> None:
    laser = LaserParameters.preset("fast-absorber", absorber_transparency=0)
    seen = simulate(laser, [40e-6], [], np.random.SeedSequence(3), effort=2.0).light(40e-6)
    mean = seen.mean()
    per_chain = ((seen.astype(float) / mean - 1) ** 2).mean(axis=1)
    frequency = np.linspace(1e7, 4e11, 20_000)
    expected = np.trapezoid(relative_noise(laser, 40e-6, frequency), frequency)
    error = per_chain.std(ddof=1) / np.sqrt(len(per_chain))
    assert abs(per_chain.mean() - expected) < 5 * error + 0.05 * expected
    assert abs(per_chain.mean() - expected / 2) > 5 * error + 0.05 * expected / 2


def hidden() -> LaserParameters:
    return LaserParameters.from_measured(
        **KNOWN
        | {"threshold_current": "21.6 uA", "absorber_loss": 1.15, "output_efficiency": 0.3}
        | {"gain_lifetime": "1 ns", "absorber_lifetime": "20 ps", "gain_ratio": 12.5}
        | {"photon_lifetime": "4 ps", "pump_efficiency": 0.5}
    )


def measured(claimed: float = 1.0) -> list[Measurement]:
    """Return light and pulse of a hidden laser, with `claimed` times their true errors stated."""
    laser, rng = hidden(), np.random.default_rng(11)
    current = np.array([16e-6, 24e-6, 32e-6, 48e-6, 80e-6])
    bright = 52e-6
    seen = simulate(laser, [*current, bright], [], np.random.SeedSequence(12))
    power = np.array([seen.light(x).mean() for x in current]) * laser.output_power(1.0)
    error = 0.04 * power
    time = np.arange(-40e-12, 60e-12, 4e-12)
    shape = aligned(seen, bright, time).mean(axis=0) * laser.output_power(1.0)
    fuzz = 0.05 * shape.max()
    return [
        Light(
            current=current,
            power=power + error * rng.standard_normal(len(power)),
            error=claimed * error,
        ),
        Pulse(
            current=bright,
            time=time,
            power=shape + fuzz * rng.standard_normal(len(time)),
            error=claimed * fuzz,
        ),
    ]


def test_a_hidden_laser_comes_back_within_its_errors() -> None:
    laser = hidden()
    fit = fit_laser(KNOWN, measured(), uncertainty=SURE, hold=HELD, effort=0.15, seed=1, threads=1)
    truth = {
        "threshold_current": laser.threshold_current,
        "absorber_loss": 1.15,
        "output_efficiency": 0.3,
    }
    for name, true in truth.items():
        each = fit.estimate(name)
        share = name == "output_efficiency"
        away = (
            np.log(each.value / true)
            if not share
            else np.log(each.value / (1 - each.value) * (1 - true) / true)
        )
        # False alarm: 1e-4 for each of three.
        assert abs(away) < 3.9 * each.found, name
        # Light and one pulse say little of the absorber's loss, and the fit must not claim more.
        if name != "absorber_loss":
            assert each.found < 0.8 * each.known, name
    assert fit.scale < 1.5


def test_errors_that_are_too_small_are_seen() -> None:
    assert small_fit().scale == 1
    # 11 without the noise of so short simulations, which hides most of it.
    assert small_fit(0.1).scale > 2
    assert small_fit(0.1).errors > small_fit().errors / 10


def test_a_fit_tells_what_is_open_and_what_to_measure() -> None:
    fit = small_fit()
    assert fit.correlation.diagonal() == pytest.approx(np.ones(1))
    assert fit.open == ()
    json.dumps(fit.to_dict())
    advice = next_measurements(fit, seed=1, threads=1)
    gains = [each.gain for each in advice]
    assert gains == sorted(gains, reverse=True)
    assert gains[-1] >= 0
    assert {"output_efficiency by itself, within 5 %"} <= {each.measurement for each in advice}
    assert len(plots.residuals(fit).axes) == 2


def test_the_command_fits(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    light, pulse = measured()
    assert isinstance(light, Light)
    assert isinstance(pulse, Pulse)
    rows = zip(light.points * 1e6, light.values * 1e6, strict=True)
    Path("li.csv").write_text(
        "current [uA], power [uW]\n" + "".join(f"{x:.6g}, {y:.6g}\n" for x, y in rows)
    )
    lines = [f'{name} = "{value}"' for name, value in KNOWN.items() if name != "absorber_loss"]
    Path("laser.toml").write_text(
        "\n".join([*lines, "absorber_loss = 1.0", "[uncertainty]", 'threshold_current = "10 %"'])
    )
    held = [word for name in (*HELD, "absorber_loss") for word in ("--hold", name)]
    options = ["--effort", "0.1", "--no-advice", "--threads", "1", "--out", "fitted.json"]
    status, out, err = run(
        "device", "fit", "laser.toml", "--li", "li.csv", *held, *options, "--figure", "fit.svg"
    )
    assert status == 0, err
    assert "output_efficiency" in out
    assert Path("fit.svg").read_text().count("<svg") == 1
    assert run("device", "show", "fitted.json")[0] == 0
    assert run("device", "show", "laser.toml")[0] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "a fit must have measurements"),
        (("--li", "none.csv"), "none.csv"),
        (("--isi", "isi.csv"), "--isi must be CURRENT:FILE, as 12uA:table.csv, got 'isi.csv'"),
        (("--pulse", "12ns:a.csv"), "current of --pulse must be a current"),
        (("--li", "li.csv", "--out", "a.toml"), "--out must end in .json"),
        (("--li", "li.csv", "--figure", "a.gif"), "--figure must end in .svg, .pdf or .png"),
        (("--li", "li.csv", "--hold", "colour"), "quantity of this laser must be one of"),
        (("--li", "li.csv", "--level", "20 uA"), "level must be a power"),
    ],
)
def test_bad_options_are_told(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("laser.toml").write_text("quality = 5000\n")
    Path("li.csv").write_text("current [uA], power [uW]\n10, 2\n")
    status, _, err = run("device", "fit", "laser.toml", *options)
    assert status == 2
    assert message in err
    assert "Traceback" not in err
