"""Saved scans as a person wants to see them: text, tables, trees, exports, pictures."""
