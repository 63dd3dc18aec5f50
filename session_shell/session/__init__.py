"""The session: devices, metadata, saving and namespace under one name."""
