"""Benchmarks of others, three items of our own in each published layout."""
