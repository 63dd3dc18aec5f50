"""Saved sessions: packed into archives, played again, compared with what they were."""
