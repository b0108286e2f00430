"""Full physics: `step` is the arithmetic of a step, `loop` the compiled loop, `simulator` its face."""

from photinus.engines.laser.simulator import Simulator as Simulator
