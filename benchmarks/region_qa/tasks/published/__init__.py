"""Benchmarks of others, read in the layout in which they are published."""
