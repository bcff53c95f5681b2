"""Searches of a scan: self-play, runs, leagues, baselines, segmentation."""
