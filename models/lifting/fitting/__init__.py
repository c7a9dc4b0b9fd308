"""Fitting of pose and shape to the observed points."""
