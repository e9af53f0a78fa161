"""Judgement: errors, statistics with their uncertainty, comparisons, protocols, calibration, and how all that is shown."""
