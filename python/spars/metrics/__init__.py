"""Measures of masks against references."""
