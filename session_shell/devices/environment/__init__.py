"""What surrounds a sample: shutter and temperature."""

from __future__ import annotations
