"""How large each imperfection of a chip may be, for a device, calibration or preset.

``sweeps`` lists the imperfections and their sizes. ``measuring`` measures one of them on one machine,
``job`` all. ``tolerances`` reads off the size at which the KL is too large.
"""

from photinus.faces.robustness.job import Robustness as Robustness
from photinus.faces.robustness.job import robustness as robustness
from photinus.faces.robustness.sweeps import SWEEPS as SWEEPS
