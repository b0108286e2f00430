"""The engines that turn a laser network into spikes."""

TILE = 64
"""Lanes per tile of full physics: several vector registers, so that the latency of one hides behind the
others; see `docs/performance.md`."""
SHORT_TILE = 32
"""The same of neurons and reduced lasers, whose steps are short; no more than a word has bits."""
SUBSTEPS = 4
"""Integration steps between two visits of spikes and synapses."""
REARM = 0.25
"""Fraction of the detection threshold below which the read-out looks for the next spike."""
