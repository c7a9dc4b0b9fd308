"""Providers of a point map for footage that has none."""
