"""
Phase portrait of a laser
=========================

Carriers of the gain and photons without noise: at rest, and after kicks. A kick that is large enough
sets off a spike.
"""

import photinus as ph

ph.plots.phase_portrait(ph.LaserParameters.preset("fast-absorber"))
