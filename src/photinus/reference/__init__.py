"""Samplers to compare with.

They know nothing of lasers. `exact` draws independently from the enumerated joint, `gibbs` sweeps over
the units, `ideal` is a network of ideal refractory neurons in continuous time. These are exact in law.
`lif` simulates leaky integrate-and-fire neurons, which are not.
"""
