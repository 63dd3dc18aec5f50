"""Motion as a function of time: profiles, what is under way, axes moved together."""

from __future__ import annotations
