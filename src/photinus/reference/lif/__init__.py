"""LIF sampling: leaky integrate-and-fire neurons in the high-conductance state.

The neurons of Petrovici et al. 2016 (Phys. Rev. E 94, 042312): high-rate noise puts the membrane on an
Ornstein-Uhlenbeck process, unit k is 1 for τ_ref after neuron k has fired, and synapses with
τ_syn = τ_ref carry the weights. `LifParameters` are the neuron, `LifNetwork` is neurons and their
couplings, `LifSimulator` gives spikes; `theory` holds closed forms to check them with.
"""

from photinus.reference.lif.network import LifNetwork as LifNetwork
from photinus.reference.lif.parameters import PRESETS as PRESETS
from photinus.reference.lif.parameters import FreeMembrane as FreeMembrane
from photinus.reference.lif.parameters import LifParameters as LifParameters
from photinus.reference.lif.parameters import free_membrane as free_membrane
from photinus.reference.lif.simulator import LifSimulator as LifSimulator
from photinus.reference.lif.theory import activation as activation
from photinus.reference.lif.theory import area_rule_sustain as area_rule_sustain
from photinus.reference.lif.theory import mean_current as mean_current
from photinus.reference.lif.theory import psp as psp
