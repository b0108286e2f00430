"""
What limits a design
====================

Changes of the KL with one imperfection each, and their standard errors over machines.
"""

import photinus as ph

ph.plots.tornado(
    {
        "mismatch 2 %": (0.034, 0.012),
        "temperature 1 K": (0.0052, 0.0011),
        "weights of 5 bits": (0.0011, 0.0004),
        "delay 10 ps": (0.0007, 0.0003),
        "crosstalk 1 %": (-0.0001, 0.0002),
    }
)
