"""Journals as a person wants to read them: lists, logs, pages and runnable scripts."""
