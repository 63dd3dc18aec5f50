"""What the scans of one folder share: numbers and the master file."""
