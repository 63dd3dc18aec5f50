"""NeXus files: from documents and metadata to trees, and from trees to disk."""
