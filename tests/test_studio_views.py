"""What the studio's views compute: intervals, nullclines, faults, prices, images."""

import itertools
import time
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette", reason="the studio's server needs the extra studio")

import photinus as ph
from photinus.devices.laser import LaserParameters, Yamada, quiet_state
from photinus.errors import InvalidInput
from photinus.faces.studio import bench, refining
from photinus.faces.studio.frames import unpacked
from photinus.faces.studio.intervals import BINS, LONGEST, Intervals
from photinus.faces.studio.messages import Press, Settings
from photinus.faces.studio.problems import Shelf
from photinus.faces.studio.session import Session
from photinus.faces.studio.views.laser import brightest, verdict
from photinus.learning.data import digits
from photinus.units import ns


class Watched:
    """A session of one view, by kinds of frames."""

    def __init__(self, view: str, **values: Any) -> None:
        self.view, self.session = view, Session(Shelf())
        self.about = self.show(**values)

    def answer(self, *given: Any, more: bool = False) -> dict[str, Any]:
        """Return the last frame; a refusal is raised."""
        settings, presses = (*given, ())[:2]
        frames = [unpacked(frame) for frame in self.session.answer(settings, presses, more)]
        for frame in frames:
            if frame["kind"] in ("refusal", "failure"):
                raise InvalidInput(frame["sentence"])
            if frame["kind"] == "about":
                self.about = frame
        return frames[-1] if frames else {}

    def show(self, **values: Any) -> dict[str, Any]:
        return self.answer(Settings(self.view, values))

    def more(self, times: int = 1) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for _ in range(times):
            seen |= self.answer(None, more=True)
        return seen

    def press(self, button: str) -> dict[str, Any]:
        return self.answer(None, [Press(button)])

    def run_code(self) -> dict[str, Any]:
        """Run the Python that the view shows, and return its names."""
        names: dict[str, Any] = {}
        exec(self.press("python")["code"], names)
        return names


def network(pump: float) -> ph.LaserNetwork:
    laser = LaserParameters.preset()
    built = bench.alone(laser, "fast-absorber", 1.1 * ns)
    return built.replace(pump=[pump * laser.threshold_carriers / laser.gain_lifetime])


def test_intervals_in_pieces_are_those_of_the_whole() -> None:
    trains = ph.simulate(network(1.2), 60 * ns, chains=12, seed=3)
    whole, parts = (Intervals(8, 1.1 * ns, 0.0) for _ in range(2))
    whole.add(trains, first=4)
    for start, end in itertools.pairwise((0, 7 * ns, 7.5 * ns, 31 * ns, trains.end)):
        parts.add(trains.between(start, end), first=4)
    mine = trains.of_chains(4, 12)
    (intervals,) = mine.intervals()
    assert whole.count == parts.count == len(intervals) > 100
    expected, _ = np.histogram(intervals / (1.1 * ns), BINS, (0, LONGEST))
    for counted in (whole, parts):
        np.testing.assert_allclose(
            counted.density() * whole.count * LONGEST / BINS, expected, atol=1e-9
        )
        on = mine.marginals(1.1 * ns, start=0.0)[:, 0]
        np.testing.assert_allclose(counted.shares(), on, rtol=1e-9)


def test_the_ideal_law_is_that_of_ideal_neurons() -> None:
    samples = ph.sample(
        ph.BoltzmannMachine([[0.0]], [0.4]), "ideal", chains=64, draws=2000, burn_in=10, seed=1
    )
    assert samples.spikes is not None
    counted = Intervals(64, 1.0, samples.spikes.start)
    counted.add(samples.spikes)
    # Kolmogorov: 1.95/√n has a false-alarm probability of 1e-3, twice that of 1e-13.
    assert counted.distance() < 3.9 / np.sqrt(counted.count)
    steady = Intervals(64, 1.5, samples.spikes.start)
    steady.add(samples.spikes)
    assert steady.distance() > 0.2  # another τ is not its own
    assert np.isclose(counted.ideal().sum() * LONGEST / BINS, 1, atol=0.01)


