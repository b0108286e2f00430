"""What every link of a chip needs, and what arrives there: who can be driven, and who cannot."""

import contextlib
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from photinus._core import hush, validate
from photinus._core.display import Displayed
from photinus.devices.laser import spike
from photinus.errors import NotConverged, TranslationWarning
from photinus.hardware.receivers import carriers_per_pulse
from photinus.networks.couplings import dense
from photinus.networks.lasers import LaserNetwork
from photinus.networks.layout import Layout
from photinus.units import quantity

HEAD = ("from", "to", "loss", "delay", "photons", "electrons", "gain needed", "can be driven")
"""Head of the rows of `LinkBudget`."""


@dataclass(frozen=True, slots=True, repr=False)
class LinkBudget(Displayed):
    """One link: the light that arrives there, and the current that must be made of it.

    Examples
    --------
    >>> from photinus.hardware import LinkBudget
    >>> link = LinkBudget("L0", "L1", loss=0.5, delay=2e-12, photons=900, electrons=450, most=0.8)
    >>> link.gain, link.driven, link.row()[2]
    (0.5, True, '3 dB')
    """

    source: Hashable
    """Label of the laser whose spikes it carries."""
    target: Hashable
    """Label of the laser that it acts on."""
    loss: float
    """Part of the light that is lost, beyond its share of the fan-out."""
    delay: float
    """[s]."""
    photons: float
    """Useful photons of a spike that arrive."""
    electrons: float
    """That a whole pulse of the designed coupling moves, added or taken."""
    most: float | None
    """Electrons per photon that receiver and weight can give; None if not known."""

    @property
    def gain(self) -> float:
        """Electrons per photon that the link needs."""
        return self.electrons / self.photons if self.photons else float("inf")

    @property
    def driven(self) -> bool | None:
        """Whether receiver and weight can give the gain; None if not known."""
        return None if self.most is None else self.gain <= self.most

    def row(self) -> tuple[str, ...]:
        """Return the link for people, under `HEAD`."""
        decibels = 0.0 if self.loss <= 0 else -10 * np.log10(max(1 - self.loss, 1e-99))
        return (
            str(self.source),
            str(self.target),
            f"{decibels:.2g} dB",
            quantity(self.delay, "s"),
            f"{self.photons:,.3g}",
            f"{self.electrons:,.3g}",
            f"{self.gain:.2g}",
            {None: "not known", True: "yes", False: "no"}[self.driven],
        )


def link_budget(layout: Layout, designed: LaserNetwork) -> tuple[LinkBudget, ...]:
    """Return what each link needs for the coupling that it was designed for, the hardest first.

    Parameters
    ----------
    layout
        The chip.
    designed
        The network before it is laid out.

    Raises
    ------
    InvalidInput
        If the layout does not carry the network.
    NotConverged
        If the laser does not spike.

    Notes
    -----
    A spike has the photons of a noise-free one, of which η_o are useful. They are split evenly over the
    links of their source, and each link loses its part. A pulse of a coupling c moves these electrons::

        abs(c) (kick + sustain · duration/τ_g)/η_i

    The gain that is needed is one over the other. A receiver at the source sees the whole spike, so it
    needs less by the fan-out.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.hardware import link_budget
    >>> from photinus.networks.layout import Layout, Link
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0, 0], labels=["A", "B"])
    >>> designed = ph.translate(machine, ph.Calibration.preset())
    >>> links = [Link("A", "B", "3 dB", 11e-12), Link("B", "A", "30 dB", 11e-12)]
    >>> hardest = link_budget(Layout(links=links, receiver_gain=100), designed)[0]
    >>> hardest.source, hardest.driven
    ('B', False)
    """
    validate.instance("layout", layout, Layout)
    validate.instance("designed", designed, LaserNetwork)
    layout.apply(designed)  # what cannot be built is told here
    laser = designed.parameters
    emitted = spike(laser).photons_emitted * laser.output_efficiency
    per_carrier = carriers_per_pulse(designed.kernel, laser) / laser.pump_efficiency
    coupling, names = dense(designed.coupling), [str(label) for label in designed.labels]
    fan_out: dict[str, int] = {}
    for link in layout.links:
        fan_out[str(link.source)] = fan_out.get(str(link.source), 0) + 1
    most = None if layout.receiver_gain is None else layout.receiver_gain * layout.weight_most
    found = []
    for link in layout.links:
        set_to = coupling[names.index(str(link.target)), names.index(str(link.source))]
        photons = emitted * (1 - link.loss) / fan_out[str(link.source)]
        electrons = abs(float(set_to)) * per_carrier
        found.append(
            LinkBudget(link.source, link.target, link.loss, link.delay, photons, electrons, most)
        )
    return tuple(sorted(found, key=lambda each: -each.gain))


def warn_undriven(layout: Layout, designed: LaserNetwork) -> None:
    """Warn of links whose receivers and weights cannot give what they were designed for.

    Where the laser does not spike, or the layout has no `receiver_gain`, nothing is known of that.

    Examples
    --------
    >>> import warnings
    >>> import photinus as ph
    >>> from photinus.hardware.links import warn_undriven
    >>> from photinus.networks.layout import Layout, Link
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0, 0], labels=["A", "B"])
    >>> chip = Layout(links=[Link("A", "B"), Link("B", "A")], receiver_gain=1e-3)
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     warn_undriven(chip, ph.translate(machine, ph.Calibration.preset()))
    >>> str(told[0].message)[:31]
    '2 of 2 links cannot be driven: '
    """
    validate.instance("layout", layout, Layout)
    validate.instance("designed", designed, LaserNetwork)
    if layout.receiver_gain is None:
        return
    with contextlib.suppress(NotConverged):
        weak = undriven(link_budget(layout, designed))
        if weak:
            most = layout.receiver_gain * layout.weight_most
            what = f"receiver and weights give {most:.2g}, and they count as driven in full"
            hush.tell(f"{weak}; {what}", TranslationWarning, depth=2)


def undriven(links: tuple[LinkBudget, ...], most: int = 5) -> str:
    """Return the links that cannot be driven in words; empty if none is known.

    Examples
    --------
    >>> from photinus.hardware.links import LinkBudget, undriven
    >>> link = LinkBudget("A", "B", 0.5, 1e-11, photons=100.0, electrons=4000.0, most=10.0)
    >>> undriven((link,))
    "1 of 1 links cannot be driven: 'A' to 'B' (needs 40)"
    """
    validate.listed("links", links)
    weak = [link for link in links if link.driven is False]
    if not weak:
        return ""
    named = ", ".join(
        f"{link.source!r} to {link.target!r} (needs {link.gain:.2g})" for link in weak[:most]
    )
    more = f" and {len(weak) - most} others" if len(weak) > most else ""
    return f"{len(weak)} of {len(links)} links cannot be driven: {named}{more}"
