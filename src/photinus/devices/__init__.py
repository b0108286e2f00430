"""What one neuron is: the protocol of devices, the registry, lasers, integrate-and-fire neurons."""

from photinus.devices.laser.spiking import THRESHOLD_FRACTION as THRESHOLD_FRACTION
from photinus.devices.protocol import Device as Device
from photinus.devices.protocol import Network as Network
from photinus.devices.protocol import Parameters as Parameters
from photinus.devices.protocol import Setting as Setting
from photinus.devices.protocol import SpikingSimulator as SpikingSimulator
from photinus.devices.reading import ENDINGS as ENDINGS
from photinus.devices.reading import load_parameters as load_parameters
from photinus.devices.registry import PRESETS as PRESETS
from photinus.devices.registry import SHIPPED_PRESETS as SHIPPED_PRESETS
from photinus.devices.registry import assemble as assemble
from photinus.devices.registry import device as device
from photinus.devices.registry import device_of as device_of
from photinus.devices.registry import driven_levels as driven_levels
from photinus.devices.registry import held as held
from photinus.devices.registry import load_network as load_network
from photinus.devices.registry import names as names
from photinus.devices.registry import network_from_dict as network_from_dict
from photinus.devices.registry import parameters_from_dict as parameters_from_dict
from photinus.devices.registry import preset as preset
from photinus.devices.registry import register as register
from photinus.devices.registry import setting as setting
from photinus.devices.registry import simulator as simulator
from photinus.devices.registry import substrate_of as substrate_of
