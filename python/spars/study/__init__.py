"""Studies over datasets."""
