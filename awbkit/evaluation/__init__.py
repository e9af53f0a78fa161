"""Evaluation: errors, statistics and their uncertainty, comparisons, protocols, calibration, and reports."""
