"""What a session and a notebook show of samples."""

from typing import TYPE_CHECKING

from photinus._core.display import MOST_ROWS, bars, joined
from photinus.errors import PhotinusError
from photinus.units import quantity

if TYPE_CHECKING:
    from photinus.samplers.samples import Samples

MOST_JUDGED = 12
"""Free units up to which samples are certified, and compared with enumeration, when they are shown."""


def line(samples: "Samples") -> str:
    """Return what samples are, and how many, in a line."""
    parts = [
        f"{samples.machine.n_units} unit(s) on {samples.substrate!r}",
        f"{samples.chains} chain(s) × {samples.draws:,} draw(s)",
    ]
    if samples.evidence:
        parts.append(f"evidence on {len(samples.evidence)}")
    if samples.physical_time is not None:
        parts.append(f"{quantity(samples.physical_time, 's')} each")
    if not samples.complete:
        parts.append("stopped early")
    return ", ".join(parts)


def facts(samples: "Samples") -> dict[str, object]:
    """Return what samples are, name → value, with their verdict where that is quick."""
    time = samples.physical_time
    return {
        "substrate": samples.substrate,
        "units": joined(map(str, samples.machine.labels)),
        "evidence": joined(map(str, samples.evidence.units)) or None,
        "chains × draws": f"{samples.chains:,} × {samples.draws:,}, after {samples.burn_in:,}",
        "spikes": None if samples.spikes is None else len(samples.spikes),
        "tempering": None if samples.tempering is None else repr(samples.tempering),
        "time on the chip": None if time is None else f"{quantity(time, 's')} per chain",
        "complete": samples.complete,
        "verdict": _verdict(samples),
    }


def picture(samples: "Samples") -> str:
    """Return the marginals as bars, with ticks at the exact ones where these are quick."""
    if not samples.draws:
        return ""
    free = samples.free_units[:MOST_ROWS]
    right = None
    if quickly_judged(samples):
        right = samples.target().marginals()[: len(free)]
    return bars([samples.machine.labels[k] for k in free], samples.marginals()[free], right)


def quickly_judged(samples: "Samples") -> bool:
    """Return whether samples have one target, of few units: then they are certified when shown."""
    if len(samples.free_units) > MOST_JUDGED:
        return False
    try:
        samples.evidence.common()
    except PhotinusError:
        return False
    return True


def _verdict(samples: "Samples") -> str:
    """Return the verdict, where that is quick."""
    if not samples.draws:
        return "no draws yet"
    if quickly_judged(samples):
        try:
            return samples.fidelity().verdict
        except PhotinusError as error:
            return str(error)
    return "not certified here: call fidelity()"
