"""A small spectral ray tracer in numpy, and the scenes that the example pictures are rendered from."""
