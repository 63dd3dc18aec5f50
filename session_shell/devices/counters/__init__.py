"""Counters: simulated, calculated from others, and what they make of their samples."""

from __future__ import annotations
