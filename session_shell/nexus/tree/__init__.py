"""A file as plain data: groups, datasets, links, and what NeXus says of their classes and names."""