@pytest.mark.parametrize("preset", ["fast-absorber", "slow-absorber", "high-beta"])
def test_nullclines_meet_in_the_quiet_state(preset: str) -> None:
    laser = LaserParameters.preset(preset)
    drive = 0.9 * laser.threshold_carriers
    quiet = quiet_state(laser, drive / laser.gain_lifetime)
    light, carriers = bench.nullclines(laser, drive, np.array([quiet.photons]))
    np.testing.assert_allclose([light[0], carriers[0]], quiet.gain_carriers, rtol=1e-6)
    light, carriers = bench.nullclines(laser, drive, np.array([2 * quiet.photons]))
    assert abs(light[0] - carriers[0]) > 1e-3 * quiet.gain_carriers


def test_beta_changes_noise_alone() -> None:
    before, after = bench.turned("fast-absorber", {}), bench.turned("fast-absorber", {"beta": 0.03})
    assert np.isclose(after.spontaneous_emission_factor, 0.03)
    pump = 0.9 / before.gain_lifetime
    one, other = (Yamada.from_laser(each, pump * each.threshold_carriers) for each in (before, after))
    for name in ("pump", "absorption", "saturation_ratio", "gain_rate", "absorber_rate"):
        assert np.isclose(getattr(one, name), getattr(other, name))


def test_knobs_stand_where_they_were_turned_to() -> None:
    knobs = {
        "gain_lifetime": 2 * ns,
        "absorber_lifetime": 0.03 * ns,
        "quality": 5000.0,
        "beta": 0.02,
        "absorption": 1.5,
    }
    found = bench.values_of(bench.turned("fast-absorber", knobs))
    assert found == pytest.approx(knobs)
    with pytest.raises(InvalidInput, match="absorber_coefficient times absorber_lifetime"):
        bench.turned("fast-absorber", {"beta": 0.9, "absorber_lifetime": 1 * ns})


def test_no_spike_is_missed_where_samples_are_left_out() -> None:
    photons = np.zeros(1003, np.float32)
    photons[[17, 500, 999]] = 5.0
    assert brightest(photons, 10)[[1, 50, 99]].tolist() == [17, 500, 999]
    assert len(brightest(photons, 10)) == 100
    assert brightest(photons, 1).tolist() == list(range(1003))


def test_the_verdict_follows_the_pump() -> None:
    watched = Watched("laser", speed=1e-9)
    seen = []
    for pump in (0.8, 1.21, 1.6):
        watched.show(speed=1e-9, pump=pump)
        assert watched.about["pump"] == pump
        shown = watched.more(25)
        seen.append((shown["verdict"], round(shown["on"], 1)))
    assert seen == [("silent", 0.0), ("samples", 0.5), ("pulses", 1.0)]
    assert verdict(float("nan"), 0.0) == ""
    curve = watched.more()["activation"]
    assert curve[0] < 0.05
    assert curve[-1] > 0.9
    names = watched.run_code()
    assert names["spikes"].marginals(names["network"].window).mean() > 0.95


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"pump": 9}, "pump"),
        ({"beta": 0}, "beta"),
        ({"quality": -1}, "quality"),
        ({"beta": 5}, "gain_coefficient times gain_lifetime"),
        ({"laser": "lif-hcs"}, "laser"),
        ({"speed": 1}, "speed"),
        ({"window": 1}, "window"),
    ],
)
def test_lasers_that_there_are_not_are_refused(wrong: dict[str, Any], named: str) -> None:
    watched = Watched("laser")
    with pytest.raises(InvalidInput, match=named):
        watched.show(**wrong)
    assert watched.more()["kind"] == "frame"


def test_faults_are_those_of_the_library() -> None:
    watched = Watched("imperfect", problem="pair", coupling_loss=0.5, weight_bits=3, speed=1e6)
    shown = watched.more(3)
    while shown["draws"] < 30:
        shown = watched.more()
    counted = watched.run_code()["samples"].states.mean(axis=(0, 1))
    np.testing.assert_allclose(counted, shown["marginals"], rtol=1e-12)
    for wrong in ({"mismatch": 2}, {"weight_bits": 99}, {"evidence": "1-"}, {"substrate": "lif"}):
        with pytest.raises(InvalidInput):
            watched.show(**wrong)


