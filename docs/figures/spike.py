"""
One spike of a laser
====================

Carriers of both sections and photons during one spike without noise. A kick of the gain sets it off.
"""

import photinus as ph
from photinus.devices.laser import LaserParameters, spike

ph.plots.spike(spike(LaserParameters.preset("fast-absorber")))
