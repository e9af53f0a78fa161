"""Spectra and what is made of them: reflectances under lights, seen by cameras.

reflectances ─┐
lights ───────┼─► scene ─► sensor ─► linear camera RGB, valid mask; the light of every cell known exactly
sensitivities ┘
"""
