"""What people need to test their own setup scripts and devices with pytest."""
