"""Made-up lesions: an organ's level, lesions put into a scan, windows with true labels.

What a lesion is made of, and what is left out, stands in docs/explanation/lesions.md.
"""

from spars.lesions.host import Host, OrganLevel, hosts, organ_level
from spars.lesions.insertion import Inserted, insert
from spars.lesions.settings import LesionLaw, WindowSettings
from spars.lesions.windows import WindowBatch, Windows, windows

__all__ = [
    "Host",
    "Inserted",
    "LesionLaw",
    "OrganLevel",
    "WindowBatch",
    "WindowSettings",
    "Windows",
    "hosts",
    "insert",
    "organ_level",
    "windows",
]
