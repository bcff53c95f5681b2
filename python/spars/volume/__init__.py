"""Scans: volumes, files, datasets, phantoms, and what is done to intensities."""

from spars.volume import datasets
from spars.volume.protocol import IntensityWindow, Protocol
from spars.volume.volume import Header, Volume, as_volume, load, resample, save

__all__ = [
    "Header",
    "IntensityWindow",
    "Protocol",
    "Volume",
    "as_volume",
    "datasets",
    "load",
    "resample",
    "save",
]
