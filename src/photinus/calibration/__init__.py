"""What a neuron does as a sampling unit, measured: activation curve, state window, synapse."""

from typing import TYPE_CHECKING

from photinus._core import lazy
from photinus.calibration.record import DEFAULT_PRESET, Calibration

if TYPE_CHECKING:
    from photinus.calibration.protocol import calibrate as calibrate

__all__ = ["DEFAULT_PRESET", "Calibration", "calibrate"]

# A run needs what was measured, seldom the means to measure.
__getattr__ = lazy.loader(__name__, {"calibrate": "photinus.calibration.protocol"})
