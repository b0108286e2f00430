"""What runs a network, whatever its neurons are."""
