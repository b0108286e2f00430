"""What is built: drives, couplings, synapses, delays, faults of fabrication."""
