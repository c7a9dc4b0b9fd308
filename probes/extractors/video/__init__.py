"""Extractors of video encoders."""
