"""What is built: pumps, couplings, synapses, delays, faults of fabrication."""
