"""A design's verdict in words and tables."""

from collections.abc import Iterable
from typing import Any

from photinus._core.records import values_of
from photinus.devices.laser.datasheet import Datasheet
from photinus.faces.design.chips import GOOD, Chips
from photinus.faces.design.job import FABRICATED, RAISED
from photinus.faces.design.verdict import Design, Influence
from photinus.hardware import CASES
from photinus.networks.imperfections import PLAUSIBLE, Imperfections
from photinus.units import quantity

CERTAIN, COSTLY = 3.0, 2.0
"""Standard errors from which a parameter is named, the largest of many; and an imperfection."""
INFLUENCE_HEAD = ("change", "KL [nats]", "speed", "energy")
"""Head of the tables of `influence_rows`."""


def headline(design: Design) -> str:
    """Return the verdict in some sentences: does it sample, how well, how fast, for how much."""
    d = design
    answer = {
        "yes": f"{d.sheet.name} samples",
        "barely": f"{d.sheet.name} barely samples",
        "no": f"{d.sheet.name} does not sample",
    }[d.samples]
    units = d.machines[0].n_units
    energy = d.ledger.energies("expected")["effective sample"]
    sentences = [
        f"{answer}: KL {d.kl:.2g} nats in the mean over {len(d.machines)} machine(s) of up to "
        f"{max(m.n_units for m in d.machines)} units, where exact draws show {d.floor:.2g}.",
        *cure(d),
        f"{units} lasers give {d.shown.rate[0]:.3g} effective draws per second, in windows of "
        f"{quantity(d.calibration.window, 's')}.",
        f"The chip takes {quantity(d.ledger.power('expected'), 'W')}, as far as prices are known"
        + (f", and {quantity(energy, 'J')} for each of these draws." if energy else "."),
        f"What limits it: {limit(d)}.",
    ]
    return " ".join(sentences)


def cure(design: Design) -> list[str]:
    """Return a sentence on what to do where a laser does not sample as translated; else none."""
    if design.samples == "yes":
        return []
    if not len(design.refined):
        return ["Refine it: `photinus refine` corrects couplings and pumps (not tried here)."]
    told = f"{design.refined.counted()} fabricated chips pass after refinement"
    if design.refined.passing():
        return [f"Refine it: {told}."]
    return [f"Refinement does not do: {told}."]


def answer(design: Design) -> str:
    """Return whether networks sample, and what to do if they do not."""
    return " ".join(
        [design.samples if design.samples == "yes" else f"{design.samples}.", *cure(design)]
    )


def limit(design: Design) -> str:
    """Return what to improve first, and which imperfection costs the most, as far as certain."""
    worse = [each for each in design.faults if each.kl[0] > COSTLY * each.kl[1]]
    costs = [f"{shown(each)} costs {each.kl[0]:.2g} nats" for each in worse[:1]]
    return "; ".join([improvement(design), *(costs or ["no imperfection stands out"])])


def improvement(design: Design) -> str:
    """Return the parameter that changes the KL the most, and which way to change it.

    Parameters are only raised. Where that costs, lowering gains, as far as the KL is straight in it.
    """
    certain = [
        each for each in design.parameters if not each.failed and abs(each.kl[0]) > CERTAIN * each.kl[1]
    ]
    if not certain:
        return "no parameter stands out"
    first = max(certain, key=lambda each: abs(each.kl[0]))
    change, percent = first.kl[0], f"{100 * (RAISED - 1):.0f} %"
    if change < 0:
        return f"raise {first.name} by {percent}, which gains {-change:.2g} nats"
    return f"lower {first.name} by {percent} (raised by as much, it costs {change:.2g} nats)"


def shown(influence: Influence) -> str:
    """Return a change for people."""
    return sized(influence.name, influence.value)


def sized(name: str, value: Any) -> str:
    """Return an imperfection and its size for people."""
    allowed = PLAUSIBLE.get(name)
    if allowed is None:
        return f"{name} {value:g}"
    if isinstance(value, float) and allowed.unit in ("", "loss", "ratio"):
        return f"{name} {100 * value:g} %"
    return f"{name} {allowed.shown(value)}"


