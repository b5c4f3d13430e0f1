"""Hunts: their cases."""
