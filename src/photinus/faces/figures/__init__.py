"""Figures, in one look. Each takes a `style`, and those with one pair of axes draw on `ax`."""

from typing import TYPE_CHECKING

from photinus._core import lazy

if TYPE_CHECKING:
    from photinus.faces.figures.comparison import energy_and_speed as energy_and_speed
    from photinus.faces.figures.fitted import residuals as residuals
    from photinus.faces.figures.look import style as style
    from photinus.faces.figures.pictures import animate as animate
    from photinus.faces.figures.pictures import completions as completions
    from photinus.faces.figures.pictures import energies as energies
    from photinus.faces.figures.pictures import filters as filters
    from photinus.faces.figures.pictures import histogram as histogram
    from photinus.faces.figures.pictures import learning_curves as learning_curves
    from photinus.faces.figures.pictures import strip as strip
    from photinus.faces.figures.plots import activation as activation
    from photinus.faces.figures.plots import divergence as divergence
    from photinus.faces.figures.plots import joint as joint
    from photinus.faces.figures.plots import raster as raster
    from photinus.faces.figures.plots import spike as spike
    from photinus.faces.figures.portraits import phase_portrait as phase_portrait
    from photinus.faces.figures.posteriors import posterior as posterior
    from photinus.faces.figures.tornados import tornado as tornado

_HOMES = {
    "comparison": ("energy_and_speed",),
    "look": ("style",),
    "pictures": (
        "animate",
        "completions",
        "energies",
        "filters",
        "histogram",
        "learning_curves",
        "strip",
    ),
    "plots": ("activation", "divergence", "joint", "raster", "spike"),
    "portraits": ("phase_portrait",),
    "posteriors": ("posterior",),
    "fitted": ("residuals",),
    "tornados": ("tornado",),
}
__all__ = sorted(name for names in _HOMES.values() for name in names)

# Matplotlib is slow to import.
__getattr__ = lazy.loader(
    __name__, {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}
)
