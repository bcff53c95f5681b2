"""Training of the classifier: steps, scans, checkpoints, histories."""
