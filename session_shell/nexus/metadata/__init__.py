"""Dictionaries of users and devices as trees, and back."""
