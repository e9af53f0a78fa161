"""The estimator in whole numbers, from a 16-bit thumbnail to gains: what every integer target is tested against."""
