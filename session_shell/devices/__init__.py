"""Devices: what they must offer, and the simulated ones."""
