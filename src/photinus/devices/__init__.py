"""What one neuron is."""
