"""``photinus info``."""

from photinus._core.version import __version__
from photinus.faces.cli.messages import table


def info() -> None:
    """Show versions, cores and presets."""
    import platform
    from importlib.metadata import version

    from photinus._core.threads import available_threads
    from photinus.devices.laser import LASER_PRESETS, LaserParameters
    from photinus.units import uA

    packages = ("numpy", "scipy", "numba", "xarray", "zarr")
    table(
        "Photinus",
        [
            ("photinus", __version__),
            ("python", platform.python_version()),
            *((name, version(name)) for name in packages),
            ("threads", str(available_threads())),
        ],
    )
    presets = [LaserParameters.preset(name) for name in LASER_PRESETS]
    table(
        "Presets",
        [
            (
                preset.name,
                f"{preset.threshold_current / uA:.4g} µA",
                f"{preset.quality_factor:,.0f}",
                f"{preset.wavelength * 1e9:.0f} nm",
            )
            for preset in presets
        ],
        ("laser", "threshold", "quality factor", "wavelength"),
    )
