"""What every package leans on: checks, errors, extras, archives, provenance, defaults."""
