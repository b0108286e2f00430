"""What comes out of a network: spike trains, and the states that they stand for."""
