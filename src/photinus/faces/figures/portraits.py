"""Phase portraits: where a laser rests, and where a kick takes it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from photinus._core import validate
from photinus.devices.laser.conditions import excitable_pump
from photinus.devices.laser.dynamics import Waveform, quiet_state, waveform
from photinus.devices.laser.parameters import LaserParameters
from photinus.devices.laser.spiking import LIFETIMES_FOLLOWED
from photinus.faces.figures.canvas import Style, bare, figure_of, on, plain, styled
from photinus.faces.figures.look import MM
from photinus.faces.figures.palette import INK, LASER, MUTED
from photinus.units import quantity

KICKS = (0.01, 0.05, 0.1)
"""Carriers added to the laser at rest, over those at threshold."""
SHADES = (0.35, 0.65, 1.0)
"""Of the paths after these kicks."""
POINTS = 400
"""Of each nullcline."""


@styled
def phase_portrait(
    parameters: LaserParameters,
    pump: float | None = None,
    *,
    ax: Axes | None = None,
    style: Style = None,
) -> Figure:
    """Draw a laser's photons against its gain carriers: at rest, and after kicks, without noise.

    A spike runs up to the photons that bleach the absorber, uses up carriers there, and comes back. A
    laser that does not spike turns around below that line, or rests above it.

    Parameters
    ----------
    parameters
        The laser.
    pump
        P [carriers/s], >= 0; by default where it comes nearest to spiking, see
        `photinus.devices.laser.conditions.excitable_pump`.
    ax, style
        Axes to draw on, and a style of Matplotlib; by default a new figure in the look of all.

    Raises
    ------
    InvalidInput
        If an argument is not allowed.

    Examples
    --------
    >>> import photinus as ph
    >>> figure = ph.plots.phase_portrait(ph.LaserParameters.preset("fast-absorber"))
    >>> figure.axes[0].get_ylabel()
    'photons $S$'
    """
    validate.instance("parameters", parameters, LaserParameters)
    given = excitable_pump(parameters) if pump is None else pump
    pump = validate.non_negative("pump", given, "carriers/s")
    axes, scale = bare(on(ax, 84 * MM)), parameters.threshold_carriers
    quiet, paths = quiet_state(parameters, pump), _kicked(parameters, pump)
    bleached = parameters.absorber_saturation_photons
    least = max(1e-2, min(bleached, quiet.photons, *(path.photons.min() for path in paths)) / 2)
    most = 3 * max(bleached, quiet.photons, *(path.photons.max() for path in paths))
    carriers = np.concatenate([path.gain_carriers for path in paths]) / scale
    light = np.geomspace(least, most, POINTS)
    gain, lasing = _nullclines(parameters, pump, light)
    axes.plot(lasing / scale, light, color=INK, lw=0.8, ls="--", label="light stands still")
    axes.plot(gain / scale, light, color=MUTED, ls="--", label="gain stands still")
    for kick, path, shade in zip(KICKS, paths, SHADES, strict=True):
        said = f"after a kick of {100 * kick:g} %"
        axes.plot(path.gain_carriers / scale, path.photons, LASER.colour, lw=1, alpha=shade, label=said)
    axes.axhline(bleached, color=INK, lw=0.6, ls=":", label="half bleaches the absorber")
    axes.plot([quiet.gain_carriers / scale], [quiet.photons], "o", color=INK, label="at rest")
    margin = 0.1 * np.ptp(carriers) + 0.02
    axes.set_xlim(carriers.min() - margin, carriers.max() + margin)
    axes.set_yscale("log")
    axes.set_ylim(least, most)
    axes.set_xlabel("gain carriers $N_g$ over those at threshold")
    axes.set_ylabel("photons $S$")
    current = quantity(parameters.current(pump), "A")
    axes.set_title(f"{plain(parameters.name)}, {current}", loc="right")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    return figure_of(axes)


def _kicked(parameters: LaserParameters, pump: float) -> list[Waveform]:
    """Return what follows kicks of the laser at rest, for each of `KICKS`."""
    quiet, time = quiet_state(parameters, pump), LIFETIMES_FOLLOWED * parameters.gain_lifetime
    kicks = [np.array([kick * parameters.threshold_carriers, 0.0, 0.0]) for kick in KICKS]
    return [waveform(parameters, pump, time, initial=quiet.state + kick) for kick in kicks]


def _nullclines(
    parameters: LaserParameters, pump: float, photons: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return N_g at which N_g stands still, and at which S does, at photon numbers S.

    The absorber is at rest at each S. From dN_g/dt = 0 and dS/dt = 0 of
    `photinus.devices.laser.dynamics`.
    """
    p, s = parameters, photons
    stimulated = p.gain_coefficient * s / (1 + p.gain_compression * s)
    gain = (pump + stimulated * p.gain_transparency) / (1 / p.gain_lifetime + stimulated)
    saturation = p.absorber_coefficient * p.absorber_lifetime * s
    absorber = p.absorber_transparency * saturation / (1 + saturation)
    loss = p.cavity_loss_rate + p.absorber_coefficient * (p.absorber_transparency - absorber)
    given = loss * s + stimulated * p.gain_transparency - p.absorber_coefficient * absorber
    return gain, given / (stimulated + p.gain_coefficient)
