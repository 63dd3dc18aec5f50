"""Labelled positions of one or several axes."""

from __future__ import annotations
