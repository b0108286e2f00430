"""What states say about the sampler that they come from.

Pure functions of states, moments and a machine. `convergence` tells whether the chains are long enough,
`bias` whether the law is wrong, `distance` how far. `parts` tells what could remove it, `temperature`
how hot it is, `references` what the right values are. `verdict` says it in words. `fidelity.assess`
asks them all: it collects `findings` and writes them down as a `certificate`.
"""
