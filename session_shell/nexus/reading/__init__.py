"""Scan files read back, also while they grow: scans, documents, lists."""
