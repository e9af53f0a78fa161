"""The cost of networks and statistics: parameters, bytes, time on this machine, instructions on a Cortex-M."""
