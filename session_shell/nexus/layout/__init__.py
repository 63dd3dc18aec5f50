"""What a scan file holds and where: the entry, its instrument, its default plot."""
