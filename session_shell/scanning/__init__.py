"""Scans: plans, the engine that runs them, the documents that they send, their metadata."""

from __future__ import annotations
