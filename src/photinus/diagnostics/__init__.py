"""What states say about the sampler that they come from.

Pure functions of states, moments and a machine: `convergence` (are the chains long enough), `bias` (is
the law wrong), `distance` (how far), `parts` (what could remove it), `temperature`, `references` (what
the right values are), `verdict` (in words). `fidelity.assess` asks them all: it collects `findings` and
writes them down as a `certificate`.
"""
