"""
Your own neuron
===============

Photinus knows lasers and integrate-and-fire neurons. Any other spiking neuron takes 40 lines: its
constants, and one step of its time. Here it is a FitzHugh-Nagumo laser.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import matplotlib.pyplot as plt

import photinus as ph
from photinus.devices import Setting, register
from photinus.engines.own import OwnDevice, to_dict

plt.style.use(ph.plots.style())

# %%
# A resonant tunnelling diode that drives a laser is excitable, as FitzHugh and Nagumo described nerves.
# A fast variable v makes the spike. A slow one, w, brings it back to rest. The dataclass below holds
# the constants of one neuron.


@dataclass(frozen=True)
class Diode:
    """What one neuron is."""

    device: ClassVar[str] = "fitzhugh-nagumo"
    name: str = "diode laser"
    fast: float = 20e-12  # time constant of v [s]
    slow: float = 250e-12  # time constant of w [s]
    offset: float = 0.7
    damping: float = 0.8
    noise: float = 0.15  # what white noise adds to v within `fast`
    to_dict = to_dict


# %%
# The device says how a neuron moves by a time step. The third variable is the read-out: a spike
# counts when v passes 1, and the next one only after v was below -0.5. `setting` says where to look
# for the activation, between silence and regular firing.


class FitzHughNagumo(OwnDevice):
    """How it moves, and how it is calibrated."""

    name, noun, plural = "fitzhugh-nagumo", "laser", "FitzHugh-Nagumo lasers"
    Neuron = Diode
    start = (-1.2, -0.6, 1.0)

    @staticmethod
    def step(
        own: Any, state: Any, drive: float, noise: float, time_step: float
    ) -> bool:
        v, w = state[0], state[1]
        kick = own.noise * (time_step / own.fast) ** 0.5 * noise
        state[0] = v + (v - v**3 / 3 - w + drive) * time_step / own.fast + kick
        state[1] = w + (v + own.offset - own.damping * w) * time_step / own.slow
        spikes = state[2] > 0 and state[0] > 1
        if spikes or state[0] < -0.5:
            state[2] = 0.0 if spikes else 1.0
        return spikes

    def setting(self, parameters: Diode) -> Setting:
        return Setting(
            bracket=(-0.6, 0.9),
            time_constant=4 * parameters.slow,
            time_step=parameters.fast / 5,
            detection_threshold=None,
            window=0.9e-9,
            synapse="rectangle",
            decay=None,
        )


register(FitzHughNagumo())

# %%
# That is all. The neuron is calibrated like any other. Its activation curve is measured, and a synapse
# is fitted so that pairs and triples of neurons sample well.

calibration = ph.calibrate(Diode(), chains=8)
print(calibration.samples_or_pulses)
ph.plots.activation(calibration)

# %%
# So it can be translated to, sampled with, refined and certified, under the name of the device.

machine = ph.BoltzmannMachine(
    [[0, 1.0, -1], [1.0, 0, 0.5], [-1, 0.5, 0]], [0.5, -0.5, 0]
)
samples = ph.sample(
    machine, "fitzhugh-nagumo", calibration=calibration, chains=64, draws=200, seed=1
)
print(samples.marginals().round(3), machine.marginals().round(3))
print(samples.fidelity().verdict)

# %%
# Before you rely on a device, let `photinus.testing.check_device` look at it. It tries seeds, threads,
# evidence, heating, files and bad arguments. Other programs find the device by the entry point
# ``photinus.devices`` of your package.
