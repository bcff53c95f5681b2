"""Scans: volumes, files, datasets, phantoms, and what is done to intensities."""
