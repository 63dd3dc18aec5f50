"""The record that a session keeps of itself: one line per command and per scan."""
