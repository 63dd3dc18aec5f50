"""The YAML tree: read it, check it, build what it describes."""
