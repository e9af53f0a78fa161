"""Judgement: errors, statistics and their uncertainty, comparisons, protocols, calibration, and how that is shown."""
