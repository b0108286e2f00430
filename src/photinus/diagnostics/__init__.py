"""What states say about the sampler that they come from.

Pure functions of states, moments and a machine: `convergence` (are the chains long enough), `bias` (is
the law wrong), `distance` (how far), `references` (what the right values are), `verdict` (in words).
`photinus.diagnostics.fidelity.assess` asks them all.
"""
