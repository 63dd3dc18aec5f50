"""Bytes, locks and HDF5: how trees get to the disk and stay whole there."""
