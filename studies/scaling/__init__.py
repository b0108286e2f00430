"""How errors grow with the number of units, for lasers, LIF neurons, ideal neurons and Gibbs sampling.

Machines are uniform in ±1, whatever their size: `dense` with all pairs coupled, `restricted` with eight
units on one side, and `kept`, dense with weights divided by √((n - 1)/4), so that fields stay as wide
as those of five units. Moments of restricted machines, and of others of up to 16 units, are exact:
enumerated by a few lines of this study alone. Those of larger machines come from two runs of Gibbs
sampling with copies, and their error is told. Chains fall into groups. Squared errors are products of
the errors of different groups, which have no floor. Their errors are those of a jackknife.

KL is that of the moments, ½ δᵀ C⁻¹ δ, with δ the errors of marginals and coupled pairs, and C their
covariance in the target: the least that samples with such moments can have, to second order. C is too
large for dense machines of more than 64 units. *KL of marginals* is the same of the marginals alone, at
every size. Where states can be counted, the KL of all of them is told beside it.

Time on the chip is that of one chain until its KL is `GOAL_KL`: what is left without end, and what
draws add. A draw takes a window τ on spiking substrates, and a sweep of Gibbs sampling what it takes
here, on one thread, with all chains together.

    python -m studies.scaling                         # measures what is missing, prints the tables
    python -m studies.scaling --families dense --units 8 16 --samplers gibbs "laser, measured"
    python -m studies.scaling --report                # tables of what there is
"""
