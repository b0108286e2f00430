"""Engines for NVIDIA devices: arithmetic, records and states of the processor, other loops.

A block of device threads advances a block of chains; each thread has separate lanes. Nothing here is
imported unless an engine "cuda" is asked for.
"""
