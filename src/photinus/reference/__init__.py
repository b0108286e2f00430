"""Samplers that are exact in law, and what they share.

They take machines and return plain arrays; they know nothing of lasers. `exact` draws independently
from the enumerated joint, `gibbs` sweeps over the units, `ideal` is a network of ideal refractory
neurons in continuous time.
"""
