"""Reports and plots."""

from spars.report import plots
from spars.report.page import METRICS, write_report

__all__ = ["METRICS", "plots", "write_report"]
