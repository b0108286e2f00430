"""LIF sampling: leaky integrate-and-fire neurons in the high-conductance state.

The neurons of Petrovici et al. 2016 (Phys. Rev. E 94, 042312). High-rate noise puts the membrane on an
Ornstein-Uhlenbeck process. Unit k is 1 for τ_ref after neuron k has fired, and synapses with τ_syn =
τ_ref carry the weights. `LifParameters` are the neuron, `theory` holds closed forms to check
simulations with.
"""

from photinus.devices.lif.parameters import LIF_PRESETS as LIF_PRESETS
from photinus.devices.lif.parameters import PRESETS as PRESETS
from photinus.devices.lif.parameters import FreeMembrane as FreeMembrane
from photinus.devices.lif.parameters import LifParameters as LifParameters
from photinus.devices.lif.parameters import free_membrane as free_membrane
from photinus.devices.lif.pynn import from_pynn as from_pynn
from photinus.devices.lif.pynn import is_pynn as is_pynn
from photinus.devices.lif.theory import activation as activation
from photinus.devices.lif.theory import area_rule_sustain as area_rule_sustain
from photinus.devices.lif.theory import mean_current as mean_current
from photinus.devices.lif.theory import psp as psp
