"""
A fitted laser beside its measurements
======================================

Light against current as it was measured, what the fitted laser shows, and what is left over.
"""

import photinus as ph
from photinus.measurements import Light

light = Light(
    current=[1e-5, 1.6e-5, 2.4e-5, 3.2e-5, 4.8e-5, 8e-5],
    power=[3e-8, 1.5e-7, 1.1e-6, 2.1e-6, 4.3e-6, 8.9e-6],
)
known = {"wavelength": "1550 nm", "threshold_current": "20 uA"}
held = ["photon_lifetime", "gain_lifetime", "absorber_lifetime", "beta"]
held += ["pump_efficiency", "gain_ratio"]

ph.plots.residuals(ph.fit_laser(known, [light], hold=held, effort=0.3))
