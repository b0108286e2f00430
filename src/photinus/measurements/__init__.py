"""What a laboratory measures of a laser: tables, what the laser would show, and the fit."""

from photinus.measurements.advice import Advice as Advice
from photinus.measurements.advice import next_measurements as next_measurements
from photinus.measurements.fit import fit_laser as fit_laser
from photinus.measurements.knowledge import Knowledge as Knowledge
from photinus.measurements.noise import relative_noise as relative_noise
from photinus.measurements.observations import Intervals as Intervals
from photinus.measurements.observations import Light as Light
from photinus.measurements.observations import Noise as Noise
from photinus.measurements.observations import Pulse as Pulse
from photinus.measurements.observations import Rates as Rates
from photinus.measurements.result import LaserFit as LaserFit
from photinus.measurements.tables import read_table as read_table
