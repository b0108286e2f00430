"""The laser: parameters, presets, rate equations, what one device does."""

from photinus.laser.dynamics import QuietState as QuietState
from photinus.laser.dynamics import Waveform as Waveform
from photinus.laser.dynamics import instability_pump as instability_pump
from photinus.laser.dynamics import quiet_state as quiet_state
from photinus.laser.dynamics import waveform as waveform
from photinus.laser.parameters import PRESETS as PRESETS
from photinus.laser.parameters import LaserParameters as LaserParameters
from photinus.laser.spiking import Books as Books
from photinus.laser.spiking import Spike as Spike
from photinus.laser.spiking import spike as spike
from photinus.laser.yamada import Yamada as Yamada
