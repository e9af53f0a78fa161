"""The compact illuminant estimator: what it reads of a picture, how it is built, and its inference in numpy."""
