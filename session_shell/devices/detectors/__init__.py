"""Detectors of spectra and images, simulated."""

from __future__ import annotations
