"""Scans whose process died: how they get an end."""