def verdict_rows(design: Design) -> list[tuple[str, str]]:
    """Return the verdict as rows of (what, value)."""
    d, c = design, design.calibration
    slope = c.laser.current(c.slope / c.laser.gain_lifetime)
    rows = [
        ("do networks sample?", answer(d)),
        ("one laser", c.samples_or_pulses),
        ("KL, measured", f"{d.kl:.3g} nats (floor {d.floor:.2g})"),
        ("KL, predicted", f"{d.predicted:.3g} nats"),
        ("window τ", quantity(c.window, "s")),
        ("current at P(on) = ½", quantity(c.half_current, "A")),
        ("slope of the activation, as current", quantity(slope, "A")),
        (
            "synapse, fitted",
            f"{c.kernel.shape}: kick {c.kernel.kick:.3g}, sustain {c.kernel.sustain:.3g}, "
            f"{quantity(c.kernel.duration, 's')}",
        ),
        ("effective draws, at most 1/τ", f"{float(d.shown.rate.mean()):.3g} per second"),
        *(
            (
                f"power, {case}",
                f"{quantity(d.ledger.power(case), 'W')}, without "
                f"{', '.join(d.ledger.left_out(case)) or 'nothing'}",
            )
            for case in CASES
        ),
        ("chips pass with", f"KL less its floor of at most {GOOD:g} nats"),
        ("faults of fabricated chips", fabricated()),
        ("chips that pass as they come out", share(d.chips)),
    ]
    if len(d.refined):
        rows.append(("chips that pass after refinement", f"{share(d.refined)}; {NOT_ROUNDED}"))
    return rows


NOT_ROUNDED = "refined couplings are not rounded again"
"""What refinement is taken to set."""


def fabricated() -> str:
    """Return the faults of fabricated chips, as people write them."""
    return ", ".join(sized(name, value) for name, value in _faults().items())


def share(chips: Chips) -> str:
    """Return how many chips pass, with the 95 % interval of their share."""
    low, high = chips.interval()
    return f"{chips.counted()} (95 %: {100 * low:.0f} to {100 * high:.0f} %)"


def _faults() -> dict[str, Any]:
    """Return the faults of fabricated chips, by name."""
    without = Imperfections().to_dict()
    return {name: x for name, x in FABRICATED.to_dict().items() if x != without.get(name)}


SYNAPSE_HEAD = ("synapse", "KL [nats]", "kick", "sustain", "duration", "window τ")
"""Head of the table of `synapse_rows`."""


def synapse_rows(design: Design) -> list[tuple[str, ...]]:
    """Return the kinds of synapses as rows under `SYNAPSE_HEAD`, the recommended one first."""
    rows: list[tuple[str, ...]] = []
    for each in design.synapses:
        k = each.kernel
        if k is None:
            rows.append((each.kind, "does not calibrate", "", "", "", ""))
            continue
        rows.append(
            (
                each.kind,
                f"{each.kl[0]:.2g} ± {each.kl[1]:.1g}",
                f"{k.kick:.3g}",
                f"{k.sustain:.3g}",
                quantity(k.duration, "s"),
                quantity(each.window, "s"),
            )
        )
    return rows


def influence_rows(influences: Iterable[Influence], *, raised: bool) -> list[tuple[str, ...]]:
    """Return changes as rows under `INFLUENCE_HEAD`; of parameters, per percent."""
    scale = 1 / (100 * (RAISED - 1)) if raised else 1.0
    return [
        (
            f"{each.name}, per %" if raised else shown(each),
            *(
                (f"no longer samples: {each.failed}"[:60], "", "")
                if each.failed
                else (
                    f"{scale * each.kl[0]:+.2g} ± {scale * each.kl[1]:.1g}",
                    _percent(each.rate, scale),
                    _percent(each.energy, scale),
                )
            ),
        )
        for each in influences
    ]


