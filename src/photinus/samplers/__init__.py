"""One call for every substrate, what it returns, and where that is stored."""

from photinus._core.streams import Role as Role
from photinus._core.streams import lane_states as lane_states
from photinus.samplers.registry import substrate as substrate
from photinus.samplers.request import Piece as Piece
from photinus.samplers.request import Request as Request
from photinus.samplers.request import Run as Run
from photinus.samplers.request import WholeRun as WholeRun
from photinus.samplers.samples import Samples as Samples
from photinus.samplers.samples import load as load
from photinus.samplers.sampling import Interrupted as Interrupted
from photinus.samplers.sampling import sample as sample
from photinus.samplers.tempering import Parallel as Parallel
from photinus.samplers.tempering import Tempering as Tempering
