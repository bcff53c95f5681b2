"""Scans: volumes, files, datasets, phantoms, and what is done to intensities."""

from spars.volume import datasets
from spars.volume.protocol import IntensityWindow, Protocol
from spars.volume.volume import Header, Volume, as_volume, load, resample, save
from spars.volume.working import WorkingScan, working_scan

__all__ = [
    "Header",
    "IntensityWindow",
    "Protocol",
    "Volume",
    "WorkingScan",
    "as_volume",
    "datasets",
    "load",
    "resample",
    "save",
    "working_scan",
]
