"""Axes: simulated, turning, calculated from others, and groups of them."""

from __future__ import annotations
