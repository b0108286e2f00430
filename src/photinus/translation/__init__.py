"""From a machine to drives and couplings, and back."""

from photinus._core.states import MAX_PER_EVIDENCE
from photinus.translation.drives import drive_and_strength as drive_and_strength
from photinus.translation.drives import evidence_drive as evidence_drive
from photinus.translation.drives import heated_drive as heated_drive
from photinus.translation.gauge import choose_gauge as choose_gauge
from photinus.translation.gauge import curvature as curvature
from photinus.translation.neuron import Neuron as Neuron
from photinus.translation.rules import DRIVEN_BIAS as DRIVEN_BIAS
from photinus.translation.rules import RULES as RULES
from photinus.translation.rules import levels as levels
from photinus.translation.rules import recover as recover
from photinus.translation.rules import slopes as slopes
from photinus.translation.rules import translate as translate
from photinus.translation.validity import Validity as Validity
from photinus.translation.validity import check as check

ENUMERATED_UNITS = MAX_PER_EVIDENCE
"""Its name in version 0.1."""
