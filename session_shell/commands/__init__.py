"""The verbs that users type."""
