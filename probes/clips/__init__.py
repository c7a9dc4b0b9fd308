"""Labelled clips: sets, splits, view sampling, label files."""
