"""What networks and statistics cost: numbers of weights, bytes, time on this machine, instructions on a Cortex-M."""