def _percent(change: tuple[float, float], scale: float) -> str:
    return f"{100 * scale * change[0]:+.2g} ± {100 * scale * change[1]:.1g} %"


def document(design: Design) -> dict[str, Any]:
    """Return everything for JSON."""
    d = design
    return {
        "samples": d.samples,
        "kl": d.kl,
        "floor": d.floor,
        "predicted_kl": d.predicted,
        "window": d.calibration.window,
        "half_current": d.calibration.half_current,
        "effective_draws_per_second": float(d.shown.rate.mean()),
        "power": d.ledger.power("expected"),
        "powers": {case: d.ledger.power(case) for case in CASES},
        "unpriced": list(d.ledger.unpriced),
        "limit": limit(d),
        "improve": improvement(d),
        "synapses": [
            {
                "kind": each.kind,
                "kl": each.kl,
                "window": each.window,
                "kernel": None if each.kernel is None else each.kernel.to_dict(),
            }
            for each in d.synapses
        ],
        "links": [{**values_of(x), "gain": x.gain, "driven": x.driven} for x in d.links],
        "parameters": [_plain(each) for each in d.parameters],
        "imperfections": [_plain(each) for each in d.faults],
        "fabricated": {
            "imperfections": _faults(),
            "limit": GOOD,
            **_counted(d.chips),
            **{f"{key}_refined": value for key, value in _counted(d.refined).items()},
        },
    }


def _counted(chips: Chips) -> dict[str, Any]:
    return {
        "chips": len(chips),
        "passing": chips.passing(),
        "cannot_tell": len(chips) - int(chips.told().sum()),
        "passing_interval": chips.interval(),
        "kl": chips.kl.tolist(),
        "kl_floor": chips.floor.tolist(),
    }


def _plain(each: Influence) -> dict[str, Any]:
    names = ("name", "value", "kl", "rate", "energy", "failed")
    return {name: getattr(each, name) for name in names}


def sheet_rows(sheet: Datasheet) -> list[tuple[str, str]]:
    """Return a data sheet as rows of (what, value)."""

    def known(value: float | None, unit: str, without: str) -> str:
        return without if value is None else quantity(value, unit)

    y, at = sheet.yamada, f"at {quantity(sheet.current, 'A')}"
    pulses = "a kick sets off none"
    return [
        ("wavelength", quantity(sheet.wavelength, "m", 4)),
        ("quality factor", f"{sheet.quality:,.0f}"),
        ("spontaneous emission factor β", f"{sheet.beta:.3g}"),
        ("threshold current", quantity(sheet.threshold_current, "A")),
        ("transparency current", quantity(sheet.transparency_current, "A")),
        ("slope above threshold", f"{sheet.slope_efficiency:.3g} W/A"),
        ("gain of the absorber over the gain section's", f"{sheet.gain_ratio:.3g}"),
        ("pulses by itself above", known(sheet.pulsing_current, "A", "never")),
        ("width of a spike", known(sheet.pulse_width, "s", pulses)),
        ("energy of a spike", known(sheet.pulse_energy, "J", pulses)),
        ("peak power of a spike", known(sheet.pulse_peak, "W", pulses)),
        (f"light {at}", quantity(sheet.power, "W")),
        (f"relaxation oscillation {at}", known(sheet.relaxation_frequency, "Hz", "none")),
        (
            f"it decays within, {at}",
            known(sheet.damping and 1 / sheet.damping, "s", "unstable: it pulses"),
        ),
        (f"linewidth {at}", known(sheet.linewidth, "Hz", "unstable: it pulses")),
        (f"Yamada: A {at}", f"{y.pump:.3g} (threshold {y.threshold:.3g})"),
        ("Yamada: B, a", f"{y.absorption:.3g}, {y.saturation_ratio:.3g}"),
        ("Yamada: γ_G, γ_Q", f"{y.gain_rate:.3g}, {y.absorber_rate:.3g}"),
    ]
