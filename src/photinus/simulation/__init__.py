"""The engines that turn a laser network into spikes."""

TILE = 32
"""Lanes per tile: several vector registers, so that the latency of one hides behind the others; see
`docs/performance.md`."""
SUBSTEPS = 4
"""Integration steps between two visits of spikes and synapses."""
