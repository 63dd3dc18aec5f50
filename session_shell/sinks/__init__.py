"""Sinks that show scans."""
