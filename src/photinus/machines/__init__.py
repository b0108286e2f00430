"""What is sampled: Boltzmann machines, Bayesian networks, evidence."""