def test_refinement_brings_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("CHAINS", 32), ("DRAWS", 64), ("ROUNDS", 4)):
        monkeypatch.setattr(refining, name, value)
    faults = {"problem": "pair", "coupling_loss": 0.8, "speed": 1e6}
    watched = Watched("imperfect", **faults)
    before = watched.more(10)
    watched.press("refine")
    end = time.monotonic() + 60
    while not watched.about["refined"]:
        assert watched.more()["most_rounds"] == 4
        assert time.monotonic() < end
    after = watched.more(10)
    assert after["kl"][-1] < before["kl"][-1] / 2
    np.testing.assert_array_equal(watched.about["before_kl"][: len(before["kl"])], before["kl"])
    names = watched.run_code()
    assert names["samples"].draws == after["draws"]
    counted = names["samples"].states.mean(axis=(0, 1))
    np.testing.assert_allclose(
        counted, watched.more(0).get("marginals", after["marginals"]), rtol=1e-12
    )
    watched.show(**{**faults, "coupling_loss": 0.0})
    assert not watched.about["refined"]


def test_a_page_that_goes_ends_its_refinement() -> None:
    watched = Watched("imperfect", problem="pair")
    watched.press("refine")
    thread = watched.session._view._refining._thread  # type: ignore[union-attr]
    watched.session.close()
    thread.join(60)
    assert not thread.is_alive()
    large = Watched("imperfect", problem="ring", chains=2)
    with pytest.raises(InvalidInput, match="12"):
        large.press("refine")


def test_the_ledger_is_that_of_the_library() -> None:
    prices = {"static": 2e-3, "detection": 1e-14}
    watched = Watched("ledger", problem="triangle", speed=1e6, substrate="laser-reduced", **prices)
    shown = watched.more(20)
    ledger = watched.run_code()["ledger"]
    expected = [ledger.power(case) for case in ("best", "expected", "worst")]
    np.testing.assert_allclose(shown["power"], expected, rtol=0.01)
    assert shown["lines"]["static"][1] == 2e-3
    assert shown["lines"]["supply"] == [None] * 3
    draws = shown["draws"]
    watched.show(problem="triangle", speed=1e6, substrate="laser-reduced", **{**prices, "static": 5e-3})
    dearer = watched.more()
    assert dearer["draws"] >= draws  # the run goes on
    assert dearer["power"][1] - shown["power"][1] == pytest.approx(3e-3, rel=0.05)
    for wrong in ({"static": -1}, {"static": "much"}, {"substrate": "gibbs"}, {"evidence": "1--"}):
        with pytest.raises(InvalidInput):
            watched.show(**wrong)


def test_half_a_digit_is_completed() -> None:
    test = digits("test")
    assert test.labels is not None
    image = test.pixels[int(np.flatnonzero(test.labels == 0)[0])]
    letters = "".join(map(str, image[:32])) + "-" * 106
    watched = Watched("images", substrate="laser-reduced", evidence=letters, speed=1e6, chains=8)
    shown = watched.more(25)
    np.testing.assert_array_equal(shown["pixels"][:, :32], np.tile(image[:32], (8, 1)))
    mean = shown["marginals"][:32]
    assert watched.about["labels"][32] == "v32"
    # Half a nought leaves little doubt: far nearer than the mean of all images.
    error = np.abs(mean - image[32:]).mean()
    assert error < 0.8 * np.abs(test.pixels[:, 32:].mean(axis=0) - image[32:]).mean()


def test_smooth_images_are_those_of_dreams() -> None:
    dream = ph.tasks.dream(Shelf().machine("digits"), "gibbs", chains=3, draws=2, burn_in=2, seed=1)
    view: Any = Watched("images", substrate="gibbs").session._view
    smooth = view._smooth(dream.samples.states[:, -1])
    np.testing.assert_allclose(smooth, dream.smooth[:, -1], atol=1e-5)


def test_only_machines_of_images_are_shown_as_images() -> None:
    with pytest.raises(InvalidInput, match="labels of the machine"):
        Watched("images", problem="pair")
