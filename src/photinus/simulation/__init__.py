"""The engines that turn a laser network into spikes."""

TILE = 16
"""Lanes per tile: one vector register of 512 bits in single precision."""
SUBSTEPS = 4
"""Integration steps between two visits of spikes and synapses."""
