"""
Activation curve of a calibrated laser
======================================

How often a single laser is on, against its pump current, with the logistic function that was fitted.
"""

import photinus as ph

ph.plots.activation(ph.Calibration.preset("fast-absorber"))
