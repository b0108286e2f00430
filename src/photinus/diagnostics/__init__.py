"""What states say about the sampler that they come from.

Pure functions of states, moments and a machine. `convergence` tells whether the chains are long enough,
`bias` whether the law is wrong, `distance` how far. `parts` tells what could remove it, `temperature`
how hot it is, `references` what the right values are. `weights` make samples of one law those of
another. `verdict` says it in words. `fidelity.assess` asks them all: it collects `findings` and writes
them down as a `certificate`.
"""

from typing import TYPE_CHECKING

from photinus._core import lazy

if TYPE_CHECKING:
    from photinus.diagnostics import fidelity as fidelity
    from photinus.diagnostics import weights as weights

__all__ = ["fidelity", "weights"]

# Needed once there are samples, not to make them.
__getattr__ = lazy.loader(
    __name__,
    {"fidelity": "photinus.diagnostics.fidelity", "weights": "photinus.diagnostics.weights"},
)
