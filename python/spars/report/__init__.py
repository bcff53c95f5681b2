"""Reports and plots."""

from spars.report import plots
from spars.report.page import METRICS, write_report
from spars.report.surfaces import surfaces, write_surfaces

__all__ = ["METRICS", "plots", "surfaces", "write_report", "write_surfaces"]
