"""Cameras, lights and pictures as numbers."""
