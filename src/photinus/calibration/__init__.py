"""What a neuron does as a sampling unit, measured: activation curve, state window, synapse."""

from photinus.calibration.protocol import calibrate
from photinus.calibration.record import DEFAULT_PRESET, Calibration

__all__ = ["DEFAULT_PRESET", "Calibration", "calibrate"]
