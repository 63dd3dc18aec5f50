"""The file of a running scan, from its start to its end."""
