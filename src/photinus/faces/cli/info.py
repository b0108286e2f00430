"""``photinus info``."""

from photinus._core.version import __version__
from photinus.faces.cli.messages import print_json, table
from photinus.faces.cli.options import Json


def info(as_json: Json = False) -> None:
    """Show versions, cores and presets."""
    import platform
    from importlib.metadata import version

    from photinus._core.threads import available_threads
    from photinus.devices.laser import LASER_PRESETS, LaserParameters
    from photinus.devices.lif import LIF_PRESETS, LifParameters
    from photinus.units import ms, mV, uA

    versions = {
        "photinus": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "scipy", "numba", "xarray", "zarr")},
    }
    lasers = [LaserParameters.preset(name) for name in LASER_PRESETS]
    neurons = [LifParameters.preset(name) for name in LIF_PRESETS]
    if as_json:
        print_json(
            {
                "versions": versions,
                "threads": available_threads(),
                "presets": {each.name: each.to_dict() for each in lasers}
                | {each.name: each.to_dict() for each in neurons},
            }
        )
        return
    table("Photinus", [*versions.items(), ("threads", str(available_threads()))])
    table(
        "Presets",
        [
            (
                preset.name,
                f"{preset.threshold_current / uA:.4g} µA",
                f"{preset.quality_factor:,.0f}",
                f"{preset.wavelength * 1e9:.0f} nm",
            )
            for preset in lasers
        ],
        ("laser", "threshold", "quality factor", "wavelength"),
    )
    table(
        "Presets",
        [
            (
                each.name,
                f"{each.threshold / mV:.4g} mV",
                f"{each.membrane_time / ms:.4g} ms",
                f"{each.refractory_time / ms:.4g} ms",
            )
            for each in neurons
        ],
        ("LIF neuron", "threshold", "membrane time", "refractory time"),
    )
