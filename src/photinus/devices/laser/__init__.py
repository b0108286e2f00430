"""The laser: parameters, presets, rate equations, what one device does."""

from photinus.devices.laser.datasheet import Datasheet as Datasheet
from photinus.devices.laser.datasheet import datasheet as datasheet
from photinus.devices.laser.dynamics import QuietState as QuietState
from photinus.devices.laser.dynamics import Waveform as Waveform
from photinus.devices.laser.dynamics import instability_pump as instability_pump
from photinus.devices.laser.dynamics import quiet_state as quiet_state
from photinus.devices.laser.dynamics import waveform as waveform
from photinus.devices.laser.parameters import LASER_PRESETS as LASER_PRESETS
from photinus.devices.laser.parameters import PRESETS as PRESETS
from photinus.devices.laser.parameters import LaserParameters as LaserParameters
from photinus.devices.laser.spiking import THRESHOLD_FRACTION as THRESHOLD_FRACTION
from photinus.devices.laser.spiking import Books as Books
from photinus.devices.laser.spiking import Spike as Spike
from photinus.devices.laser.spiking import spike as spike
from photinus.devices.laser.yamada import Yamada as Yamada
