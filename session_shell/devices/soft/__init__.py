"""Axes and counters made of any Python object."""

from __future__ import annotations
