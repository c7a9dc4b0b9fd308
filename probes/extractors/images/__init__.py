"""Extractors of image encoders, frame by frame."""
