"""Training the network in torch; nothing else in the package imports torch."""
