"""Spectral simulation: reflectances under lights, taken by cameras.

reflectances ─┐
lights ───────┼─► scene ─► sensor ─► linear camera RGB, valid mask, exact light of every cell
sensitivities ┘
"""
